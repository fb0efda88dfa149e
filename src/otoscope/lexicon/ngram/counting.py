"""N-grams of a text and how often each stands there: word ids in, a trie of counts out.

All orders are found by sorting 64-bit keys (node of the history, word): a text of 20 million tokens takes seconds an
order and some 50 bytes a token.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core.arrays import ByValue


@dataclass(frozen=True, eq=False)
class NGramCounts(ByValue):
    """How often each n-gram stands in a text; nodes are laid out as in `NGramModel`.

    No n-gram runs across a sentence start. `suffix` is the node of the n-gram without its first word, which is always
    there; `starts` says whether the first word is the sentence start.
    """

    n_words: int
    level_start: NDArray[np.int64]
    parent: NDArray[np.int32]
    word: NDArray[np.int32]
    count: NDArray[np.int32]
    suffix: NDArray[np.int32]
    starts: NDArray[np.bool_]

    @property
    def order(self) -> int:
        """Length of the longest n-grams."""
        return self.level_start.size - 2

    def level(self, order: int) -> slice:
        """Return where the n-grams of one order stand in the arrays."""
        return slice(int(self.level_start[order]), int(self.level_start[order + 1]))


@dataclass
class _Found:
    """The n-grams of one order: `(n_types,)` arrays, and `(n_tokens,)` which node ends at each token."""

    parent: NDArray[np.int32]
    word: NDArray[np.int32]
    count: NDArray[np.int32]
    suffix: NDArray[np.int32]
    node_at: NDArray[np.int32]


def count_ngrams(tokens: NDArray[np.int32], n_words: int, order: int) -> NGramCounts:
    """Count all n-grams of a text up to `order`.

    Parameters
    ----------
    tokens
        `(n_tokens,)` ids from 0 to `n_words` - 1; the last id, `n_words` - 1, starts each sentence.
    n_words
        Size of the vocabulary, sentence start included.
    order
        Length of the longest n-grams, 1 or more.

    Examples
    --------
    >>> counts = count_ngrams(np.array([2, 0, 0, 1, 2, 0, 1], np.int32), n_words=3, order=2)
    >>> counts.count[counts.level(2)]  # 0 0, 0 1, <s> 0
    array([1, 2, 2], dtype=int32)
    """
    bos = n_words - 1
    ids = np.arange(n_words, dtype=np.int32)
    zeros = np.zeros(n_words, np.int32)
    unigrams = np.bincount(tokens, minlength=n_words).astype(np.int32)
    levels = [_Found(zeros, ids, unigrams, zeros, tokens + np.int32(1))]
    starts = [np.zeros(1, bool), ids == bos]
    level_start = [0, 1, n_words + 1]
    ends = np.arange(tokens.size, dtype=np.int32)
    for _ in range(2, order + 1):
        ends = ends[:-1][ends[:-1] + 1 < tokens.size] + np.int32(1) if ends.size else ends
        ends = ends[tokens[ends] != bos]
        level = _lengthen(tokens, levels[-1].node_at, ends, n_words, level_start[-1])
        levels[-1].node_at = tokens[:0]  # no longer needed, and large
        starts.append(starts[-1][level.parent - level_start[-2]])
        level_start.append(level_start[-1] + level.word.size)
        levels.append(level)
    root = np.array([-1], np.int32)
    return NGramCounts(
        n_words,
        np.array(level_start, np.int64),
        np.concatenate([root, *(level.parent for level in levels)]),
        np.concatenate([root, *(level.word for level in levels)]),
        np.concatenate([[np.int32(tokens.size)], *(level.count for level in levels)]).astype(np.int32),
        np.concatenate([zeros[:1], *(level.suffix for level in levels)]),
        np.concatenate(starts),
    )


def _lengthen(
    tokens: NDArray[np.int32], node_at: NDArray[np.int32], ends: NDArray[np.int32], n_words: int, first_node: int
) -> _Found:
    """Find the n-grams that end at `ends`, given the node of the shorter one that ends at each token."""
    keys = node_at[ends - 1].astype(np.int64) * n_words + tokens[ends]
    by_key = np.argsort(keys).astype(np.int32)
    keys = keys[by_key]
    is_first = np.ones(keys.size, bool)
    is_first[1:] = keys[1:] != keys[:-1]
    firsts = np.flatnonzero(is_first)
    suffix = node_at[ends[by_key[firsts]]]
    count = np.diff(np.append(firsts, keys.size)).astype(np.int32)
    longer_at = np.full(tokens.size, -1, np.int32)
    longer_at[ends[by_key]] = np.cumsum(is_first, dtype=np.int32) + np.int32(first_node - 1)
    keys = keys[firsts]
    return _Found((keys // n_words).astype(np.int32), (keys % n_words).astype(np.int32), count, suffix, longer_at)
