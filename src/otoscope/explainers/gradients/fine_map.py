"""A map as fine as the features it was computed at, and its sums over segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, FrameGrid, Segment
from otoscope.core.arrays import ByValue, frozen_array, set_frozen


@dataclass(frozen=True, eq=False)
class FineMap(ByValue):
    """What every frame and unit of the features, or of another site, was worth to a target.

    Parameters
    ----------
    values
        `(n_frames, n_units)` in nats where the method shares out a score, else in units of its own.
    grid
        Where the frames lie.
    frequencies_hz
        `(n_units,)` centre of each unit's band, rising; `None` where units are no bands.
    score, baseline_score
        Of the target in the recording, and where the method starts from.
    method
        Who made it.
    """

    values: NDArray[np.float64]
    grid: FrameGrid
    frequencies_hz: NDArray[np.float64] | None
    score: float
    baseline_score: float
    method: str

    def __post_init__(self) -> None:
        values = frozen_array(self.values, n_dims=2, name="values", dtype=np.float64)
        if values.shape[0] != self.grid.n_frames:
            raise BadInput(f"a map of {values.shape[0]} rows for {self.grid.n_frames} frames")
        set_frozen(self, values=values)
        if self.frequencies_hz is not None:
            centres = frozen_array(self.frequencies_hz, n_dims=1, name="frequencies", dtype=np.float64)
            if centres.size != values.shape[1] or (np.diff(centres) <= 0).any():
                raise BadInput(f"{centres.size} frequencies, which must rise, for {values.shape[1]} units")
            set_frozen(self, frequencies_hz=centres)

    @property
    def completeness_gap(self) -> float:
        """|sum of the map - (score - baseline_score)| in nats (Sundararajan et al. 2017, proposition 1)."""
        return abs(float(self.values.sum()) - (self.score - self.baseline_score))

    def summed(self, segments: Sequence[Segment], *, duration_s: float) -> NDArray[np.float64]:
        """Return the sum over each segment, `(n_segments,)`: a frame that lies in two is shared by time.

        The first and the last frame reach to the ends of the recording. A band takes the shares of the units'
        own bands, which meet half-way between centres.

        Raises
        ------
        BadInput
            A segment has frequencies where the units have none.
        """
        edges = self.grid.edges_s()
        edges[0], edges[-1] = min(edges[0], 0.0), max(edges[-1], duration_s)
        total = np.vstack([np.zeros(self.values.shape[1]), np.cumsum(self.values, axis=0)])
        return np.array([self._sum(segment, edges, total) for segment in segments]).reshape(len(segments))

    def _sum(self, segment: Segment, edges: NDArray[np.float64], total: NDArray[np.float64]) -> float:
        own = _at(segment.end_s, edges, total) - _at(segment.start_s, edges, total)
        if segment.low_hz is None or segment.high_hz is None:
            return float(own.sum())
        if self.frequencies_hz is None:
            raise BadInput(f"{self.method} knows no bands here: the features are no spectrum; take segments of time")
        centres = self.frequencies_hz
        bands = np.concatenate([[0.0], (centres[1:] + centres[:-1]) / 2, [np.inf]])
        width = np.diff(bands)
        width[-1] = 2 * (centres[-1] - bands[-2]) or 1.0
        inside = np.clip(np.minimum(bands[1:], segment.high_hz) - np.maximum(bands[:-1], segment.low_hz), 0, None)
        return float(own @ np.minimum(1.0, inside / width))


def _at(time_s: float, edges: NDArray[np.float64], total: NDArray[Any]) -> NDArray[np.float64]:
    """Return the running total at a time, `(n_units,)`, linear between the edges of frames."""
    where = float(np.interp(time_s, edges, np.arange(edges.size)))
    row = min(int(where), edges.size - 2)
    return np.asarray(total[row] + (where - row) * (total[row + 1] - total[row]))
