"""Edit distance and the alignment behind it: two sequences in, matches and edits with their positions out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

EditKind = Literal["match", "substitution", "deletion", "insertion"]
_KINDS: tuple[EditKind, ...] = ("match", "substitution", "deletion", "insertion")


@dataclass(frozen=True)
class EditOperation:
    """One step from reference to hypothesis; the index is `None` on the side that has nothing there."""

    kind: EditKind
    reference_index: int | None
    hypothesis_index: int | None


@dataclass(frozen=True)
class EditAlignment:
    """A cheapest way from `reference` to `hypothesis`, with its operations in order."""

    reference: tuple[Hashable, ...]
    hypothesis: tuple[Hashable, ...]
    operations: tuple[EditOperation, ...]

    @cached_property
    def _counts(self) -> dict[str, int]:
        kinds = [operation.kind for operation in self.operations]
        return {kind: kinds.count(kind) for kind in _KINDS}

    @property
    def n_matches(self) -> int:
        """Elements of the reference that the hypothesis has."""
        return self._counts["match"]

    @property
    def n_substitutions(self) -> int:
        """Elements of the reference with another one in their place."""
        return self._counts["substitution"]

    @property
    def n_deletions(self) -> int:
        """Elements of the reference with nothing in their place."""
        return self._counts["deletion"]

    @property
    def n_insertions(self) -> int:
        """Elements of the hypothesis with no place in the reference."""
        return self._counts["insertion"]

    @property
    def distance(self) -> int:
        """Number of edits."""
        return len(self.operations) - self.n_matches

    def matches(self) -> tuple[tuple[int, int], ...]:
        """Return (reference index, hypothesis index) of each match."""
        return tuple(
            (o.reference_index, o.hypothesis_index)
            for o in self.operations
            if o.kind == "match" and o.reference_index is not None and o.hypothesis_index is not None
        )


def edit_distance(reference: Sequence[Hashable] | str, hypothesis: Sequence[Hashable] | str) -> int:
    """Return the least number of substitutions, deletions and insertions that turn `reference` into `hypothesis`.

    Elements are compared with `==`; a string is a sequence of characters. O(n_reference · n_hypothesis) time, one
    row of memory (Levenshtein 1966; Wagner and Fischer 1974).

    Examples
    --------
    >>> edit_distance("kitten", "sitting"), edit_distance(["so", "my"], ["my"])
    (3, 1)
    """
    return int(_distance(*_numbered(reference, hypothesis)))


def align_words(reference: Sequence[Hashable] | str, hypothesis: Sequence[Hashable] | str) -> EditAlignment:
    """Return a cheapest alignment of two word sequences; strings are split at white space.

    See `align_sequences` for the rule on ties.

    Examples
    --------
    >>> alignment = align_words("ask not what", "as not what now")
    >>> [o.kind for o in alignment.operations]
    ['substitution', 'match', 'match', 'insertion']
    """
    split = [words.split() if isinstance(words, str) else words for words in (reference, hypothesis)]
    return align_sequences(*split)


def align_sequences(reference: Sequence[Hashable] | str, hypothesis: Sequence[Hashable] | str) -> EditAlignment:
    """Return a cheapest alignment of two sequences; a string is a sequence of characters.

    Parameters
    ----------
    reference, hypothesis
        Sequences of hashable elements, compared with `==`; either may be empty.

    Notes
    -----
    All edits cost 1 (Wagner and Fischer 1974). Among alignments of equal cost one is chosen by a fixed rule, that
    of rapidfuzz and hence jiwer: common beginnings and ends are matched first; then, from the end backwards, an element
    of the reference is deleted where that is optimal, else one of the hypothesis is inserted where that is cheaper than
    it was to pair the two before it, else the two are paired. Memory is one byte for each pair of elements between the
    common ends.

    Examples
    --------
    >>> align_sequences("ab", "b").operations[0]
    EditOperation(kind='deletion', reference_index=0, hypothesis_index=None)
    """
    codes = _operations(*_numbered(reference, hypothesis))
    operations, i, j = [], 0, 0
    for code in codes.tolist():
        kind = _KINDS[code]
        has_reference, has_hypothesis = kind != "insertion", kind != "deletion"
        operations.append(EditOperation(kind, i if has_reference else None, j if has_hypothesis else None))
        i, j = i + has_reference, j + has_hypothesis
    return EditAlignment(tuple(reference), tuple(hypothesis), tuple(operations))


def _numbered(*sequences: Sequence[Hashable] | str) -> list[NDArray[np.int64]]:
    """Give equal elements equal numbers."""
    numbers: dict[Hashable, int] = {}
    return [np.array([numbers.setdefault(e, len(numbers)) for e in s], dtype=np.int64) for s in sequences]


@njit(cache=True)
def _common_ends(a, b):  # type: ignore[no-untyped-def]
    """Lengths of the common beginning and of the common end of what is left."""
    shorter = min(a.shape[0], b.shape[0])
    head = 0
    while head < shorter and a[head] == b[head]:
        head += 1
    tail = 0
    while tail < shorter - head and a[a.shape[0] - 1 - tail] == b[b.shape[0] - 1 - tail]:
        tail += 1
    return head, tail


@njit(cache=True)
def _distance(reference, hypothesis):  # type: ignore[no-untyped-def]
    head, tail = _common_ends(reference, hypothesis)
    a, b = reference[head : reference.shape[0] - tail], hypothesis[head : hypothesis.shape[0] - tail]
    row = np.arange(b.shape[0] + 1)
    for i in range(a.shape[0]):
        diagonal, row[0] = row[0], i + 1
        for j in range(b.shape[0]):
            cost = min(diagonal + (a[i] != b[j]), row[j] + 1, row[j + 1] + 1)
            diagonal, row[j + 1] = row[j + 1], cost
    return row[b.shape[0]]


@njit(cache=True)
def _operations(reference, hypothesis):  # type: ignore[no-untyped-def]
    """Codes of the operations in order: 0 match, 1 substitution, 2 deletion, 3 insertion."""
    head, tail = _common_ends(reference, hypothesis)
    a, b = reference[head : reference.shape[0] - tail], hypothesis[head : hypothesis.shape[0] - tail]
    choices = _choices(a, b)
    codes = np.zeros(reference.shape[0] + hypothesis.shape[0], dtype=np.uint8)
    first = codes.shape[0] - tail
    i, j = a.shape[0], b.shape[0]
    while i > 0 or j > 0:
        first -= 1
        code = 2 if j == 0 else (3 if i == 0 else choices[i - 1, j - 1])
        codes[first] = code
        i -= code != 3
        j -= code != 2
    return codes[first - head :]


@njit(cache=True)
def _choices(a, b):  # type: ignore[no-untyped-def]
    """For each pair of positions the operation that ends there."""
    choices = np.empty((a.shape[0], b.shape[0]), dtype=np.uint8)
    row = np.arange(b.shape[0] + 1)
    for i in range(a.shape[0]):
        diagonal, row[0] = row[0], i + 1
        for j in range(b.shape[0]):
            differ, above, left = a[i] != b[j], row[j + 1], row[j]
            cost = min(diagonal + differ, left + 1, above + 1)
            if cost == above + 1:
                choices[i, j] = 2
            elif cost == left + 1 and left < diagonal:
                choices[i, j] = 3
            else:
                choices[i, j] = differ
            diagonal, row[j + 1] = above, cost
    return choices
