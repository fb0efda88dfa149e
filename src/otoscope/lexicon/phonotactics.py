"""How usual the sounds of an item are at their places: phonotactic probability, and which sequences are legal.

Vitevitch and Luce (2004): the probability of a phone at a place is the summed log10 frequency of the words that have
it there, over that of all words that have any phone there; likewise for two phones in a row. Frequencies are counted
in a billion words, plus one, so that every word has a weight above zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from otoscope.lexicon.form_index import index_of, items_as_phones
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.prefix_tree import CodedStrings
from otoscope.lexicon.pronunciations import Phones
from otoscope.lexicon.syllables import is_vowel, rhyming_part

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PhonotacticProbability:
    """How probable the phones and biphones of items are at their places.

    Parameters
    ----------
    segments
        `(n_items, longest)` probability of each phone at its place, 0 where no word has it; NaN beyond the end.
    biphones
        `(n_items, longest - 1)` of each two phones; NaN beyond the end, so everywhere for an item of one phone.
    """

    segments: Floats
    biphones: Floats

    @property
    def segment_sum(self) -> Floats:
        """`(n_items,)` sum over phones (the calculator of Vitevitch and Luce prints one more)."""
        return np.asarray(np.nansum(self.segments, axis=1))

    @property
    def biphone_sum(self) -> Floats:
        """`(n_items,)` sum over biphones."""
        return np.asarray(np.nansum(self.biphones, axis=1))

    @property
    def segment_mean(self) -> Floats:
        """`(n_items,)` mean over phones, to compare items of different lengths."""
        return _mean(self.segments)

    @property
    def biphone_mean(self) -> Floats:
        """`(n_items,)` mean over biphones; NaN for an item of one phone."""
        return _mean(self.biphones)


@dataclass(frozen=True, eq=False)
class Phonotactics:
    """What sequences of sounds a lexicon has.

    Parameters
    ----------
    lexicon
        Its forms are counted, homophones once.
    vowels
        The vowels of a phone set other than ARPAbet and IPA.
    """

    lexicon: MentalLexicon
    vowels: Collection[str] | None = None

    def probabilities(self, items: Iterable[str | Phones]) -> PhonotacticProbability:
        """Return the phonotactic probability of words or phone strings.

        Examples
        --------
        >>> said = [(("K", "AE", "T"),), (("K", "AH", "T"),), (("AE", "T"),)]
        >>> small = MentalLexicon(("cat", "cut", "at"), tuple(said), np.full(3, 9.999))
        >>> found = Phonotactics(small).probabilities(["cat"])
        >>> found.segments.round(2).tolist(), found.biphones.round(2).tolist()
        ([[0.67, 0.33, 1.0]], [[0.33, 0.5]])
        """
        index = index_of(self.lexicon)
        coded = index.coded(items_as_phones(items, self.lexicon))
        return PhonotacticProbability(
            _shares(self._segments, _units(coded, 1, self._n_codes), coded, 1),
            _shares(self._biphones, _units(coded, 2, self._n_codes), coded, 2),
        )

    def is_legal(self, phones: Phones, *, least: int = 5) -> bool:
        """Return whether every two phones in a row, the first consonants and the last occur in `least` forms.

        What begins and ends a word counts as well: `NG` begins none.
        """
        marked = ("", *phones, "")
        pairs = pairwise(marked)
        if any(self._transitions[pair] < least for pair in pairs):
            return False
        onset, coda = self._edges(phones)
        return self._onsets[onset] >= least and self._codas[coda] >= least

    @property
    def _n_codes(self) -> int:
        return len(index_of(self.lexicon).code_of) + 1

    @cached_property
    def _segments(self) -> Floats:
        return self._summed(1)

    @cached_property
    def _biphones(self) -> Floats:
        return self._summed(2)

    def _summed(self, size: int) -> Floats:
        """Return `(n_places, n_codes ** size)` the weights of the words that have each unit at each place."""
        index = index_of(self.lexicon)
        units = _units(index.strings, size, self._n_codes)
        weights = np.log10(1e3 * index.per_million + 1)
        rows, places = np.nonzero(units >= 0)
        n_units = self._n_codes**size
        flat = np.bincount(
            places * n_units + units[rows, places], weights=weights[rows], minlength=units.shape[1] * n_units
        )
        return np.asarray(flat.reshape(units.shape[1], n_units), np.float64)

    @cached_property
    def _transitions(self) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for phones in self.lexicon.forms.phones:
            marked = ("", *phones, "")
            found.update(set(pairwise(marked)))
        return found

    @cached_property
    def _onsets(self) -> Counter[Phones]:
        return Counter(self._edges(phones)[0] for phones in self.lexicon.forms.phones)

    @cached_property
    def _codas(self) -> Counter[Phones]:
        return Counter(self._edges(phones)[1] for phones in self.lexicon.forms.phones)

    def _edges(self, phones: Phones) -> tuple[Phones, Phones]:
        """Return the consonants before the first vowel and after the last."""
        onset = phones[: len(phones) - len(rhyming_part(phones, self.vowels))]
        n_last = next((n for n, phone in enumerate(reversed(phones)) if is_vowel(phone, self.vowels)), len(phones))
        return onset, phones[len(phones) - n_last :]


def _units(strings: CodedStrings, size: int, n_codes: int) -> NDArray[np.int64]:
    """Return `(n_strings, longest - size + 1)` the number of the unit at each place, -1 beyond the end."""
    codes = strings.codes
    if size == 1:
        return codes
    before, after = codes[:, :-1], codes[:, 1:]
    return np.asarray(np.where(after >= 0, before * n_codes + after, -1), np.int64)


def _shares(summed: Floats, units: NDArray[np.int64], strings: CodedStrings, size: int) -> Floats:
    """Return each unit's share of the weights at its place; 0 at places that no word reaches."""
    places = np.arange(units.shape[1])
    totals = np.zeros(max(places.size, summed.shape[0]))
    totals[: summed.shape[0]] = summed.sum(axis=1)
    known = np.zeros((totals.size, summed.shape[1]))
    known[: summed.shape[0]] = summed
    found = known[places[None, :], np.maximum(units, 0)] / np.maximum(totals[: places.size], 1e-300)
    return np.asarray(np.where(places + size <= strings.lengths[:, None], found, np.nan))


def _mean(values: Floats) -> Floats:
    n_there = (~np.isnan(values)).sum(axis=1)
    return np.divide(np.nansum(values, axis=1), n_there, out=np.full(n_there.size, np.nan), where=n_there > 0)
