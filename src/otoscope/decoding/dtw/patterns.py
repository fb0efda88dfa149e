"""Step patterns: which steps a warping path may take, and what each costs (Sakoe and Chiba 1978, table I)."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Cell = tuple[int, int, float]


@dataclass(frozen=True)
class StepPattern:
    """Moves of a warping path.

    Parameters
    ----------
    name
        What it is called.
    moves
        Each move is the row of cells it passes, ending at `(0, 0)`: (frames of x before here, frames of y before here,
        weight of the local cost). `origins` says where it starts.
    origins
        For each move, how many frames of x and of y lie between its start and here.
    first_weight
        Weight of the local cost of the first pair of frames.
    normalised
        Whether the weights of every path sum to `n_x + n_y`, so that distances over different lengths compare.
    """

    name: str
    moves: tuple[tuple[Cell, ...], ...]
    origins: tuple[tuple[int, int], ...]
    first_weight: float
    normalised: bool

    def tables(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return origins `(n_moves, 2)`, cells `(n_moves, longest, 2)` and weights `(n_moves, longest)`.

        Shorter moves are filled with the cell (0, 0) at weight 0.
        """
        longest = max(len(move) for move in self.moves)
        cells = np.zeros((len(self.moves), longest, 2), dtype=np.int64)
        weights = np.zeros((len(self.moves), longest))
        for m, move in enumerate(self.moves):
            for c, (di, dj, weight) in enumerate(move):
                cells[m, c], weights[m, c] = (di, dj), weight
        return np.array(self.origins, dtype=np.int64), cells, weights


_DIAGONAL = ((0, 0, 2.0),)

PATTERNS = MappingProxyType(
    {
        pattern.name: pattern
        for pattern in (
            StepPattern(
                "symmetric1", (((0, 0, 1.0),), ((0, 0, 1.0),), ((0, 0, 1.0),)), ((1, 1), (1, 0), (0, 1)), 1.0, False
            ),
            StepPattern("symmetric2", (_DIAGONAL, ((0, 0, 1.0),), ((0, 0, 1.0),)), ((1, 1), (1, 0), (0, 1)), 2.0, True),
            StepPattern(
                "symmetric_p05",
                (
                    _DIAGONAL,
                    ((1, 0, 2.0), (0, 0, 1.0)),
                    ((0, 1, 2.0), (0, 0, 1.0)),
                    ((2, 0, 2.0), (1, 0, 1.0), (0, 0, 1.0)),
                    ((0, 2, 2.0), (0, 1, 1.0), (0, 0, 1.0)),
                ),
                ((1, 1), (2, 1), (1, 2), (3, 1), (1, 3)),
                2.0,
                True,
            ),
            StepPattern(
                "symmetric_p1",
                (_DIAGONAL, ((1, 0, 2.0), (0, 0, 1.0)), ((0, 1, 2.0), (0, 0, 1.0))),
                ((1, 1), (2, 1), (1, 2)),
                2.0,
                True,
            ),
            StepPattern(
                "symmetric_p2",
                (
                    _DIAGONAL,
                    ((2, 1, 2.0), (1, 0, 2.0), (0, 0, 1.0)),
                    ((1, 2, 2.0), (0, 1, 2.0), (0, 0, 1.0)),
                ),
                ((1, 1), (3, 2), (2, 3)),
                2.0,
                True,
            ),
        )
    }
)
"""Patterns by name. `symmetric1` counts each pair of frames once; `symmetric2` a diagonal step twice, so that no
direction is cheaper; `symmetric_p05`, `_p1` and `_p2` also bound the slope: n steps along one axis need P · n diagonal
ones."""
