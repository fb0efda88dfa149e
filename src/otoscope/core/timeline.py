"""Labelled stretches of time: intervals, tiers and alignments."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.core.errors import BadInput
from otoscope.core.grid import FrameGrid
from otoscope.core.late import helper

Origin = Literal["aligned", "attention", "interpolated", "annotated", "synthetic"]
"""Where a time came from. Measured and smoothed times are never mixed without saying so."""


@dataclass(frozen=True)
class Interval:
    """A labelled stretch `[start_s, end_s)`.

    `score` is a natural-log probability or a confidence, as the tier that holds it says; `None` when there is none.
    """

    start_s: float
    end_s: float
    label: str
    score: float | None = None
    origin: Origin = "aligned"

    def __post_init__(self) -> None:
        set_frozen(self, start_s=float(self.start_s), end_s=float(self.end_s))
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s) and self.start_s <= self.end_s):
            raise BadInput(f"interval {self.label!r} needs start_s <= end_s, got {self.start_s} and {self.end_s}")
        if self.origin not in get_args(Origin):
            raise BadInput(f"unknown origin {self.origin!r}; one of {', '.join(get_args(Origin))}")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s

    def overlap_s(self, other: Interval) -> float:
        """Seconds shared with `other`, 0 where they do not meet."""
        return max(0.0, min(self.end_s, other.end_s) - max(self.start_s, other.start_s))


@dataclass(frozen=True)
class Tier:
    """Intervals in order of time that do not overlap (gaps are allowed).

    Examples
    --------
    >>> words = Tier("words", (Interval(0, 0.3, "so"), Interval(0.4, 0.9, "my")))
    >>> words.labels, words.at(0.35), words.at(0.5).label
    (('so', 'my'), None, 'my')
    """

    name: str
    intervals: tuple[Interval, ...] = ()

    def __post_init__(self) -> None:
        set_frozen(self, intervals=tuple(self.intervals))
        for left, right in zip(self.intervals, self.intervals[1:], strict=False):
            if right.start_s < left.end_s:
                raise BadInput(
                    f"tier {self.name!r}: {right.label!r} starts at {right.start_s} s, "
                    f"before {left.label!r} ends at {left.end_s} s"
                )

    def __iter__(self) -> Iterator[Interval]:
        return iter(self.intervals)

    def __len__(self) -> int:
        return len(self.intervals)

    def __getitem__(self, index: int) -> Interval:
        return self.intervals[index]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in order of time."""
        return tuple(interval.label for interval in self.intervals)

    def at(self, time_s: float) -> Interval | None:
        """Return the interval that holds `time_s`, or `None`."""
        return next((i for i in self.intervals if i.start_s <= time_s < i.end_s), None)

    def within(self, start_s: float, end_s: float) -> tuple[Interval, ...]:
        """Return the intervals whose midpoint lies in `[start_s, end_s)`."""
        return tuple(i for i in self.intervals if start_s <= (i.start_s + i.end_s) / 2 < end_s)

    def _repr_html_(self) -> str:
        return helper("html")(self)


@dataclass(frozen=True, eq=False)
class Alignment(ByValue):
    """Which stretch of sound belongs to which word, phone and state.

    Parameters
    ----------
    words, phones, states
        Tiers; `phones` and `states` are `None` where the recogniser has none.
    path
        `(n_frames,)` index of the state or symbol each frame is in, on `grid`; `None` where there is none.
    text_confidence, time_confidence
        For each word, how likely it is *this word* and how likely it is *here*: probabilities, or `None` if not known.
    log_score
        Natural-log score of the whole path.
    """

    words: Tier
    phones: Tier | None = None
    states: Tier | None = None
    path: NDArray[np.int64] | None = None
    grid: FrameGrid | None = None
    text_confidence: tuple[float, ...] | None = None
    time_confidence: tuple[float, ...] | None = None
    log_score: float | None = None

    def __post_init__(self) -> None:
        if self.path is not None:
            if self.grid is None:
                raise BadInput("an alignment path needs the FrameGrid it runs on")
            path = frozen_array(self.path, n_dims=1, name="path", dtype=np.int64)
            if path.size != self.grid.n_frames:
                raise BadInput(f"path has {path.size} frames, its grid {self.grid.n_frames}")
            set_frozen(self, path=path)
        for name in ("text_confidence", "time_confidence"):
            values = getattr(self, name)
            if values is not None:
                if len(values) != len(self.words):
                    raise BadInput(f"{name} has {len(values)} values for {len(self.words)} words")
                set_frozen(self, **{name: tuple(float(v) for v in values)})

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The tiers that are there, widest unit first."""
        return tuple(t for t in (self.words, self.phones, self.states) if t is not None)

    def _repr_html_(self) -> str:
        return helper("html")(self)
