"""Audrey's way (Davis, Biddulph & Balashek 1952): how long the first two formants dwell where; no warping."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Features, FrameGrid, NotAble, Recording
from otoscope.recognizers.template.matching import Place
from otoscope.signal.filters import high_pass, low_pass
from otoscope.signal.frames import analysis_grid, frame_view
from otoscope.signal.resampling import resampled

SPLIT_HZ = (900.0, 1000.0)
"""Below the first lies the first formant, above the second one the second."""


@dataclass(frozen=True)
class FormantTracks:
    """Two formants as the rate of zero crossings in two bands, as in 1952.

    Parameters
    ----------
    rate_hz
        Sound is resampled to this.
    window_s, hop_s
        Over how long crossings are counted, and how often.
    f1_edges_hz, f2_edges_hz
        Sides of the fields of the formant plane; what lies outside counts in the outermost field.
    floor_db
        A frame this far below the recording's loudest counts as silence.
    """

    rate_hz: int = 8000
    window_s: float = 0.025
    hop_s: float = 0.01
    f1_edges_hz: tuple[float, ...] = (200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0)
    f2_edges_hz: tuple[float, ...] = (1000.0, 1300.0, 1600.0, 1900.0, 2200.0, 2600.0)
    floor_db: float = 25.0

    @property
    def n_fields(self) -> int:
        """Fields of the plane: 30, of which Audrey used 28."""
        return (len(self.f1_edges_hz) - 1) * (len(self.f2_edges_hz) - 1)

    def features(self, recording: Recording) -> Features:
        """Return `(n_frames, 3)`: first and second formant in Hz, and 1 where it is loud enough to count, else 0.

        Notes
        -----
        A sine of frequency f crosses zero 2 f times a second; in a band with one strong resonance the rate of
        crossings follows that resonance (Davis, Biddulph & Balashek 1952, section 2).
        """
        sound = resampled(recording, self.rate_hz)
        grid = analysis_grid(sound.n_samples, self.rate_hz, window_s=self.window_s, hop_s=self.hop_s)
        values = np.zeros((grid.n_frames, 3))
        columns = np.arange(3, dtype=np.float64)
        if grid.n_frames == 0:
            return Features(values.astype(np.float32), grid, "formants", "Hz", columns, "F1, F2, loud")
        for column, band in enumerate((low_pass(sound, SPLIT_HZ[0]), high_pass(sound, SPLIT_HZ[1]))):
            values[:, column] = _crossing_rate(band.samples, grid) / 2
        power = (frame_view(sound.samples, grid).astype(np.float64) ** 2).mean(axis=1)
        values[:, 2] = power > power.max() * 10 ** (-self.floor_db / 10)
        return Features(values.astype(np.float32), grid, "formants", "Hz", columns, "F1, F2, loud")

    def fields(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """Return the field of the plane that each loud frame lies in: F1 step times the number of F2 steps plus F2."""
        loud = values[values[:, 2] > 0]
        steps = [
            np.clip(np.searchsorted(edges, loud[:, column], side="right") - 1, 0, len(edges) - 2)
            for column, edges in enumerate((self.f1_edges_hz, self.f2_edges_hz))
        ]
        return np.asarray(steps[0] * (len(self.f2_edges_hz) - 1) + steps[1])

    def pattern(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return `(n_fields,)`: the share of time spent in each field, less its mean, as a vector of length 1."""
        counts = np.bincount(self.fields(values), minlength=self.n_fields).astype(np.float64)
        counts -= counts.mean()
        length = np.sqrt((counts**2).sum())
        return counts / length if length > 0 else counts


def _crossing_rate(band: NDArray[np.float32], grid: FrameGrid) -> NDArray[np.float64]:
    """Return zero crossings per second in each window."""
    frames = frame_view(band, grid)
    return (np.diff(np.signbit(frames), axis=1) != 0).sum(axis=1) * grid.rate_hz / (grid.window - 1)


@dataclass(frozen=True)
class OccupancyLearner:
    """Makes one pattern a word: the mean of its examples' patterns.

    Parameters
    ----------
    tracks
        Makes the formants.
    n_fields
        Steps of F1 and of F2: the sides of the fields are quantiles of the examples' formants, so that the plane is
        adjusted to the talker, as Audrey had to be. `None` keeps the sides of `tracks`.
    """

    tracks: FormantTracks = field(default_factory=FormantTracks)
    n_fields: tuple[int, int] | None = (8, 6)

    def features(self, recording: Recording) -> Features:
        """Return the formant tracks."""
        return self.tracks.features(recording)

    def matcher(self, examples: Sequence[Sequence[NDArray[Any]]]) -> OccupancyMatcher:
        """Return the matcher made of the tracks of some examples of each word."""
        if self.n_fields is not None:
            return dataclasses.replace(self, tracks=self._adjusted(examples), n_fields=None).matcher(examples)
        means = [np.mean([self.tracks.pattern(example) for example in own], axis=0) for own in examples]
        lengths = [max(float(np.sqrt((mean**2).sum())), 1e-12) for mean in means]
        patterns = np.stack([mean / length for mean, length in zip(means, lengths, strict=True)])
        return OccupancyMatcher(patterns.astype(np.float32), self)

    def _adjusted(self, examples: Sequence[Sequence[NDArray[Any]]]) -> FormantTracks:
        frames = np.concatenate([example for own in examples for example in own])
        loud = frames[frames[:, 2] > 0]
        assert self.n_fields is not None
        sides = [
            tuple(float(side) for side in np.quantile(loud[:, column], np.linspace(0, 1, n + 1)))
            for column, n in enumerate(self.n_fields)
        ]
        return dataclasses.replace(self.tracks, f1_edges_hz=sides[0], f2_edges_hz=sides[1])


class OccupancyMatcher:
    """Patterns of all words; the distance from one is 1 less the correlation with it.

    Parameters
    ----------
    patterns
        `(n_words, n_fields)` mean dwell times, each of mean 0 and length 1.
    learner
        How they were made.
    """

    kind = "occupancy"

    def __init__(self, patterns: NDArray[Any], learner: OccupancyLearner) -> None:
        self.patterns, self.learner = np.asarray(patterns, dtype=np.float64), learner
        if self.patterns.ndim != 2 or self.patterns.shape[1] != learner.tracks.n_fields:
            raise BadInput(f"patterns must be (n_words, {learner.tracks.n_fields}), got {self.patterns.shape}")

    def features(self, recording: Recording) -> Features:
        """Return the formant tracks."""
        return self.learner.features(recording)

    def distances(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return `(n_words,)`, 0 (the same pattern) to 2."""
        return 1.0 - self.patterns @ self.learner.tracks.pattern(values)

    def frame_costs(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return `(n_frames, n_words)`: how much less a frame's field weighs in a pattern than the heaviest does."""
        costs = np.zeros((len(values), len(self.patterns)))
        costs[values[:, 2] > 0] = (self.patterns.max(axis=1) - self.patterns.T)[self.learner.tracks.fields(values)]
        return costs

    def path(self, values: NDArray[Any], word: int) -> NDArray[np.int64]:
        """Return `(n_frames,)`: 0 where a frame is silent, 1 plus its field elsewhere."""
        met = np.zeros(len(values), dtype=np.int64)
        met[values[:, 2] > 0] = 1 + self.learner.tracks.fields(values)
        return met

    def divided(self, values: NDArray[Any], words: Sequence[int] | None) -> tuple[Place, ...]:
        """Return the whole stretch for one word; a string cannot be divided without an order in time."""
        if words is not None and len(words) == 1:
            return ((0, len(values)),)
        raise NotAble("dwell times have no order, so connected words cannot be told apart; 'audrey' (DTW) can do it")

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return the patterns as named arrays."""
        return {"patterns": self.patterns.astype(np.float32)}

    def settings(self) -> Mapping[str, Any]:
        """Return how tracks are made, JSON values only."""
        return dataclasses.asdict(self.learner)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> OccupancyMatcher:
        """Return the matcher that `arrays` and `settings` were taken of."""
        values: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in settings["tracks"].items()
        }
        n_fields = settings["n_fields"]
        learner = OccupancyLearner(FormantTracks(**values), None if n_fields is None else tuple(n_fields))
        return cls(arrays["patterns"], learner)
