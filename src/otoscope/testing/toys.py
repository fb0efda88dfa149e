"""Toy recognisers whose explanations are known in closed form.

They implement the `Recognizer` protocol on any recording, so that a test of an explainer can compare its answer with
the exact one. All times are seconds of the recording they are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Interval, Provenance, Recording, Segment, Target, Trace
from otoscope.core.arrays import set_frozen
from otoscope.core.protocols import Progress
from otoscope.testing.hearing import checked_words, energy, score_each, toy_provenance, toy_trace


@dataclass(frozen=True)
class AdditiveRecognizer:
    """Score = bias + Σ_j weight_j × energy in segment j.

    Every segment counts by itself, so with the segments as players and silence as fill the Shapley value of segment j
    is weight_j × energy_j, whatever the order (additivity and dummy axioms; Shapley 1953), and leave-one-out,
    Shapley and KernelSHAP agree exactly.

    Parameters
    ----------
    segments
        Stretches of time, or bands of them, that do not overlap.
    weights
        For each word it can be asked about, `(n_segments,)` nats per unit of `otoscope.testing.energy`.
    words
        What it always hears; by default one word, "toy", over all segments. Each must have weights.
    bias
        Score of a silent recording.

    Examples
    --------
    >>> toy = AdditiveRecognizer((Segment(0, 0.5), Segment(0.5, 1)), {"toy": (4.0, -2.0)})
    >>> rec = Recording(np.ones(1000), 1000)
    >>> target = toy.trace(rec).target("toy")
    >>> toy.score([rec], [target]).tolist(), toy.exact_shapley(rec, target).tolist()
    ([[1.0]], [2.0, -1.0])
    """

    segments: tuple[Segment, ...]
    weights: Mapping[str, Sequence[float]]
    words: tuple[Interval, ...] = ()
    bias: float = 0.0
    name: str = field(default="toy-additive")

    def __post_init__(self) -> None:
        set_frozen(self, segments=tuple(self.segments), words=checked_words(self.words, self.segments))
        for word in [*self.weights, *(w.label for w in self.words)]:
            if len(self._weights_of(word)) != len(self.segments):
                raise BadInput(f"{len(self.weights[word])} weights of {word!r} for {len(self.segments)} segments")

    def _weights_of(self, word: str) -> NDArray[np.float64]:
        if word not in self.weights:
            raise BadInput(f"the toy has no weights for {word!r}; it knows {', '.join(self.weights)}")
        return np.asarray(self.weights[word], dtype=np.float64)

    def energies(self, recording: Recording) -> NDArray[np.float64]:
        """Return `(n_segments,)` energies, full scale² × seconds."""
        return np.array([energy(recording, segment) for segment in self.segments])

    @property
    def provenance(self) -> Provenance:
        """What shapes its answers."""
        return toy_provenance(self.name, self.segments, dict(self.weights), self.words, self.bias)

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        """Return a Trace of the words it always hears."""
        return toy_trace(self.provenance, recording, self.words)

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return `(n_recordings, n_targets)` scores."""

        def value(recording: Recording):  # type: ignore[no-untyped-def]
            energies = self.energies(recording)
            return lambda word: self.bias + float(self._weights_of(word) @ energies)

        return score_each(value, recordings, targets, progress)

    def with_random_weights(self, *, seed: int, share: float = 1.0) -> AdditiveRecognizer:
        """Return the toy with each word's weights dealt to other segments; `share` is all, for it has one layer."""
        rng = np.random.default_rng(seed)
        return replace(self, weights={word: tuple(rng.permutation(row)) for word, row in self.weights.items()})

    def exact_shapley(
        self, recording: Recording, target: Target, players: Sequence[Segment] | None = None
    ) -> NDArray[np.float64]:
        """Return the Shapley values under the silence fill, `(n_players,)`.

        Parameters
        ----------
        recording, target
            What is explained.
        players
            The segments taken away: by default the toy's own. Others must be stretches of time, and so must the
            toy's own: energy is additive over any cut of the time axis, but not over windowed bands.
        """
        weights = self._weights_of(target.label)
        if target.rival is not None:
            weights = weights - self._weights_of(target.rival)
        if players is None:
            return weights * self.energies(recording)
        if any(s.low_hz is not None or s.high_hz is not None for s in (*self.segments, *players)):
            raise BadInput("Shapley values of other players are exact for stretches of time only, not for bands")
        shared = [[_shared(mine, other) for mine in self.segments] for other in players]
        return np.array([[energy(recording, part) for part in row] for row in shared]) @ weights


def _shared(a: Segment, b: Segment) -> Segment:
    start = max(a.start_s, b.start_s)
    return Segment(start, max(start, min(a.end_s, b.end_s)))


@dataclass(frozen=True)
class InteractionRecognizer:
    """Score = Σ_{i<j} strength_ij × present_i × present_j: no segment counts without its partner.

    A segment is present when it keeps at least half the energy it has in `reference`. Each pair shares its strength
    evenly, so the Shapley value of segment i is ½ Σ_j strength_ij × present_i × present_j, while leave-one-out gives
    twice that: the two must differ here.

    Parameters
    ----------
    reference
        The recording in which all segments are present.
    segments
        Stretches of time or bands that do not overlap.
    strengths
        `(n_segments, n_segments)` symmetric with a zero diagonal, nats.
    words
        What it always hears, each scored alike; by default one word, "toy".

    Examples
    --------
    >>> rec = Recording(np.ones(1000), 1000)
    >>> toy = InteractionRecognizer(rec, (Segment(0, 0.4), Segment(0.4, 1)), ((0, 3), (3, 0)))
    >>> target = toy.trace(rec).target("toy")
    >>> toy.score([rec], [target]).tolist(), toy.exact_shapley(rec, target).tolist()
    ([[3.0]], [1.5, 1.5])
    """

    reference: Recording
    segments: tuple[Segment, ...]
    strengths: Sequence[Sequence[float]]
    words: tuple[Interval, ...] = ()
    name: str = field(default="toy-interaction")

    def __post_init__(self) -> None:
        set_frozen(self, segments=tuple(self.segments), words=checked_words(self.words, self.segments))
        strengths = np.asarray(self.strengths, dtype=np.float64)
        n = len(self.segments)
        if strengths.shape != (n, n) or (strengths != strengths.T).any() or np.diag(strengths).any():
            raise BadInput(f"strengths must be symmetric {(n, n)} with a zero diagonal, got shape {strengths.shape}")
        if min(energy(self.reference, segment) for segment in self.segments) <= 0:
            raise BadInput("a segment holds no energy in the reference recording, so it can never be present")

    def present(self, recording: Recording) -> NDArray[np.bool_]:
        """Return which segments are present, `(n_segments,)`."""
        return np.array([energy(recording, s) >= 0.5 * energy(self.reference, s) for s in self.segments])

    @property
    def provenance(self) -> Provenance:
        """What shapes its answers."""
        return toy_provenance(
            self.name, self.reference.digest, self.segments, np.asarray(self.strengths).tolist(), self.words
        )

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        """Return a Trace of the words it always hears."""
        return toy_trace(self.provenance, recording, self.words)

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return `(n_recordings, n_targets)` scores, the same for every word."""

        def value(recording: Recording):  # type: ignore[no-untyped-def]
            here = self.present(recording).astype(np.float64)
            total = 0.5 * float(here @ np.asarray(self.strengths, dtype=np.float64) @ here)
            return lambda word: total

        return score_each(value, recordings, targets, progress)

    def exact_shapley(self, recording: Recording, target: Target) -> NDArray[np.float64]:
        """Return the Shapley values under a fill without energy, `(n_segments,)`."""
        if target.rival is not None:
            return np.zeros(len(self.segments))
        here = self.present(recording).astype(np.float64)
        return 0.5 * here * (np.asarray(self.strengths, dtype=np.float64) @ here)
