"""What slopes are taken of: features of a recording, those without sound, and slopes in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import FrameGrid, NotAble, Recognizer, Recording, Segment, Target
from otoscope.signal.masking import Masker

MOST_NUMBERS = 2**24
"""Slopes that are held at once."""


@dataclass(frozen=True)
class Inputs:
    """Features of a recording, or its samples where a recogniser records no features.

    Parameters
    ----------
    recognizer, recording, targets
        Who listens to what, and is asked about what.
    at
        The site: `features` or `waveform`.
    values
        `(n_rows, n_units)` what stands there.
    grid, frequencies_hz
        Where rows lie, and the centres of units that are bands.
    """

    recognizer: Any
    recording: Recording
    targets: tuple[Target, ...]
    at: str
    values: NDArray[np.float32]
    grid: FrameGrid
    frequencies_hz: NDArray[np.float64] | None

    def scores(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return the scores `(n_values, n_targets)` of other values `(n_values, n_rows, n_units)`."""
        found: NDArray[np.float64] = self.recognizer.score_at(self.recording, self.targets, values, at=self.at).scores
        return found

    def filled(self, fill: str, *, seed: int = 0) -> NDArray[np.float32]:
        """Return what stands there when the whole recording is filled, `(n_rows, n_units)`."""
        whole = Segment(0.0, self.recording.duration_s)
        silent = Masker(self.recording, [whole], fill=fill, seed=seed)([False])
        if self.at == "waveform":
            return silent.samples[:, None]
        return passing(self.recognizer, silent, self.targets[0], self.at)

    def mean_slopes(
        self, values: Sequence[NDArray[Any]], weights: Sequence[float], factors: Sequence[NDArray[Any]] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the weighted sum of slopes `(n_targets, n_rows, n_units)`, and the scores `(n_values, n_targets)`.

        `factors` `(n_rows, n_units)` multiply the slopes of each value before they are summed.
        """
        total = np.zeros((len(self.targets), *self.values.shape))
        scores = []
        step = max(1, MOST_NUMBERS // max(1, total.size))
        for first in range(0, len(values), step):
            some = np.stack(values[first : first + step]).astype(np.float32)
            found = self.recognizer.score_at(self.recording, self.targets, some, at=self.at, slopes=True)
            scores.append(found.scores)
            for i in range(len(some)):
                factor = 1.0 if factors is None else factors[first + i]
                total += weights[first + i] * factor * found.slopes[i]
        return total, np.concatenate(scores)


def inputs_of(
    recognizer: Recognizer, recording: Recording, targets: Sequence[Target], *, method: str = "this method"
) -> Inputs:
    """Return what slopes are taken of.

    Raises
    ------
    NotAble
        The recogniser gives no scores for other values at its sites.
    """
    if not callable(getattr(recognizer, "score_at", None)):
        raise NotAble(
            f"{method} needs slopes, and {recognizer.name} cannot tell how scores change inside it; "
            "take a method that only listens, such as shapley, lime or leave-one-out"
        )
    trace = recognizer.trace(recording, record=["features"])
    if trace.has("features"):
        found = trace.features
        bands = found.coefficients if found.coefficient_unit == "Hz" else None
        return Inputs(recognizer, recording, tuple(targets), "features", found.values, found.grid, bands)
    grid = FrameGrid(recording.rate_hz, 0, 1, 1, recording.n_samples)
    return Inputs(recognizer, recording, tuple(targets), "waveform", recording.samples[:, None], grid, None)


def passing(recognizer: Any, recording: Recording, target: Target, site: str) -> NDArray[np.float32]:
    """Return what passes a site in a recording, `(n_rows, n_units)`, without decoding where that can be had."""
    if not hasattr(recognizer, "edited"):
        found: NDArray[np.float32] = recognizer.trace(recording, record=[site]).features.values
        return found
    seen: list[NDArray[np.float32]] = []

    def keep(values: NDArray[Any]) -> NDArray[Any]:
        seen.append(np.array(values, dtype=np.float32))
        return values

    with recognizer.edited({site: keep}):
        recognizer.score([recording], [target])
    return np.concatenate(seen)
