"""The best that could be made of a lattice, if one knew what was said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from otoscope.core import BadInput
from otoscope.decoding.lattice.arcs import LatticeArcs


def fewest_errors(lattice: LatticeArcs, reference: Sequence[str]) -> int:
    """Return the least edit distance between `reference` and any path of the lattice.

    Raises
    ------
    BadInput
        The lattice has no path.
    """
    number = {word: i for i, word in enumerate(lattice.vocabulary)}
    spoken = np.array([number.get(word, -2) for word in reference], dtype=np.int32)
    ends = np.isfinite(lattice.final_acoustic)
    errors = int(_edits(lattice.source, lattice.target, lattice.word, ends, spoken))
    if errors < 0:
        raise BadInput("the lattice has no path from its start to an end")
    return errors


@njit(cache=True, nogil=True)
def _edits(source, target, word, ends, spoken):  # type: ignore[no-untyped-def]
    """Edit distance with a row for each node: fewest edits between a path there and each beginning of the reference."""
    never = 1 << 30
    n_spoken = spoken.shape[0]
    rows = np.full((ends.shape[0], n_spoken + 1), never, dtype=np.int64)
    rows[0] = np.arange(n_spoken + 1)
    for a in range(source.shape[0]):
        before, row = rows[source[a]], rows[target[a]]
        for j in range(n_spoken + 1):
            cost = before[j] + (word[a] >= 0)
            if j > 0 and word[a] >= 0:
                cost = min(cost, before[j - 1] + (spoken[j - 1] != word[a]))
            if j > 0:
                cost = min(cost, row[j - 1] + 1)
            row[j] = min(row[j], cost)
    best = never
    for v in range(ends.shape[0]):
        if ends[v]:
            best = min(best, rows[v, n_spoken])
    return best if best < never else -1
