"""A race: who leads at each frame and by how much, from activations of any model; what decisions are taken on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from otoscope.core import BadInput, FrameGrid, NotRecorded
from otoscope.core.arrays import ByValue, frozen_array, set_frozen

Floats = NDArray[np.float64]


class Competing(Protocol):
    """What a race needs of a competition (`otoscope.listener.competing.Competition`); shapes as there."""

    @property
    def forms(self) -> NDArray[np.int32]: ...  # noqa: D102
    @property
    def activations(self) -> NDArray[np.float32]: ...  # noqa: D102
    @property
    def log_total(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def entropy_bits(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def lead(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def grid(self) -> FrameGrid: ...  # noqa: D102
    @property
    def acoustic_scale(self) -> float: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class Race(ByValue):
    """Who leads, frame by frame.

    Parameters
    ----------
    times_s
        `(n_frames,)` rising: when the activations of a frame are there.
    leaders
        `(n_frames,)` the candidate of highest activation.
    tops
        `(n_frames,)` its activation.
    leads
        `(n_frames,)` how far it is ahead of the best rival (of the best form with other words).
    entropy_bits
        `(n_frames,)` of the posteriors of all candidates; `None` where there are none.
    confidence
        `(n_frames,)` posterior of the leader.
    kept
        `(n_frames, n_kept)` the highest activations in falling order, for counting.
    """

    times_s: Floats
    leaders: NDArray[np.int64]
    tops: Floats
    leads: Floats
    entropy_bits: Floats | None = None
    confidence: Floats | None = None
    kept: Floats | None = None

    def __post_init__(self) -> None:
        n = np.asarray(self.times_s).size
        for name in ("times_s", "leaders", "tops", "leads", "entropy_bits", "confidence"):
            values = getattr(self, name)
            if values is None:
                continue
            kind = np.int64 if name == "leaders" else np.float64
            values = frozen_array(values, n_dims=1, name=name, dtype=kind)
            if values.size != n or np.isnan(values).any():
                raise BadInput(f"{name} needs a number for each of {n} frames, got {values.size} or NaN among them")
            set_frozen(self, **{name: values})
        if n > 1 and (np.diff(self.times_s) <= 0).any():
            raise BadInput("times of frames must rise")
        if self.kept is not None:
            set_frozen(self, kept=frozen_array(self.kept, n_dims=2, name="kept", dtype=np.float64))

    @property
    def n_frames(self) -> int:
        """How many frames there are."""
        return int(self.times_s.size)

    def frame_from(self, time_s: float) -> int:
        """Return the first frame at or after a time, else the last."""
        return min(int(np.searchsorted(self.times_s, time_s - 1e-9)), self.n_frames - 1)

    def between(self, first: int, behind: int) -> Race:
        """Return the race from one frame to before another."""
        part = slice(first, behind)
        return Race(
            self.times_s[part],
            self.leaders[part],
            self.tops[part],
            self.leads[part],
            None if self.entropy_bits is None else self.entropy_bits[part],
            None if self.confidence is None else self.confidence[part],
            None if self.kept is None else self.kept[part],
        )

    def entropies(self) -> Floats:
        """Return the entropies; raises `NotRecorded` where there are none."""
        if self.entropy_bits is None:
            raise NotRecorded("this race has no posteriors; make it with a scale (race_of(…, scale=…))")
        return self.entropy_bits

    def n_within(self, frame: int, margin: float) -> int:
        """Return how many kept candidates are within a margin of the leader, itself among them."""
        if self.kept is None:
            raise NotRecorded("this race keeps no activations but the leader's: words within a margin are not known")
        return int((self.kept[frame] >= self.tops[frame] - margin).sum())


def race_of(activations: ArrayLike, times_s: ArrayLike, *, scale: float | None = None) -> Race:
    """Return the race of candidates that are all rivals of one another.

    Parameters
    ----------
    activations
        `(n_frames, n_candidates)` of any model, two candidates at least.
    times_s
        `(n_frames,)`; cycles of a model count as times too.
    scale
        κ: posteriors are exp(κ a) / Σ exp(κ a) (Luce 1959); `None`: there are none.
    """
    a = np.asarray(activations, dtype=np.float64)
    times = np.asarray(times_s, dtype=np.float64)
    if a.ndim != 2 or a.shape[1] < 2 or times.shape != a.shape[:1]:
        raise BadInput(
            f"activations (n_frames, 2 or more candidates) with a time a frame, got {a.shape}, {times.shape}"
        )
    ranked = -np.sort(-a, axis=1)
    leads = _difference(ranked[:, 0], ranked[:, 1])
    if scale is None:
        return Race(times, a.argmax(axis=1), ranked[:, 0], leads, kept=ranked)
    log_p = log_posteriors(a, scale)
    p = np.exp(log_p)
    bits = -np.sum(p * np.where(p > 0, log_p, 0), axis=1) / np.log(2)
    return Race(times, a.argmax(axis=1), ranked[:, 0], leads, np.maximum(bits, 0), p.max(axis=1), ranked)


def race_of_competition(competition: Competing) -> Race:
    """Return the race of a competition: its leads are over the best form that shares no word with the leader."""
    tops = competition.activations[:, 0].astype(np.float64)
    log_p = competition.acoustic_scale * tops - np.asarray(competition.log_total, np.float64)
    return Race(
        competition.grid.times_s(),
        competition.forms[:, 0].astype(np.int64),
        tops,
        np.asarray(competition.lead, np.float64),
        np.asarray(competition.entropy_bits, np.float64),
        np.minimum(np.exp(log_p), 1.0),
        competition.activations.astype(np.float64),
    )


def log_posteriors(activations: ArrayLike, scale: float) -> Floats:
    """Return κ a - log Σ exp(κ a) over the last axis (Luce 1959); even where all are minus infinity."""
    if not scale > 0:
        raise BadInput(f"the scale of activations must be above 0, got {scale:g}")
    scaled = scale * np.asarray(activations, dtype=np.float64)
    scaled = np.where(np.isneginf(scaled).all(axis=-1, keepdims=True), 0.0, scaled)
    return np.asarray(scaled - logsumexp(scaled, axis=-1, keepdims=True))


def _difference(first: Floats, second: Floats) -> Floats:
    """Return first - second, 0 where both are minus infinity: nobody leads."""
    nobody = np.isneginf(first)
    return np.where(nobody, 0.0, first - np.where(nobody, 0.0, second))
