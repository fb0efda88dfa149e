"""Phone strings in a tree of prefixes, as flat arrays: many strings are looked up at once, exactly.

Strings of phones are coded as rows of numbers, padded with `PAD`. A tree numbers its nodes from the root (0) level by
level, so that a child is found by one binary search for the key `parent * n_codes + code`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from otoscope.lexicon.pronunciations import Phones

Ints = NDArray[np.int64]

PAD = -1
"""Code beyond the end of a string, and the node of what is not in a tree."""


@dataclass(frozen=True, eq=False)
class CodedStrings:
    """Phone strings as numbers.

    `codes (n_strings, longest)` with `PAD` beyond the end, `lengths (n_strings,)`.
    """

    codes: Ints
    lengths: Ints

    def __len__(self) -> int:
        return int(self.lengths.size)

    @classmethod
    def of(cls, strings: Sequence[Phones], code_of: Mapping[str, int]) -> CodedStrings:
        """Code strings; phones that have no code get the number after the last, which no tree has."""
        lengths = np.array([len(string) for string in strings], dtype=np.int64)
        codes = np.full((lengths.size, int(lengths.max(initial=0))), PAD, dtype=np.int64)
        flat = np.array([code_of.get(phone, len(code_of)) for string in strings for phone in string], dtype=np.int64)
        codes[np.arange(codes.shape[1]) < lengths[:, None]] = flat
        return cls(codes, lengths)

    @cached_property
    def backward(self) -> CodedStrings:
        """The same strings, last phone first."""
        places = self.lengths[:, None] - 1 - np.arange(self.codes.shape[1])
        turned = np.take_along_axis(self.codes, np.maximum(places, 0), axis=1)
        return CodedStrings(np.where(places >= 0, turned, PAD), self.lengths)


@dataclass(frozen=True, eq=False)
class PrefixTree:
    """A tree of the prefixes of different strings.

    Parameters
    ----------
    keys
        `(n_nodes - 1,)` sorted: `parent * n_codes + code` of each node but the root, so that node `i + 1` has key `i`.
    n_codes
        One more than there are phones.
    string_at
        `(n_nodes,)` the string that ends at a node, or `PAD`.
    nodes
        `(n_strings, longest + 1)` the nodes on the way of each string, the root first, `PAD` beyond the end.
    """

    keys: Ints
    n_codes: int
    string_at: Ints
    nodes: Ints

    @classmethod
    def build(cls, strings: CodedStrings, n_phones: int) -> PrefixTree:
        """Build the tree of strings that are all different."""
        n_codes = n_phones + 1
        nodes = np.full((len(strings), strings.codes.shape[1] + 1), PAD, dtype=np.int64)
        nodes[:, 0] = 0
        keys: list[Ints] = []
        n_nodes = 1
        for depth in range(strings.codes.shape[1]):
            on = np.flatnonzero(strings.lengths > depth)
            found, number = np.unique(nodes[on, depth] * n_codes + strings.codes[on, depth], return_inverse=True)
            nodes[on, depth + 1] = number + n_nodes
            keys.append(found)
            n_nodes += found.size
        string_at = np.full(n_nodes, PAD, dtype=np.int64)
        string_at[np.take_along_axis(nodes, strings.lengths[:, None], axis=1)[:, 0]] = np.arange(len(strings))
        return cls(np.concatenate(keys), n_codes, string_at, nodes)

    @property
    def n_nodes(self) -> int:
        """How many nodes there are, with the root."""
        return int(self.string_at.size)

    def children(self, nodes: Ints, codes: Ints) -> Ints:
        """Return for each node its child by a phone, or `PAD`; the child of `PAD` is `PAD`."""
        wanted = nodes * self.n_codes + codes
        places = np.minimum(np.searchsorted(self.keys, wanted), self.keys.size - 1)
        there = (nodes >= 0) & (codes >= 0) & (self.keys[places] == wanted)
        return np.where(there, places + 1, PAD)

    def walked(self, strings: CodedStrings) -> Ints:
        """Return `(n_strings, longest + 1)` the nodes on the way of each string, `PAD` once it has left the tree."""
        nodes = np.full((len(strings), strings.codes.shape[1] + 1), PAD, dtype=np.int64)
        nodes[:, 0] = 0
        for depth in range(strings.codes.shape[1]):
            nodes[:, depth + 1] = self.children(nodes[:, depth], strings.codes[:, depth])
        return nodes

    def found(self, strings: CodedStrings) -> Ints:
        """Return `(n_strings,)` which string of the tree each is, or `PAD`."""
        ends = np.take_along_axis(self.walked(strings), strings.lengths[:, None], axis=1)[:, 0]
        return np.where(ends >= 0, self.string_at[ends], PAD)

    def summed(self, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Return `(n_nodes,)` the sum of the weights of all strings below or at a node; by default their number."""
        below = self.nodes >= 0
        values = None if weights is None else np.broadcast_to(weights[:, None], below.shape)[below]
        return np.bincount(self.nodes[below], weights=values, minlength=self.n_nodes).astype(np.float64)
