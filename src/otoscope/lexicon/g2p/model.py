"""Joint-sequence grapheme-to-phoneme model: a spelling in, likely pronunciations out.

An n-gram model of graphones (a letter and its phones) gives the joint probability of spelling and pronunciation
(Bisani and Ney 2008, equations 3 and 5); decoding keeps the best few partial pronunciations letter by letter.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.lexicon.g2p.alignment import Graphone
from otoscope.lexicon.ngram.compact import load, save
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.lexicon.ngram.sentences import BOS, EOS, UNKNOWN
from otoscope.lexicon.pronunciations import Phones

BEAM = 24
LONGEST = 60
"""Letters of the longest word that is decoded; no word of English is longer."""


def written(graphone: Graphone) -> str:
    """Return a graphone as a word of the n-gram model.

    Examples
    --------
    >>> written(("x", ("K", "S"))), written(("e", ()))
    ('x:K_S', 'e:')
    """
    letter, phones = graphone
    return f"{letter}:{'_'.join(phones)}"


class GraphoneModel:
    """An n-gram model whose words are graphones, written as `written` does."""

    def __init__(self, ngrams: NGramModel) -> None:
        self.ngrams = ngrams

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> GraphoneModel:
        """Read a model that `save` wrote; raises as `otoscope.lexicon.ngram.load` does."""
        return cls(load(path))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to one compact file."""
        save(self.ngrams, path)

    @cached_property
    def _of_letter(self) -> Mapping[str, tuple[NDArray[np.int32], list[Phones]]]:
        """Letter → ids of its graphones, and their phones."""
        found: dict[str, tuple[list[int], list[Phones]]] = defaultdict(lambda: ([], []))
        for id, word in enumerate(self.ngrams.words):
            if word not in (UNKNOWN, BOS, EOS):
                letter, _, phones = word.partition(":")
                ids, spoken = found[letter]
                ids.append(id)
                spoken.append(tuple(phones.split("_")) if phones else ())
        return {letter: (np.array(ids, np.int32), spoken) for letter, (ids, spoken) in found.items()}

    @property
    def letters(self) -> frozenset[str]:
        """The letters that the model knows."""
        return frozenset(self._of_letter)

    def decode(self, word: str, *, n_best: int = 1, beam: int = BEAM) -> tuple[tuple[Phones, float], ...]:
        """Return up to `n_best` pronunciations with their log-probability given the spelling, likeliest first.

        The log-probabilities are normalised over all that the beam kept.

        Raises
        ------
        BadInput
            The word is empty, longer than 60 letters, or has a letter that the model does not know.
        """
        if not word or len(word) > LONGEST:
            raise BadInput(f"a word to pronounce has 1 to {LONGEST} letters, got {len(word)}: {word[:20]!r}")
        odd = sorted(set(word) - self.letters)
        if odd:
            raise BadInput(f"cannot pronounce {word!r}: {' '.join(odd)} is no letter of a-z or apostrophe")
        beam = max(beam, 4 * n_best)
        nodes, logs = np.full(1, self.ngrams.bos + 1, np.int32), np.zeros(1)
        spoken: list[Phones] = [()]
        for letter in word:
            nodes, logs, spoken = self._lengthened(letter, nodes, logs, spoken, beam)
        ends, _ = self.ngrams.advance(nodes, np.full(nodes.size, self.ngrams.eos))
        return _ranked(spoken, logs + ends, n_best)

    def _lengthened(
        self, letter: str, nodes: NDArray[np.int32], logs: NDArray[np.float64], spoken: list[Phones], beam: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], list[Phones]]:
        ids, chunks = self._of_letter[letter]
        steps, after = self.ngrams.advance(np.repeat(nodes, ids.size), np.tile(ids, nodes.size))
        total = np.repeat(logs, ids.size) + steps
        best = np.argsort(-total, kind="stable")[:beam]
        longer = [spoken[i // ids.size] + chunks[i % ids.size] for i in best]
        return after[best], total[best], longer


def _ranked(spoken: list[Phones], logs: NDArray[np.float64], n_best: int) -> tuple[tuple[Phones, float], ...]:
    """Add up the ways to the same phones; a pronunciation of no phones is none."""
    totals: dict[Phones, float] = {}
    for phones, log in zip(spoken, logs.tolist(), strict=True):
        if phones:
            totals[phones] = float(np.logaddexp(totals.get(phones, -np.inf), log))
    everything = np.logaddexp.reduce(list(totals.values())) if totals else 0.0
    ranked = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    return tuple((phones, log - float(everything)) for phones, log in ranked[:n_best])
