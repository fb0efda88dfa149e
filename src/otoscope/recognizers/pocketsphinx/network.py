"""A small network of words: each word of a context, its competitors, and the language model between them.

In: the words as heard. Out: which senones each word is made of at its place, and what each succession of words costs.
`passage` runs recordings through it. See docs/decisions/0003-pocketsphinx-score.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.lexicon.pronunciations import Phones
from otoscope.recognizers.pocketsphinx.competitors import LANGUAGE_WEIGHT, competitors, language_model, pronunciations
from otoscope.recognizers.pocketsphinx.model import Triphones

SILENCE = "SIL"


@dataclass(frozen=True)
class Alternative:
    """One pronunciation of one word at a slot: its states, and the weighted language model around it.

    `after_word` follows the word before as heard, `after_anything` follows no known word, `before_next` is the next
    word's cost after this one.
    """

    word: str
    phones: Phones
    columns: NDArray[np.int64]
    after_word: float
    after_anything: float
    before_next: float


@dataclass(frozen=True)
class Slot:
    """A place in the sequence: the word as heard and its competitors, in every pronunciation."""

    word: str
    alternatives: tuple[Alternative, ...]
    next_after_anything: float

    def of(self, word: str) -> tuple[Alternative, ...]:
        """Return the pronunciations of one word."""
        return tuple(a for a in self.alternatives if a.word == word)


class Network:
    """The words of a context with their competitors, as columns of a score matrix.

    Parameters
    ----------
    triphones
        Which senones a phone has between two others.
    context
        The words as heard.
    rivals
        Further words by position.
    n_competitors
        How many competitors each word gets.
    """

    def __init__(
        self,
        triphones: Triphones,
        context: Sequence[str],
        *,
        rivals: Mapping[int, tuple[str, ...]],
        n_competitors: int,
    ) -> None:
        self._triphones = triphones
        self._columns: dict[int, int] = {}
        self.context = tuple(context)
        self.loop = np.stack([self._rows(triphones.alone(phone)) for phone in triphones.phones])
        self.silence = self._rows(triphones.alone(SILENCE))
        self.slots = tuple(self._slot(i, rivals.get(i, ()), n_competitors) for i in range(len(context)))
        self.senones = np.array(list(self._columns), dtype=np.int64)

    def _rows(self, senones: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.array([self._columns.setdefault(int(s), len(self._columns)) for s in senones], dtype=np.int64)

    def _neighbour(self, position: int, edge: str) -> str:
        return self.context[position] if 0 <= position < len(self.context) else edge

    def _slot(self, position: int, rivals: tuple[str, ...], n_competitors: int) -> Slot:
        word = self.context[position]
        words = dict.fromkeys((word, *rivals, *competitors(word, n_competitors)))
        following = self._neighbour(position + 1, "</s>")
        return Slot(
            word,
            tuple(self._alternative(position, w, phones) for w in words for phones in pronunciations(w)),
            LANGUAGE_WEIGHT * language_model().log_prob(following),
        )

    def _alternative(self, position: int, word: str, phones: Phones) -> Alternative:
        model = language_model()
        previous, following = self._neighbour(position - 1, "<s>"), self._neighbour(position + 1, "</s>")
        left = SILENCE if previous == "<s>" else pronunciations(previous)[0][-1]
        right = SILENCE if following == "</s>" else pronunciations(following)[0][0]
        return Alternative(
            word,
            phones,
            self._rows(states_of(phones, self._triphones, left=left, right=right)),
            LANGUAGE_WEIGHT * model.log_prob(word, previous),
            LANGUAGE_WEIGHT * model.log_prob(word),
            LANGUAGE_WEIGHT * model.log_prob(following, word),
        )


def states_of(phones: Phones, triphones: Triphones, *, left: str, right: str) -> NDArray[np.int64]:
    """Return the senones of a word's states, `(3 * n_phones,)`, between the phones of its neighbours."""
    around = (left, *phones, right)
    return np.concatenate(
        [triphones.senones(phone, around[i], around[i + 2], _place(i, len(phones))) for i, phone in enumerate(phones)]
    )


def _place(index: int, n_phones: int) -> str:
    if n_phones == 1:
        return "single"
    return "begin" if index == 0 else "end" if index == n_phones - 1 else "internal"
