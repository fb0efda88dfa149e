"""The prefix tree of pronunciations: one node for each beginning that some word has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from otoscope.decoding.tree.contexts import Phones, StateSequences

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PhoneTree:
    """Nodes in order of depth; arrays `(n_nodes,)` unless said.

    `parent` is -1 at depth 0; `children[child_start[v]:child_start[v + 1]]` are the children of v; `word_set` is the
    number of the set of words that end in a node, -1 for none; set k holds words `set_word[set_start[k]:…]`, each with
    the log probability of its pronunciation.
    """

    phone: Ints
    parent: Ints
    depth: Ints
    word_set: Ints
    child_start: Ints
    children: Ints
    set_start: Ints
    set_word: Ints
    set_log: NDArray[np.float64]

    def children_of(self, node: int) -> Ints:
        """Return the children of a node."""
        return self.children[self.child_start[node] : self.child_start[node + 1]]


def phone_tree(
    pronunciations: Sequence[tuple[str, Phones, float]], words: Sequence[str], sequences: StateSequences
) -> PhoneTree:
    """Return the tree of some pronunciations; a word twice with the same phones counts once, by its better log."""
    number = {word: i for i, word in enumerate(words)}
    phones = _matrix(pronunciations, sequences)
    length = (phones >= 0).sum(axis=1)
    node = np.full(length.size, -1, dtype=np.int64)
    kept: list[tuple[Ints, Ints, Ints]] = []
    n_nodes, n_phones = 0, len(sequences.phones)
    for depth in range(phones.shape[1]):
        rows = np.flatnonzero(length > depth)
        keys, inverse = np.unique(node[rows] * n_phones + phones[rows, depth], return_inverse=True)
        node[rows] = n_nodes + inverse.ravel()
        kept.append((keys % n_phones, keys // n_phones, np.full(keys.size, depth)))
        n_nodes += keys.size
    phone, parent, depths = (np.concatenate(part) for part in zip(*kept, strict=True))
    order = np.argsort(parent, kind="stable")
    child_start = np.searchsorted(parent[order], np.arange(n_nodes + 1))
    word = np.array([number[w] for w, _, _ in pronunciations], dtype=np.int64)
    log = np.array([p for _, _, p in pronunciations], dtype=np.float64)
    word_set, set_start, set_word, set_log = _word_sets(node, word, log, n_nodes)
    return PhoneTree(phone, parent, depths, word_set, child_start, order, set_start, set_word, set_log)


def _matrix(pronunciations: Sequence[tuple[str, Phones, float]], sequences: StateSequences) -> Ints:
    """Return `(n_pronunciations, longest)` phone numbers, -1 after the end."""
    lengths = np.array([len(phones) for _, phones, _ in pronunciations])
    for word, phones, _ in pronunciations:
        if not sequences.index.keys() >= set(phones):
            sequences.numbered(phones, word)
    index = sequences.index
    flat = np.fromiter((index[p] for p in chain.from_iterable(phones for _, phones, _ in pronunciations)), np.int64)
    matrix = np.full((lengths.size, int(lengths.max())), -1, dtype=np.int64)
    matrix[np.arange(matrix.shape[1]) < lengths[:, None]] = flat
    return matrix


def _word_sets(
    node: Ints, word: Ints, log: NDArray[np.float64], n_nodes: int
) -> tuple[Ints, Ints, Ints, NDArray[np.float64]]:
    """Gather the words that end in one node."""
    order = np.lexsort((-log, word, node))
    node, word, log = node[order], word[order], log[order]
    keep = np.ones(node.size, dtype=bool)
    keep[1:] = (node[1:] != node[:-1]) | (word[1:] != word[:-1])
    node, word, log = node[keep], word[keep], log[keep]
    ends, start = np.unique(node, return_index=True)
    word_set = np.full(n_nodes, -1, dtype=np.int64)
    word_set[ends] = np.arange(ends.size)
    return word_set, np.append(start, node.size), word, log
