"""Vowels, syllables and what a word rhymes on, in ARPAbet and IPA."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise

from otoscope.lexicon.phone_features import PHONE_FEATURES
from otoscope.lexicon.pronunciations import Phones

IPA_VOWELS = frozenset("iyɨʉɯuɪʏʊeøɘɵɤoəɛœɜɞʌɔæɐaɶɑɒɚɝᵻ")
"""Letters of the vowels in the chart of the International Phonetic Alphabet."""

SYLLABIC = "\u0329\u030d"
"""IPA's marks of a syllabic consonant, below and above."""


def is_vowel(phone: str, vowels: Collection[str] | None = None) -> bool:
    """Return whether a phone is the nucleus of a syllable.

    Parameters
    ----------
    phone
        ARPAbet, with or without stress, or IPA.
    vowels
        The vowels of another phone set; by default those of ARPAbet and IPA, with IPA's syllabic consonants.

    Examples
    --------
    >>> [is_vowel(phone) for phone in ("ER", "AH0", "aː", "n̩", "N", "t͡ʃ")]
    [True, True, True, True, False, False]
    """
    if vowels is not None:
        return phone in vowels
    features = PHONE_FEATURES.get(phone.rstrip("012"))
    if features is not None:
        return features.place is None
    return unicodedata.normalize("NFD", phone)[:1] in IPA_VOWELS or any(mark in phone for mark in SYLLABIC)


def n_syllables(phones: Phones, vowels: Collection[str] | None = None) -> int:
    """Return how many syllables a phone string has: its vowels."""
    return sum(is_vowel(phone, vowels) for phone in phones)


def rhyming_part(phones: Phones, vowels: Collection[str] | None = None) -> Phones:
    """Return what follows the onset of the first syllable: `speaker` and `beaker` share it; empty without a vowel.

    Examples
    --------
    >>> rhyming_part(("S", "P", "IY", "K", "ER"))
    ('IY', 'K', 'ER')
    """
    first = next((place for place, phone in enumerate(phones) if is_vowel(phone, vowels)), len(phones))
    return phones[first:]


@dataclass(frozen=True)
class Syllable:
    """Onset consonants, vowel, and coda consonants."""

    onset: Phones
    nucleus: str
    coda: Phones

    @property
    def phones(self) -> Phones:
        """The syllable as a phone string."""
        return (*self.onset, self.nucleus, *self.coda)


def legal_onsets(words: Iterable[Phones], vowels: Collection[str] | None = None) -> frozenset[Phones]:
    """Return the consonants that words begin with, before their first vowel; the empty onset is one."""
    found = {phones[: len(phones) - len(rhyming_part(phones, vowels))] for phones in words if phones}
    return frozenset(found | {()})


def syllabified(
    phones: Phones, onsets: Collection[Phones], vowels: Collection[str] | None = None
) -> tuple[Syllable, ...]:
    """Return the syllables of a phone string: between vowels the longest legal onset goes to the later one.

    Maximal onset principle (Kahn 1976). A string without a vowel has no syllables.

    Examples
    --------
    >>> onsets = {(), ("S",), ("T",), ("S", "T", "R")}
    >>> [syllable.phones for syllable in syllabified(("EH", "K", "S", "T", "R", "AH"), onsets)]
    [('EH', 'K'), ('S', 'T', 'R', 'AH')]
    """
    places = [place for place, phone in enumerate(phones) if is_vowel(phone, vowels)]
    if not places:
        return ()
    starts = [0]
    for before, after in pairwise(places):
        cluster = phones[before + 1 : after]
        starts.append(next(after - len(cluster) + n for n in range(len(cluster) + 1) if cluster[n:] in onsets))
    ends = [*starts[1:], len(phones)]
    return tuple(
        Syllable(phones[start:place], phones[place], phones[place + 1 : end])
        for start, place, end in zip(starts, places, ends, strict=True)
    )
