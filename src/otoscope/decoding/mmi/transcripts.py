"""Transcripts as lattices of phones, and the trigram model of phones that a set of them implies.

A transcript in, all the ways to say it out: each word in any of its pronunciations, silence or none between words and
at both edges. The trigram counts are expectations over those ways, so that no way of saying a training transcript is
impossible under the model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput

EDGE = "<edge>"
"""Stands for what is before the first phone and after the last."""

Phones = Sequence[str]
Trigram = tuple[str, str, str]


@dataclass(frozen=True)
class TranscriptLattice:
    """All ways to say a transcript.

    Node 0 is the start, the last node the end; nodes are in topological order, and `phones` names what each says
    (`EDGE` at both ends). `arcs` are (from, to, natural-log probability), the arcs that leave a node summing to one.
    """

    phones: tuple[str, ...]
    arcs: tuple[tuple[int, int, float], ...]


def transcript_lattice(
    words: Sequence[str],
    lexicon: Mapping[str, Sequence[Phones]],
    *,
    silence: str = "SIL",
    between: float = 0.2,
    edges: float = 0.8,
) -> TranscriptLattice:
    """Return all ways to say `words`; without words, one silence.

    Parameters
    ----------
    lexicon
        Pronunciations of each word, taken as equally likely.
    silence
        The phone of silence.
    between, edges
        Probability of silence between two words, and at either edge.

    Raises
    ------
    BadInput
        A word has no pronunciation.
    """
    phones: list[str] = [EDGE]
    arcs: list[tuple[int, int, float]] = []

    def append(phone: str, ends: list[tuple[int, float]], weight: float) -> int:
        phones.append(phone)
        arcs.extend((end, len(phones) - 1, log + weight) for end, log in ends)
        return len(phones) - 1

    def pause(ends: list[tuple[int, float]], probability: float) -> list[tuple[int, float]]:
        node = append(silence, ends, float(np.log(probability)))
        return [*((end, log + float(np.log1p(-probability))) for end, log in ends), (node, 0.0)]

    if not words:
        append(EDGE, [(append(silence, [(0, 0.0)], 0.0), 0.0)], 0.0)
        return TranscriptLattice(tuple(phones), tuple(arcs))
    ends = pause([(0, 0.0)], edges)
    for position, word in enumerate(words):
        pronunciations = lexicon.get(word, ())
        if not pronunciations:
            raise BadInput(f"{word!r} has no pronunciation; add it to the lexicon")
        ends = pause(ends, between) if position else ends
        finished = []
        for phones_of_word in pronunciations:
            here, weight = ends, -float(np.log(len(pronunciations)))
            for phone in phones_of_word:
                here, weight = [(append(phone, here, weight), 0.0)], 0.0
            finished += here
        ends = finished
    append(EDGE, pause(ends, edges), 0.0)
    return TranscriptLattice(tuple(phones), tuple(arcs))


def _expected_trigrams(lattice: TranscriptLattice, counts: dict[Trigram, float]) -> None:
    """Add the expected number of each (before, here, after) to `counts`; before the start is `EDGE`, too."""
    n = len(lattice.phones)
    into: list[list[tuple[int, float]]] = [[] for _ in range(n)]
    out: list[list[tuple[int, float]]] = [[] for _ in range(n)]
    for source, target, log in lattice.arcs:
        out[source].append((target, log))
        into[target].append((source, log))
    forward = np.zeros(n)
    forward[0] = 1.0
    for node in range(1, n):
        forward[node] = sum(forward[source] * np.exp(log) for source, log in into[node])
    for node, arcs in enumerate(out):
        for target, log in arcs:
            here, following = lattice.phones[node], lattice.phones[target]
            if node == 0:
                counts[EDGE, EDGE, following] += np.exp(log)
            for source, log_in in into[node]:
                counts[lattice.phones[source], here, following] += forward[source] * np.exp(log_in + log)


@dataclass(frozen=True)
class PhoneTrigrams:
    """P(phone | the two before it), unsmoothed: a trigram that no transcript can have is impossible.

    `log_probs` maps (before, here, after) to a natural log; (EDGE, EDGE, first) starts, (…, …, EDGE) ends.
    """

    log_probs: Mapping[Trigram, float]
    counts: Mapping[tuple[str, str], float]
    """Expected number of each (before, here): how often a left biphone occurs."""

    @classmethod
    def of(cls, lattices: Iterable[TranscriptLattice]) -> PhoneTrigrams:
        """Estimate from transcripts: maximum likelihood on the expected counts."""
        trigrams: dict[Trigram, float] = defaultdict(float)
        for lattice in lattices:
            _expected_trigrams(lattice, trigrams)
        if not trigrams:
            raise BadInput("there is no transcript to estimate phone trigrams from")
        totals: dict[tuple[str, str], float] = defaultdict(float)
        for (before, here, _), count in trigrams.items():
            totals[before, here] += count
        log_probs = {t: float(np.log(count / totals[t[0], t[1]])) for t, count in sorted(trigrams.items())}
        biphones: dict[tuple[str, str], float] = defaultdict(float)
        for (_, before, here), count in trigrams.items():
            if here != EDGE:
                biphones[before, here] += count
        return cls(log_probs, dict(sorted(biphones.items())))

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return every (before, here) that occurs, in order."""
        return tuple(self.counts)

    def table(self) -> NDArray[np.float64]:
        """Return the counts as a row, in the order of `pairs`."""
        return np.array(list(self.counts.values()))
