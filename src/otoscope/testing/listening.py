"""Toy recognisers that hear different words: the one that scores best, or one as long as noise lets them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Interval, Provenance, Recording, Segment, Target, Trace
from otoscope.core.arrays import set_frozen
from otoscope.core.protocols import Progress
from otoscope.testing.hearing import energy, samples_of, score_each, toy_provenance, toy_trace


@dataclass(frozen=True)
class BestOfRecognizer:
    """Hears the one word that scores best: score = bias + Σ_j weight_j × energy in segment j.

    What has to be taken away so that another word wins is known by trying all subsets of segments.

    Parameters
    ----------
    segments
        Stretches of time that do not overlap.
    weights
        For each word `(n_segments,)` nats per unit of `otoscope.testing.energy`.
    biases
        For each word; 0 where it has none.
    floor
        Nothing is heard where no word scores more; `None` for always something.

    Examples
    --------
    >>> toy = BestOfRecognizer((Segment(0, 0.5), Segment(0.5, 1)), {"kick": (4, 0), "pick": (0, 2)})
    >>> toy.trace(Recording(np.ones(1000), 1000)).text
    'kick'
    """

    segments: tuple[Segment, ...]
    weights: Mapping[str, Sequence[float]]
    biases: Mapping[str, float] = field(default_factory=dict)
    floor: float | None = None
    name: str = field(default="toy-best-of")

    def __post_init__(self) -> None:
        set_frozen(self, segments=tuple(self.segments))
        for word, weights in self.weights.items():
            if len(weights) != len(self.segments):
                raise BadInput(f"{len(weights)} weights of {word!r} for {len(self.segments)} segments")

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The words it can hear."""
        return tuple(self.weights)

    @property
    def provenance(self) -> Provenance:
        """What shapes its answers."""
        parts = self.segments, dict(self.weights), dict(self.biases), self.floor
        return toy_provenance(self.name, *parts)

    def score_of(self, recording: Recording, word: str) -> float:
        """Return the score of a word."""
        if word not in self.weights:
            raise BadInput(f"the toy does not know {word!r}; it knows {', '.join(self.weights)}")
        energies = np.array([energy(recording, segment) for segment in self.segments])
        return float(self.biases.get(word, 0.0) + np.asarray(self.weights[word], dtype=np.float64) @ energies)

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        """Return a Trace of the best word over the whole recording, or of none."""
        scores = {word: self.score_of(recording, word) for word in self.weights}
        best = max(scores, key=lambda word: scores[word])
        if self.floor is not None and scores[best] <= self.floor:
            return toy_trace(self.provenance, recording, ())
        return toy_trace(self.provenance, recording, (Interval(0.0, recording.duration_s, best, origin="synthetic"),))

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return `(n_recordings, n_targets)` scores."""
        return score_each(lambda rec: lambda word: self.score_of(rec, word), recordings, targets, progress)

    def gradient(self, recording: Recording, target: Target, *, at: str = "features") -> NDArray[np.float64]:
        """Return d score / d sample at "waveform", `(n_samples, 1)`: twice the weight times the sample."""
        if at != "waveform":
            raise BadInput(f"no site {at!r} in the toy; it has waveform")
        slope = np.zeros(recording.n_samples)
        weights = np.asarray(self.weights[target.label], dtype=np.float64)
        if target.rival is not None:
            weights = weights - np.asarray(self.weights[target.rival], dtype=np.float64)
        for weight, segment in zip(weights, self.segments, strict=True):
            first = round(segment.start_s * recording.rate_hz)
            samples = samples_of(recording, segment)
            slope[first : first + samples.size] = 2 * weight * samples / recording.rate_hz
        return slope[:, None]


@dataclass(frozen=True)
class NoiseListener:
    """Hears its word with a probability that goes with the signal-to-noise ratio as a logistic function says.

    It knows the clean recording, so it measures the ratio exactly; chance is drawn from the samples themselves, so that
    the same recording is always heard alike.

    Parameters
    ----------
    clean
        The recording without noise.
    threshold_db, spread_db, guess, lapse
        Of the function: see `otoscope.metrics.psychometric.PsychometricFunction`.
    word
        What it hears.
    """

    clean: Recording
    threshold_db: float
    spread_db: float = 2.0
    guess: float = 0.0
    lapse: float = 0.0
    word: str = "toy"
    name: str = field(default="toy-noise-listener")

    @property
    def provenance(self) -> Provenance:
        """What shapes its answers."""
        parts = self.clean.digest, self.threshold_db, self.spread_db, self.guess, self.lapse, self.word
        return toy_provenance(self.name, *parts)

    def snr_db(self, recording: Recording) -> float:
        """Return the ratio of the clean recording's power to that of what is added to it, 100 at most."""
        if recording.n_samples != self.clean.n_samples:
            return -100.0
        own = self.clean.samples.astype(np.float64)
        added = recording.samples.astype(np.float64) - own
        power = max(float(added @ added), 1e-10 * float(own @ own))
        return 10 * float(np.log10(float(own @ own) / power))

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        """Return a Trace of its word, or of none."""
        z = np.clip((self.snr_db(recording) - self.threshold_db) / self.spread_db, -500, 500)
        share = self.guess + (1 - self.guess - self.lapse) / (1 + np.exp(-z))
        drawn = int.from_bytes(hashlib.sha256(recording.samples.tobytes()).digest()[:8], "little") / 2**64
        heard = (Interval(0.0, recording.duration_s, self.word, origin="synthetic"),) if drawn < share else ()
        return toy_trace(self.provenance, recording, heard)

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return the ratios as scores, `(n_recordings, n_targets)`."""
        return score_each(lambda rec: lambda word: self.snr_db(rec), recordings, targets, progress)
