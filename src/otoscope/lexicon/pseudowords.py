"""Strings of sounds that could be words and are not: one phone changed, or syllables put together anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise, zip_longest

import numpy as np

from otoscope.core import BadInput
from otoscope.lexicon.cohorts import cohorts
from otoscope.lexicon.form_index import items_as_phones
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.phonotactics import Phonotactics
from otoscope.lexicon.pronunciations import Phones
from otoscope.lexicon.syllable_chains import SyllableChains
from otoscope.lexicon.syllables import is_vowel


@dataclass(frozen=True)
class Pseudoword:
    """A string of sounds that is no word, and the word it is matched to.

    Parameters
    ----------
    phones
        How it is said.
    base
        The phones of the word it was made from, as many.
    changed
        The places (from 0) where the two differ.
    deviation_point
        The number of phones, from 1, after which no word is left; the number of phones plus one where it begins one.
    mismatch
        How unlike the phonotactics are: difference of mean biphone probability (`changed_at`), or mean difference of
        log10 transition counts (`recombined`).
    """

    phones: Phones
    base: Phones
    changed: tuple[int, ...]
    deviation_point: int
    mismatch: float

    @property
    def label(self) -> str:
        """The phones in one string, joined by hyphens."""
        return "-".join(self.phones)


def blurred(phones: Phones) -> Phones:
    """Return ARPAbet phones with the differences taken out that ears of American English cannot rely on.

    IH and AH (unstressed both are a schwa), AO and AA, AH R and ER, tense and lax vowels before R (fear has IH or IY),
    and T and D after a vowel or R and before a vowel (both are a flap) count as the same. Phones of other sets stay.

    Examples
    --------
    >>> blurred(("AA", "R", "T", "ER", "IH", "JH")) == blurred(("AO", "R", "D", "AH", "R", "AH", "JH"))
    True
    """
    merged: list[str] = []
    for phone, after in zip_longest(phones, phones[1:], fillvalue=""):
        if phone == "R" and merged and merged[-1] == "AH":
            merged[-1] = "ER"
        else:
            merged.append((_BEFORE_R if after == "R" else _ELSEWHERE).get(phone, phone))
    for place in range(1, len(merged) - 1):
        before, after = merged[place - 1], merged[place + 1]
        if merged[place] == "T" and is_vowel(after) and (before == "R" or is_vowel(before)):
            merged[place] = "D"
    return tuple(merged)


_ELSEWHERE = {"IH": "AH", "AO": "AA"}
_BEFORE_R = {"IY": "IH", "UW": "UH", "EY": "EH", "AE": "EH", "OW": "AA", "AO": "AA"}


@dataclass(frozen=True, eq=False)
class PseudowordMaker:
    """Makes pseudowords after the words of a lexicon.

    Parameters
    ----------
    lexicon
        Whose phonotactics are kept.
    known
        What counts as a word besides; give the whole lexicon where `lexicon` is a part of it.
    least
        In how many words a sequence must occur to be legal.

    Notes
    -----
    What differs from a word only as American pronunciations of that word do is none: see `blurred`.
    """

    lexicon: MentalLexicon
    known: MentalLexicon | None = None
    least: int = 5
    _phonotactics: Phonotactics = field(init=False, repr=False)
    _chains: SyllableChains = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_phonotactics", Phonotactics(self.lexicon))
        object.__setattr__(self, "_chains", SyllableChains(self.lexicon))

    def changed_at(self, item: str | Phones, position: int) -> tuple[Pseudoword, ...]:
        """Return all legal pseudowords with another phone at a place, the best matched first.

        Vowels are changed into vowels and consonants into consonants, so that syllables and length stay.

        Raises
        ------
        BadInput
            The item has no such place.
        """
        (base,) = items_as_phones([item], self.lexicon)
        if not 0 <= position < len(base):
            raise BadInput(f"{' '.join(base)} has phones 0 to {len(base) - 1}, got position {position}")
        vocalic = is_vowel(base[position])
        made = [
            (*base[:position], phone, *base[position + 1 :])
            for phone in self.lexicon.phones
            if phone != base[position] and is_vowel(phone) == vocalic
        ]
        legal = [phones for phones in made if self._is_new(phones) and self._is_legal(phones)]
        if not legal:
            return ()
        found = self._phonotactics.probabilities([base, *legal])
        means = found.segment_mean if len(base) == 1 else found.biphone_mean
        return self._matched(base, legal, np.abs(means[1:] - means[0]).tolist())

    def recombined(
        self, item: str | Phones, *, seed: int, n_candidates: int = 20, n_changed: int | None = None
    ) -> tuple[Pseudoword, ...]:
        """Return pseudowords of a word's onsets, nuclei and codas, a third of them exchanged, the best matched first.

        After Wuggy (Keuleers and Brysbaert 2010): as many syllables and phones as the word in each part, every
        transition between parts occurs in words of as many syllables, and transitions are as frequent as the word's.

        Parameters
        ----------
        item
            A word or phone string.
        seed
            Orders what is equally good, and what is looked at where there is too much.
        n_candidates
            How many at most.
        n_changed
            How many onsets, nuclei and codas differ; a third, rounded up, by default.

        Raises
        ------
        BadInput
            The item has no vowel.
        """
        (base,) = items_as_phones([item], self.lexicon)
        parts = self._chains.parts(base)
        if not parts:
            raise BadInput(f"{' '.join(base)} has no vowel, so no syllable to put together anew")
        wanted = -(-len(parts) // 3) if n_changed is None else n_changed
        if not 1 <= wanted <= len(parts):
            raise BadInput(f"{' '.join(base)} has 1 to {len(parts)} parts to exchange, got {wanted}")
        rng = np.random.default_rng(seed)
        scored = self._chains.near(parts, n_changed=wanted, rng=rng)
        new = [(phones, cost) for phones, cost in scored if self._is_new(phones) and self._is_legal(phones)]
        new = new[:n_candidates]
        return self._matched(base, [phones for phones, _ in new], [cost for _, cost in new])

    def one_for_each(
        self, items: Iterable[str | Phones], *, seed: int, position: int | None = None, among: int = 3
    ) -> tuple[Pseudoword, ...]:
        """Return a pseudoword with one phone changed for each item, all different.

        Parameters
        ----------
        items
            Words or phone strings.
        seed
            Draws the place, and one `among` the best matched there.
        position
            The place to change, negative from the end; drawn by default. Where nothing legal can stand there, the
            nearest place where something can.
        among
            From how many of the best matched is drawn.

        Raises
        ------
        BadInput
            An item has no such place, or cannot be changed legally at any.
        """
        rng = np.random.default_rng(seed)
        taken: set[Phones] = set()
        found: list[Pseudoword] = []
        for base in items_as_phones(items, self.lexicon):
            if position is not None and not -len(base) <= position < len(base):
                raise BadInput(f"{' '.join(base)} has phones 0 to {len(base) - 1}, got position {position}")
            wanted = int(rng.integers(len(base))) if position is None else position % len(base)
            for place in sorted(range(len(base)), key=lambda place: (abs(place - wanted), place)):
                new = [made for made in self.changed_at(base, place) if made.phones not in taken]
                if new:
                    break
            else:
                raise BadInput(f"no phone of {' '.join(base)} can be changed into a legal pseudoword not taken yet")
            found.append(new[int(rng.integers(min(among, len(new))))])
            taken.add(found[-1].phones)
        return tuple(found)

    def _is_new(self, phones: Phones) -> bool:
        return blurred(phones) not in self._words

    @cached_property
    def _words(self) -> frozenset[Phones]:
        known = self.known or self.lexicon
        return frozenset(blurred(phones) for phones in (*self.lexicon.forms.phones, *known.forms.phones))

    def _is_legal(self, phones: Phones) -> bool:
        doubled = any(first == second for first, second in pairwise(phones))
        return not doubled and self._phonotactics.is_legal(phones, least=self.least)

    def _matched(self, base: Phones, made: Sequence[Phones], mismatches: Sequence[float]) -> tuple[Pseudoword, ...]:
        if not made:
            return ()
        points = cohorts(made, self.known or self.lexicon).uniqueness_point
        found = []
        for phones, point, mismatch in zip(made, points, mismatches, strict=True):
            places = tuple(place for place, pair in enumerate(zip(base, phones, strict=True)) if pair[0] != pair[1])
            found.append(Pseudoword(phones, base, places, int(point), float(mismatch)))
        return tuple(sorted(found, key=lambda pseudoword: pseudoword.mismatch))
