"""Lists of arcs as arrays: spread, sorted, made distinct."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def spread(counts: Ints) -> tuple[Ints, Ints]:
    """Return (row, 0 … counts[row] - 1) for every row, in order."""
    rows = np.repeat(np.arange(counts.size), counts)
    return rows, np.arange(rows.size) - np.repeat(np.cumsum(counts) - counts, counts)


def starts(sorted_source: Ints, n: int) -> NDArray[np.int32]:
    """Return where the arcs of each of `n` sources begin, and the end."""
    return np.searchsorted(sorted_source, np.arange(n + 1)).astype(np.int32)


def possible(source: Ints, target: Ints, log: Floats) -> tuple[Ints, Ints, Floats]:
    """Leave out arcs of probability 0."""
    keep = log > -np.inf
    return source[keep], target[keep], log[keep]


def distinct(source: Ints, target: Ints, log: Floats) -> tuple[Ints, Ints, Floats]:
    """Sort by source, then target; of equal arcs, which equal sequences make, keep one."""
    width = int(target.max(initial=0)) + 1
    _, first = np.unique(source * width + target, return_index=True)
    return source[first], target[first], log[first]
