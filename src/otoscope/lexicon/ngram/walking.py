"""Steps through the trie of an n-gram model, compiled: histories and words in, log-probabilities and new histories out.

A node is an n-gram that the model lists; node 0 is the empty one. The children of node i, the n-grams that lengthen it
by a word, are nodes `first_child[i]` to `first_child[i + 1] - 1`, their words rising; child w of node 0 is node w + 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

LOG_NEVER = -100.0 * float(np.log(10.0))
"""Log-probability of a word that a model without `<unk>` does not know; the value that kenlm takes."""


class Trie(NamedTuple):
    """The arrays of a model that its kernels read; see `NGramModel`."""

    first_child: NDArray[np.int64]
    word: NDArray[np.int32]
    log_probs: NDArray[np.float32]
    backoffs: NDArray[np.float32]
    suffix: NDArray[np.int32]


@njit(cache=True)
def child(first_child: NDArray, word: NDArray, node: int, wanted: int) -> int:
    """Return the node that lengthens `node` by the word `wanted`, or -1."""
    if node == 0:
        return wanted + 1
    low, end = first_child[node], first_child[node + 1]
    high = end
    while low < high:
        middle = (low + high) // 2
        if word[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    if low < end and word[low] == wanted:
        return low
    return -1


@njit(cache=True)
def longest_suffixes(first_child: NDArray, parent: NDArray, word: NDArray, n_words: int) -> NDArray:
    """Return, for every node, the node of its longest proper suffix that the model lists."""
    suffix = np.zeros(parent.size, np.int32)
    for node in range(n_words + 1, parent.size):
        history = suffix[parent[node]]
        found = child(first_child, word, history, word[node])
        while found < 0:
            history = suffix[history]
            found = child(first_child, word, history, word[node])
        suffix[node] = found
    return suffix


@njit(cache=True)
def step(trie: Trie, node: int, wanted: int) -> tuple[float, int]:
    """Return log P(wanted | node), by backing off as far as need be, and the history after the word."""
    log_prob = 0.0
    while True:
        if node == 0 and wanted < 0:
            return log_prob + LOG_NEVER, 0
        found = child(trie.first_child, trie.word, node, wanted) if wanted >= 0 else -1
        if found >= 0:
            return log_prob + trie.log_probs[found], found
        log_prob += trie.backoffs[node]
        node = trie.suffix[node]


@njit(cache=True)
def advance(trie: Trie, nodes: NDArray, ids: NDArray) -> tuple[NDArray, NDArray]:
    """Take one step for each pair of node and word id; returns `(n,)` float64 logs and `(n,)` int32 nodes."""
    logs = np.empty(ids.size, np.float64)
    after = np.empty(ids.size, np.int32)
    for i in range(ids.size):
        logs[i], after[i] = step(trie, nodes[i], ids[i])
    return logs, after


@njit(cache=True)
def score_tokens(trie: Trie, tokens: NDArray, bos: int) -> NDArray:
    """Return `(n_tokens,)` log-probabilities of a running text; `bos` starts a sentence and scores 0."""
    logs = np.zeros(tokens.size, np.float64)
    node = 0
    for i in range(tokens.size):
        if tokens[i] == bos:
            node = bos + 1
        else:
            logs[i], node = step(trie, node, tokens[i])
    return logs
