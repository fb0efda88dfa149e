"""Error rates of parts of a corpus: by speaker, by estimated signal-to-noise ratio, by duration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from otoscope.metrics.error_rate import ErrorRate, bootstrap_interval
from otoscope.recognizers.evaluation.judged import Judged

SNR_EDGES_DB = (5.0, 10.0, 15.0, 20.0, 30.0)
DURATION_EDGES_S = (1.0, 2.0, 5.0, 10.0, 20.0)
NOBODY = ("", "-", "unknown")
"""What stands for a speaker who is not known."""


@dataclass(frozen=True)
class Part:
    """Error rate of the utterances that have something in common; `low` and `high` by bootstrap over utterances.

    Rates are `None` where no reference word lies in the part.
    """

    name: str
    n_utterances: int
    n_words: int
    wer: float | None
    low: float | None
    high: float | None


def parts_by(judged: Sequence[Judged], name_of: Callable[[Judged], str], order: Sequence[str]) -> tuple[Part, ...]:
    """Return a part for each name that occurs, in the given order, others after in the order they occur."""
    names = dict.fromkeys([*order, *map(name_of, judged)])
    groups = {name: [one.rate for one in judged if name_of(one) == name] for name in names}
    return tuple(part_of(name, rates) for name, rates in groups.items() if rates)


def part_of(name: str, rates: Sequence[ErrorRate]) -> Part:
    """Return the pooled rate of some utterances with its interval."""
    pooled = ErrorRate.pooled(rates)
    if not pooled.n_reference:
        return Part(name, len(rates), 0, None, None, None)
    low, high = bootstrap_interval(rates)
    return Part(name, len(rates), pooled.n_reference, pooled.rate, low, high)


def by_speaker(judged: Sequence[Judged]) -> tuple[Part, ...]:
    """Return a part a speaker, by name."""
    return parts_by(judged, lambda one: one.utterance.speaker, sorted({j.utterance.speaker for j in judged}))


def by_snr(judged: Sequence[Judged]) -> tuple[Part, ...]:
    """Return a part for each band of estimated signal-to-noise ratio, noisiest first."""
    return parts_by(judged, lambda one: band(one.heard.snr_db, SNR_EDGES_DB, "dB"), bands(SNR_EDGES_DB, "dB"))


def by_duration(judged: Sequence[Judged]) -> tuple[Part, ...]:
    """Return a part for each band of duration, shortest first."""
    return parts_by(judged, lambda one: band(one.heard.duration_s, DURATION_EDGES_S, "s"), bands(DURATION_EDGES_S, "s"))


def band(value: float, edges: Sequence[float], unit: str) -> str:
    """Return the name of the band a value lies in; an edge belongs to the band above it.

    Examples
    --------
    >>> band(5.0, (1, 5, 10), "s"), band(0.3, (1, 5, 10), "s")
    ('5 to 10 s', 'below 1 s')
    """
    return bands(edges, unit)[sum(value >= edge for edge in edges)]


def bands(edges: Sequence[float], unit: str) -> tuple[str, ...]:
    """Return the names of all bands that some edges make."""
    between = (f"{low:g} to {high:g} {unit}" for low, high in pairwise(edges))
    return (f"below {edges[0]:g} {unit}", *between, f"{edges[-1]:g} {unit} and more")


def known_speakers(judged: Sequence[Judged]) -> tuple[str, ...] | None:
    """Return the speaker of each utterance, or `None` where any is unknown or all are one."""
    speakers = tuple(one.utterance.speaker for one in judged)
    if any(speaker.lower() in NOBODY for speaker in speakers) or len(set(speakers)) < 2:
        return None
    return speakers
