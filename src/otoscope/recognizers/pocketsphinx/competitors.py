"""Which words compete with a word: those that sound nearly the same and are not rare.

In: a word. Out: its competitors, a pure function of the word, the dictionary and the language model.
"""

from __future__ import annotations

import math
from functools import cache

import numba
import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.lexicon.pronunciations import Phones, cmudict
from otoscope.recognizers.pocketsphinx.model import LOG_BASE

LANGUAGE_WEIGHT = 6.5
"""How much a nat of the language model weighs against a nat of the acoustic model (pocketsphinx's `lw`)."""
EDIT_COST = 40.0
"""Acoustic nats that a different phone is taken to cost when competitors are chosen."""
_NOT_A_WORD = -100.0


class LanguageModel:
    """The trigram model of the pocketsphinx wheel, asked for natural-log bigram and unigram probabilities."""

    def __init__(self) -> None:
        from pocketsphinx import NGramModel, get_model_path

        self._model = NGramModel.readfile(get_model_path("en-us/en-us.lm.bin"))

    @cache  # noqa: B019 - lives as long as the process
    def log_prob(self, word: str, previous: str | None = None) -> float:
        """Return ln P(word | previous), or ln P(word); far below all words where the model does not know it."""
        words = [word] if previous is None else [word, previous]
        return max(self._model.prob(words) * math.log(LOG_BASE), _NOT_A_WORD)


@cache
def language_model() -> LanguageModel:
    """Return the language model, read once a process."""
    return LanguageModel()


@cache
def _vocabulary() -> tuple[list[str], NDArray[np.int16], NDArray[np.int64], NDArray[np.float64], dict[str, int]]:
    """Words the language model knows: spelling, padded first pronunciation, its length, unigram ln P, phone numbers."""
    model, dictionary = language_model(), cmudict()
    phones = {phone: i for i, phone in enumerate(sorted({p for variants in dictionary.values() for p in variants[0]}))}
    known = [(word, variants[0]) for word, variants in dictionary.items() if model.log_prob(word) > _NOT_A_WORD]
    lengths = np.array([len(pronunciation) for _, pronunciation in known])
    table = np.full((len(known), lengths.max()), -1, dtype=np.int16)
    for row, (_, pronunciation) in zip(table, known, strict=True):
        row[: len(pronunciation)] = [phones[p] for p in pronunciation]
    priors = np.array([model.log_prob(word) for word, _ in known])
    return [word for word, _ in known], table, lengths, priors, phones


def pronunciations(word: str) -> tuple[Phones, ...]:
    """Return the pronunciations of a word.

    Raises
    ------
    BadInput
        The dictionary does not have it.
    """
    if word not in cmudict():
        raise BadInput(f"{word!r} is not in the pronunciation dictionary; ask about a word that is")
    return cmudict()[word]


@cache
def competitors(word: str, n_words: int) -> tuple[str, ...]:
    """Return the `n_words` strongest competitors of a word, itself left out, best first.

    The rank is `LANGUAGE_WEIGHT` · ln P(word) − `EDIT_COST` · edit distance in phones (least over the word's
    pronunciations); ties by spelling.
    """
    words, table, lengths, priors, phones = _vocabulary()
    distance = np.full(len(words), np.inf)
    for pronunciation in pronunciations(word):
        wanted = np.array([phones[p] for p in pronunciation], dtype=np.int16)
        distance = np.minimum(distance, _edit_distances(table, lengths, wanted))
    rank = LANGUAGE_WEIGHT * priors - EDIT_COST * distance
    order = sorted(np.argsort(-rank, kind="stable")[: n_words + 1].tolist(), key=lambda i: (-rank[i], words[i]))
    return tuple(words[i] for i in order if words[i] != word)[:n_words]


@numba.njit(cache=True)
def _edit_distances(table, lengths, wanted):  # type: ignore[no-untyped-def]
    """Levenshtein distance (1965) of `wanted` to each row of `table`."""
    distances = np.empty(table.shape[0])
    row = np.empty(wanted.size + 1)
    for word in range(table.shape[0]):
        for j in range(row.size):
            row[j] = j
        for i in range(lengths[word]):
            diagonal, row[0] = row[0], i + 1.0
            for j in range(wanted.size):
                cost = diagonal + (table[word, i] != wanted[j])
                diagonal = row[j + 1]
                row[j + 1] = min(cost, diagonal + 1.0, row[j] + 1.0)
        distances[word] = row[wanted.size]
    return distances
