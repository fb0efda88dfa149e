"""Steps through an n-gram automaton inside compiled loops."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.lexicon.ngram.automaton import BackoffAutomaton


class NgramArrays(NamedTuple):
    """The arrays of a `BackoffAutomaton` that a step reads, and the arc of each word out of the empty history."""

    arc_start: NDArray[np.int64]
    arc_word: NDArray[np.int32]
    arc_log_prob: NDArray[np.float32]
    arc_next: NDArray[np.int32]
    backoff_state: NDArray[np.int32]
    backoff_log: NDArray[np.float32]
    unigram_arc: NDArray[np.int64]


def ngram_arrays(lm: BackoffAutomaton) -> NgramArrays:
    """Return what `step` needs; words that even the empty history lacks have unigram arc -1."""
    unigram_arc = np.full(len(lm.words), -1, dtype=np.int64)
    first, stop = int(lm.arc_start[0]), int(lm.arc_start[1])
    unigram_arc[lm.arc_word[first:stop]] = np.arange(first, stop)
    return NgramArrays(
        np.ascontiguousarray(lm.arc_start, dtype=np.int64),
        np.ascontiguousarray(lm.arc_word, dtype=np.int32),
        np.ascontiguousarray(lm.arc_log_prob, dtype=np.float32),
        np.ascontiguousarray(lm.arc_next, dtype=np.int32),
        np.ascontiguousarray(lm.backoff_state, dtype=np.int32),
        np.ascontiguousarray(lm.backoff_log, dtype=np.float32),
        unigram_arc,
    )


def word_ids(words: tuple[str, ...], lm: BackoffAutomaton) -> NDArray[np.int32]:
    """Return the language model's number of each word; the unknown word stands for those it lacks.

    Raises
    ------
    BadInput
        Words that the language model lacks, where it has no unknown word.
    """
    number = {word: i for i, word in enumerate(lm.words)}
    ids = np.array([number.get(word, lm.unknown_word) for word in words], dtype=np.int32)
    if ids.size and ids.min() < 0:
        missing = [word for word, i in zip(words, ids.tolist(), strict=True) if i < 0]
        raise BadInput(
            f"{len(missing)} words of the lexicon are not in the language model, which has no unknown word: "
            f"{', '.join(missing[:3])} …; leave them out of the lexicon"
        )
    return ids


def unigram_logs(lm: NgramArrays, ids: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return `(n_words,)` log P(word) with no history."""
    arcs = lm.unigram_arc[ids]
    if lm.arc_log_prob.size == 0:
        return np.full(ids.size, -np.inf, dtype=np.float32)
    return np.where(arcs >= 0, lm.arc_log_prob[np.maximum(arcs, 0)], -np.inf).astype(np.float32)


@njit(cache=True, nogil=True)
def step(lm, state, word):  # type: ignore[no-untyped-def]
    """Return (log P(word | state), the state after it); Katz (1987), equation 1."""
    log = 0.0
    while state > 0:
        low, high = lm.arc_start[state], lm.arc_start[state + 1]
        stop = high
        while low < high:
            middle = (low + high) >> 1
            if lm.arc_word[middle] < word:
                low = middle + 1
            else:
                high = middle
        if low < stop and lm.arc_word[low] == word:
            return log + lm.arc_log_prob[low], lm.arc_next[low]
        log += lm.backoff_log[state]
        state = lm.backoff_state[state]
    arc = lm.unigram_arc[word]
    if arc < 0:
        return -np.inf, np.int32(0)
    return log + lm.arc_log_prob[arc], lm.arc_next[arc]
