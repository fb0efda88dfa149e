"""Which state each frame is in, from the times of phones; and synthetic phones by the names a dictionary gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Interval
from otoscope.lexicon.pronunciations import Phones
from otoscope.listener.ears.card import N_STATES
from otoscope.signal.espeak_phones import arpabet

_NAMES = "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH"
PHONES = tuple(_NAMES.split(" "))
"""The phones of American English in ARPAbet, in the order of the columns."""
VOWELS = frozenset(phone for phone in PHONES if phone[0] in "AEIOU")
OF_OTHER_ACCENTS: Mapping[str, Phones] = {
    "t[": ("T",),
    "d[": ("D",),
    "e": ("EH",),
    "a:": ("AA",),
    "o:": ("AO",),
    "u": ("UW",),
    "o": ("OW",),
    "y": ("IY",),
}
"""espeak-ng's names of phones that its American voice does not have."""
ALIKE, UNLIKE, OTHER_CLASS, LEFT_OUT = 0.7, 1.2, 2.0, 1.5
"""Costs of a vowel for a vowel, a consonant for a consonant, one for the other, and of a phone more or less."""


def frame_labels(phones: Iterable[Interval], n_frames: int, *, delay_s: float = 0.0) -> NDArray[np.int16]:
    """Return the column of each frame of 10 ms, `(n_frames,)`: the third of its phone, or silence.

    Parameters
    ----------
    phones
        ARPAbet, without stress; what is none of `PHONES` counts as silence.
    delay_s
        How much later everything is in the sound than in the intervals.
    """
    numbers = {phone: k for k, phone in enumerate(PHONES)}
    labels = np.full(n_frames, N_STATES * len(PHONES), np.int16)
    times = (np.arange(n_frames) + 0.5) * 0.01 - delay_s
    for interval in phones:
        if interval.label in numbers and interval.duration_s > 0:
            within = (times >= interval.start_s) & (times < interval.end_s)
            part = (times[within] - interval.start_s) / interval.duration_s * N_STATES
            labels[within] = N_STATES * numbers[interval.label] + np.minimum(N_STATES - 1, part.astype(int))
    return labels


def arpabet_phones(phones: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return espeak-ng's phones of any English accent as ARPAbet ones; several in one piece share its time.

    Raises
    ------
    UnknownName
        No English voice has such a phone.
    """
    found: list[Interval] = []
    for interval in phones:
        symbols = [symbol for name in interval.label.split() for symbol in _symbols(name)]
        edges = np.linspace(interval.start_s, interval.end_s, len(symbols) + 1).tolist()
        found += [Interval(a, b, symbol) for (a, b), symbol in zip(pairwise(edges), symbols, strict=True)]
    return tuple(found)


def _symbols(name: str) -> Phones:
    bare = name.lstrip("',%=")
    return OF_OTHER_ACCENTS[bare] if bare in OF_OTHER_ACCENTS else arpabet(bare)


def as_in_dictionary(said: Sequence[Interval], ways: Sequence[Phones]) -> tuple[Interval, ...]:
    """Return the phones that were said by the names of the pronunciation nearest to them.

    A synthesiser's reduced vowels, and its other accents, so become what a listener with that dictionary takes them
    for. Where no pronunciation is near, as where a name is read otherwise, the phones stay as they are.

    Examples
    --------
    >>> said = [Interval(0.0, 0.1, "B"), Interval(0.1, 0.2, "AH"), Interval(0.2, 0.3, "T")]
    >>> [i.label for i in as_in_dictionary(said, [("B", "IH", "T"), ("S", "OW")])]
    ['B', 'IH', 'T']
    """
    if not ways or not said:
        return tuple(said)
    costs = [_path([i.label for i in said], way) for way in ways]
    best = min(range(len(ways)), key=lambda k: costs[k][0])
    if costs[best][0] > 0.35 * len(ways[best]) + 1.6:
        return tuple(said)
    return _renamed(said, ways[best], costs[best][1])


def _cost(a: str, b: str) -> float:
    if a == b:
        return 0.0
    if (a in VOWELS) != (b in VOWELS):
        return OTHER_CLASS
    return ALIKE if a in VOWELS else UNLIKE


def _path(said: Sequence[str], way: Phones) -> tuple[float, list[tuple[int, int]]]:
    """Return the cost of the best alignment, and its pairs of places; -1 where one side has nothing."""
    costs = np.full((len(said) + 1, len(way) + 1), np.inf)
    costs[0, 0] = 0
    back: dict[tuple[int, int], tuple[int, int]] = {}
    for i in range(len(said) + 1):
        for j in range(len(way) + 1):
            for di, dj in ((1, 1), (1, 0), (0, 1)):
                if i >= di and j >= dj:
                    own = _cost(said[i - 1], way[j - 1]) if di and dj else LEFT_OUT
                    if costs[i - di, j - dj] + own < costs[i, j]:
                        costs[i, j], back[i, j] = costs[i - di, j - dj] + own, (di, dj)
    i, j, pairs = len(said), len(way), []
    while i or j:
        di, dj = back[i, j]
        pairs.append((i - 1 if di else -1, j - 1 if dj else -1))
        i, j = i - di, j - dj
    return float(costs[-1, -1]), pairs[::-1]


def _renamed(said: Sequence[Interval], way: Phones, pairs: Sequence[tuple[int, int]]) -> tuple[Interval, ...]:
    """Name each interval by the pronunciation; more goes to the phone before, less shares its time."""
    found: list[Interval] = []
    for i, j in pairs:
        if i < 0:
            if found:
                last = found.pop()
                split_s = last.start_s + 0.6 * last.duration_s
                found += [Interval(last.start_s, split_s, last.label), Interval(split_s, last.end_s, way[j])]
        elif j < 0 and found:
            last = found.pop()
            found.append(Interval(last.start_s, said[i].end_s, last.label))
        else:
            found.append(Interval(said[i].start_s, said[i].end_s, way[j] if j >= 0 else said[i].label))
    return tuple(found)
