"""What a recogniser hears against a text: its own search beside the words that are to be judged."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core.arrays import ByValue
from otoscope.decoding.edit_distance import align_sequences
from otoscope.decoding.lattice import DecodedWord
from otoscope.recognizers.hmm.language import Lexicon

UNKNOWN = 0.5
"""How sure a search can be that a word was not said which it cannot hear."""


@dataclass(frozen=True, eq=False)
class Contradictions(ByValue):
    """How sure a search is of what contradicts a text, from 0 to 1.

    Parameters
    ----------
    contrary
        `(n_words,)` that each word was not said: the posterior of the word heard in its place, 1 where there is none.
    extra
        `(n_words + 1,)` that a word was said before each, and behind the last, that the text does not have.
    """

    contrary: NDArray[np.float64]
    extra: NDArray[np.float64]


def contradictions(
    text: Sequence[str], heard: Sequence[DecodedWord], lexicon: Lexicon, *, known: Collection[str]
) -> Contradictions:
    """Return what speaks against a text.

    Parameters
    ----------
    text
        Words to judge.
    heard
        Words of the best path with their posteriors.
    lexicon
        Pronunciations of both: words that can sound alike are the same here.
    known
        Words that can be heard. Of others the search cannot tell (`UNKNOWN`), and what it hears beside them counts for
        nothing: something else must be heard there.

    Notes
    -----
    Both are aligned at the least cost (`align_sequences`); of several words heard at one place the surest counts. To
    compare what is told with what a search hears is how doubtful transcripts are cleaned (Lamel, Gauvain & Adda 2002,
    there with no posteriors).

    Examples
    --------
    >>> heard = [DecodedWord("two", 0, 5, 0.0, 0.0, 0.9), DecodedWord("seas", 5, 9, 0.0, 0.0, 0.6)]
    >>> spoken = {"to": (("T", "UW"),), "two": (("T", "UW"),), "seas": ()}
    >>> found = contradictions(["to"], heard, spoken, known={"to"})
    >>> found.contrary.tolist(), found.extra.tolist()
    ([0.0], [0.0, 0.6])
    """
    own_words = [_first_alike(word, text, lexicon) for word in text]
    heard_words = [_first_alike(word.word, text, lexicon) for word in heard]
    contrary, extra, place = np.zeros(len(text)), np.zeros(len(text) + 1), 0
    for step in align_sequences(own_words, heard_words).operations:
        own, other = step.reference_index, step.hypothesis_index
        sure = 1.0 if other is None else heard[other].posterior or 0.0
        if own is None:
            extra[place] = max(extra[place], sure)
            continue
        place = own + 1
        if step.kind != "match":
            contrary[own] = sure
    for k, word in enumerate(text):
        if word not in known:
            contrary[k], extra[k : k + 2] = UNKNOWN, 0.0
    return Contradictions(contrary, extra)


def _first_alike(word: str, text: Sequence[str], lexicon: Lexicon) -> str:
    """Return the first word of the text that can sound like this one, or the word itself where there is none."""
    spoken = set(lexicon.get(word, ()))
    return next((own for own in text if own == word or spoken & set(lexicon.get(own, ()))), word)
