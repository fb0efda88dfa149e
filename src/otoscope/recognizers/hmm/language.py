"""What may be said: the lexicon of a recogniser and its language model, for small and large vocabularies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from otoscope.core import BadInput
from otoscope.lexicon.ngram.automaton import BackoffAutomaton
from otoscope.lexicon.pronunciations import Phones, cmudict

Lexicon = Mapping[str, Sequence[Phones]]
END = "</s>"
END_LOG = math.log(0.5)
"""Of the end of the utterance after a word of a word loop."""
NOTHING_LOG = math.log(0.01)
"""Of an utterance of no words."""


def word_loop(words: Sequence[str]) -> BackoffAutomaton:
    """Return the language model in which all words are equally likely at any place.

    Examples
    --------
    >>> loop = word_loop(["yes", "no"])
    >>> loop.words, np.exp(loop.arc_log_prob.astype(float)).round(3).tolist()
    (('</s>', 'yes', 'no'), [0.5, 0.25, 0.25, 0.01, 0.495, 0.495])
    """
    names = (END, *words)
    logs = np.empty((2, len(names)), np.float32)
    for row, end in zip(logs, (END_LOG, NOTHING_LOG), strict=True):
        row[0] = end
        row[1:] = math.log1p(-math.exp(end)) - math.log(max(1, len(words)))
    return BackoffAutomaton(
        names,
        len(names) * np.arange(3, dtype=np.int64),
        np.tile(np.arange(len(names), dtype=np.int32), 2),
        logs.ravel(),
        np.zeros(2 * len(names), np.int32),
        np.array([-1, 0], np.int32),
        np.zeros(2, np.float32),
        start=1,
        end_word=0,
    )


def phone_lexicon(words: Iterable[str], given: Lexicon | None = None) -> dict[str, tuple[Phones, ...]]:
    """Return the pronunciations of words: the given ones, else the CMU dictionary's, else guessed from the spelling."""
    known, found, rest = cmudict(), {}, []
    for word in dict.fromkeys(words):
        if given is not None and word in given:
            found[word] = tuple(tuple(phones) for phones in given[word])
        elif word in known:
            found[word] = known[word]
        else:
            rest.append(word)
    if rest:
        from otoscope.lexicon.g2p import pronounce

        found |= {word: tuple(pronounce(word)) for word in rest}
    return found


def word_units(words: Iterable[str]) -> dict[str, tuple[Phones, ...]]:
    """Return the lexicon of whole-word models: each word is one unit, named as itself."""
    return {word: ((word,),) for word in sorted(set(words))}


def lexicon_text(lexicon: Lexicon) -> str:
    """Return a lexicon as lines of a word, a tab and its units."""
    return "".join(f"{word}\t{' '.join(units)}\n" for word, variants in lexicon.items() for units in variants)


def lexicon_of_text(text: str) -> dict[str, tuple[Phones, ...]]:
    """Return what `lexicon_text` wrote.

    Raises
    ------
    BadInput
        A line without units; the message gives its number.
    """
    found: dict[str, tuple[Phones, ...]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        word, tab, units = line.partition("\t")
        if not (word and tab and units.strip()):
            raise BadInput(f"line {number} of the lexicon holds no word, tab and units: {line!r}")
        found[word] = (*found.get(word, ()), tuple(units.split()))
    return found
