"""One sequence against many: distances to all templates from one matrix of local costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, UnknownName
from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.decoding.dtw.costs import local_costs
from otoscope.decoding.dtw.patterns import PATTERNS
from otoscope.decoding.dtw.warp import from_above, from_left


@dataclass(frozen=True, eq=False)
class FrameStack(ByValue):
    """Sequences of frames, one after the other in one array.

    Parameters
    ----------
    frames
        `(n_frames_in_all, n_coeffs)` float64.
    offsets
        `(n_sequences + 1,)`: sequence k is `frames[offsets[k] : offsets[k + 1]]`.
    """

    frames: NDArray[np.float64]
    offsets: NDArray[np.int64]

    def __post_init__(self) -> None:
        frames = frozen_array(self.frames, n_dims=2, name="frames", dtype=np.float64)
        offsets = frozen_array(self.offsets, n_dims=1, name="offsets", dtype=np.int64)
        if offsets.size < 2 or offsets[0] != 0 or offsets[-1] != len(frames) or (np.diff(offsets) < 1).any():
            raise BadInput("offsets must rise from 0 to the number of frames; every sequence needs a frame")
        set_frozen(self, frames=frames, offsets=offsets)

    @classmethod
    def of(cls, sequences: Sequence[NDArray[Any]]) -> FrameStack:
        """Stack `(n_frames, n_coeffs)` sequences of equal width.

        Examples
        --------
        >>> FrameStack.of([np.zeros((3, 2)), np.ones((2, 2))]).offsets.tolist()
        [0, 3, 5]
        """
        if not sequences:
            raise BadInput("a stack needs at least one sequence of frames")
        return cls(np.concatenate(sequences), np.cumsum([0, *(len(sequence) for sequence in sequences)]))

    def __len__(self) -> int:
        return self.offsets.size - 1

    def __getitem__(self, index: int) -> NDArray[np.float64]:
        return self.frames[self.offsets[index] : self.offsets[index + 1]]


def distances(x: ArrayLike, stack: FrameStack, *, pattern: str = "symmetric2") -> NDArray[np.float64]:
    """Return `(n_sequences,)` normalised distances of `x (n_frames, n_coeffs)`; infinite where no path leads.

    Each is `dtw(x, stack[k], pattern=pattern).normalised_distance`.

    Raises
    ------
    BadInput
        The pattern's distances do not compare over lengths (it is not normalised), or the frames are not usable.
    UnknownName
        No such pattern.

    Examples
    --------
    >>> distances([[0.0], [1.0]], FrameStack.of([np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])]))
    array([0.  , 0.75])
    """
    if pattern not in PATTERNS:
        raise UnknownName("step pattern", pattern, PATTERNS)
    steps = PATTERNS[pattern]
    if not steps.normalised:
        names = ", ".join(name for name, known in PATTERNS.items() if known.normalised)
        raise BadInput(f"distances under {pattern} do not compare over lengths; take one of {names}")
    return _distances(local_costs(x, stack.frames), stack.offsets, steps.first_weight, steps.tables())


@njit(cache=True)
def _distances(costs, offsets, first_weight, tables):  # type: ignore[no-untyped-def]
    n = offsets.size - 1
    found = np.empty(n)
    longest = np.diff(offsets).max()
    simple = tables[1].shape[1] == 1
    totals = np.empty((2 if simple else costs.shape[0], longest + 1))
    nothing = np.zeros(longest, dtype=np.uint8)
    for k in range(n):
        matrix = costs[:, offsets[k] : offsets[k + 1]]
        if simple:
            last = _last_of_rows(matrix, first_weight, totals, nothing)
        else:
            _fill(matrix, first_weight, tables, totals)
            last = totals[matrix.shape[0] - 1, matrix.shape[1] - 1]
        found[k] = last / (matrix.shape[0] + matrix.shape[1])
    return found


@njit(cache=True)
def _last_of_rows(costs, diagonal, rows, nothing):  # type: ignore[no-untyped-def]
    """Cost of the best path for patterns of one step a move, two rows at a time."""
    n_x, n_y = costs.shape
    rows[1, 0] = np.inf
    rows[0, 0] = np.inf
    for i in range(n_x):
        before, row = rows[(i + 1) % 2], rows[i % 2]
        start = 0
        if i == 0:
            before[: n_y + 1] = np.inf
            row[1] = diagonal * costs[0, 0]
            start = 1
        here, choice = costs[i, start:], nothing[start:n_y]
        from_above(here, diagonal, before[start:n_y], before[start + 1 : n_y + 1], row[start + 1 : n_y + 1], choice)
        from_left(here, row[start:n_y], row[start + 1 : n_y + 1], choice)
    return rows[(n_x - 1) % 2, n_y]


@njit(cache=True)
def _fill(costs, first_weight, tables, totals):  # type: ignore[no-untyped-def]
    """Cost of the best path to each pair of frames, for any pattern (Sakoe and Chiba 1978, equation 20)."""
    origins, cells, weights = tables
    for i in range(costs.shape[0]):
        for j in range(costs.shape[1]):
            best = first_weight * costs[0, 0] if i + j == 0 else np.inf
            for m in range(origins.shape[0]):
                a, b = i - origins[m, 0], j - origins[m, 1]
                if a < 0 or b < 0 or totals[a, b] >= best:
                    continue
                total = totals[a, b]
                for c in range(cells.shape[1]):
                    if weights[m, c] > 0:
                        total += weights[m, c] * costs[i - cells[m, c, 0], j - cells[m, c, 1]]
                best = min(best, total)
            totals[i, j] = best
