"""Functions of a few numbers, dressed as recognisers: a number is the level of a segment.

The golden cases of the attribution literature are functions of two or three inputs. Here input j is the mean sample
of segment j times a gain, which is linear in the samples: scaling the sound scales the inputs, silence makes them 0,
and the gradient with respect to each sample is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Interval, Provenance, Recording, Segment, Site, SiteScores, Target, Trace
from otoscope.core.arrays import set_frozen
from otoscope.core.protocols import Progress
from otoscope.testing.hearing import checked_words, samples_of, score_each, toy_provenance, toy_trace

Vector = NDArray[np.float64]

GAIN = 10.0
"""Levels per unit of mean sample: a level of 3 is a stretch of samples at 0.3."""


@dataclass(frozen=True)
class FunctionRecognizer:
    """Score = function(levels), where level j is `GAIN` × the mean sample of segment j.

    Parameters
    ----------
    segments
        The inputs, stretches of time.
    function
        Takes `(n_segments,)`, returns a float.
    derivative
        Takes `(n_segments,)`, returns the gradient, `(n_segments,)`.
    words
        What it always hears, each scored alike; by default one word, "toy".

    Examples
    --------
    >>> toy = basic_model_2()
    >>> rec = toy.recording_of((3, 1))
    >>> toy.score([rec], toy.trace(rec).targets()).round(6).tolist()
    [[1.0]]
    """

    segments: tuple[Segment, ...]
    function: Callable[[Vector], float]
    derivative: Callable[[Vector], Vector]
    words: tuple[Interval, ...] = ()
    name: str = field(default="toy-function")

    def __post_init__(self) -> None:
        set_frozen(self, segments=tuple(self.segments), words=checked_words(self.words, self.segments))
        if any(s.low_hz is not None or s.high_hz is not None for s in self.segments):
            raise BadInput("the inputs of a FunctionRecognizer are stretches of time, without bands")

    def levels(self, recording: Recording) -> Vector:
        """Return `(n_segments,)` inputs of the function."""
        return np.array([GAIN * samples_of(recording, segment).mean() for segment in self.segments])

    def recording_of(self, levels: Sequence[float], *, rate_hz: int = 16000) -> Recording:
        """Return the recording with these levels, constant inside each segment and zero elsewhere."""
        if len(levels) != len(self.segments):
            raise BadInput(f"{len(levels)} levels for {len(self.segments)} segments")
        samples = np.zeros(round(max(s.end_s for s in self.segments) * rate_hz))
        for level, segment in zip(levels, self.segments, strict=True):
            samples[round(segment.start_s * rate_hz) : round(segment.end_s * rate_hz)] = level / GAIN
        return Recording(samples.astype(np.float32), rate_hz, source="synthetic")

    @property
    def provenance(self) -> Provenance:
        """What shapes its answers."""
        return toy_provenance(self.name, self.segments, self.words)

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        """Return a Trace of the words it always hears."""
        return toy_trace(self.provenance, recording, self.words)

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return `(n_recordings, n_targets)` scores, the same for every word."""

        def value(recording: Recording):  # type: ignore[no-untyped-def]
            total = float(self.function(self.levels(recording)))
            return lambda word: total

        return score_each(value, recordings, targets, progress)

    def sites(self) -> tuple[Site, ...]:
        """Return the one site a gradient can be taken at."""
        return (Site("features", "level of each segment, one row a segment", 1),)

    def score_at(
        self,
        recording: Recording,
        targets: Sequence[Target],
        values: NDArray[Any],
        *,
        at: str = "features",
        slopes: bool = False,
    ) -> SiteScores:
        """Return the scores with other levels `(n_values, n_segments, 1)`, or samples `(n_values, n_samples, 1)`."""
        changed = [self._heard(recording, np.asarray(value, dtype=np.float64), at) for value in values]
        scores = [
            [float(self.function(levels)) * (target.rival is None) for target in targets] for levels, _ in changed
        ]
        if not slopes:
            return SiteScores(np.array(scores))
        found = [[self._slope(levels, rec, target, at) for target in targets] for levels, rec in changed]
        return SiteScores(np.array(scores), np.array(found))

    def _heard(self, recording: Recording, value: Vector, at: str) -> tuple[Vector, Recording]:
        if at == "waveform":
            other = recording.with_samples(value[:, 0].astype(np.float32))
            return self.levels(other), other
        return value[:, 0], recording

    def gradient(self, recording: Recording, target: Target, *, at: str = "features") -> NDArray[np.float64]:
        """Return d score / d level, `(n_segments, 1)`, or at "waveform" d score / d sample, `(n_samples, 1)`."""
        return self._slope(self.levels(recording), recording, target, at)

    def _slope(self, levels: Vector, recording: Recording, target: Target, at: str) -> Vector:
        slope = np.asarray(self.derivative(levels), dtype=np.float64)
        slope = slope * (0.0 if target.rival is not None else 1.0)
        if at == "features":
            return slope[:, None]
        if at != "waveform":
            raise BadInput(f"no site {at!r} in the toy; it has features and waveform")
        by_sample = np.zeros((recording.n_samples, 1))
        for value, segment in zip(slope, self.segments, strict=True):
            first, last = round(segment.start_s * recording.rate_hz), round(segment.end_s * recording.rate_hz)
            by_sample[first:last] = value * GAIN / (last - first)
        return by_sample


def _relu(value: float) -> float:
    return max(0.0, float(value))


TWO_HALVES = (Segment(0.0, 0.5, label="x1"), Segment(0.5, 1.0, label="x2"))


def basic_model_2() -> FunctionRecognizer:
    """Return f(x1, x2) = relu(relu(x1) - 1 - relu(x2)) (Sundararajan et al. 2017, figure 3; captum's BasicModel2).

    At (3, 1) the integrated gradients from zero are (1.5, -0.5), and those of `basic_model_3` too: both compute the
    same function of non-negative inputs (implementation invariance).
    """

    def slope(x: Vector) -> Vector:
        on = _relu(x[0]) - 1 - _relu(x[1]) > 0
        return np.array([1.0 if on and x[0] > 0 else 0.0, -1.0 if on and x[1] > 0 else 0.0])

    function = lambda x: _relu(_relu(x[0]) - 1 - _relu(x[1]))  # noqa: E731
    return FunctionRecognizer(TWO_HALVES, function, slope, name="toy-basic-model-2")


def basic_model_3() -> FunctionRecognizer:
    """Return f(x1, x2) = relu(relu(x1 - 1) - relu(x2)) (the same paper, right; captum's BasicModel3)."""

    def slope(x: Vector) -> Vector:
        on = _relu(x[0] - 1) - _relu(x[1]) > 0
        return np.array([1.0 if on and x[0] > 1 else 0.0, -1.0 if on and x[1] > 0 else 0.0])

    function = lambda x: _relu(_relu(x[0] - 1) - _relu(x[1]))  # noqa: E731
    return FunctionRecognizer(TWO_HALVES, function, slope, name="toy-basic-model-3")
