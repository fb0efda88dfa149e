"""The warping recursion on a matrix of local costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, DoesNotFit, UnknownName
from otoscope.core.arrays import ByValue
from otoscope.decoding.dtw.patterns import PATTERNS, StepPattern

ROWS = 4
"""Rows whose chains of additions run beside each other where no band bounds them."""


@dataclass(frozen=True, eq=False)
class WarpingPath(ByValue):
    """How two sequences run along each other.

    Parameters
    ----------
    distance
        Weighted sum of the local costs along the path.
    normalised_distance
        The same over `n_x + n_y`, for patterns whose weights sum to that; `None` for the others.
    pairs
        `(n_pairs, 2)` frame of x and frame of y, from the first pair to the last.
    """

    distance: float
    normalised_distance: float | None
    pairs: NDArray[np.int64]


def warp(costs: ArrayLike, *, pattern: str = "symmetric2", band: int | None = None) -> WarpingPath:
    """Return the path of least cost from the first pair of frames to the last.

    Parameters
    ----------
    costs
        `(n_x, n_y)` local costs, not negative; infinite ones forbid a pair.
    pattern
        Name of a step pattern, see `PATTERNS`.
    band
        Sakoe-Chiba band: frame i of x only meets frames of y within `band` of the straight line from the first pair to
        the last. No bound if `None`.

    Raises
    ------
    DoesNotFit
        No path leads to the end: the lengths differ by more than the slope bound allows, the band is too narrow for the
        pattern, or infinite costs bar the way.
    BadInput
        Costs that are NaN, negative or not a matrix, or a negative band.
    UnknownName
        No such pattern.

    Notes
    -----
    Sakoe and Chiba (1978), equations 9 to 20. On ties the move named first in the pattern is taken: the diagonal one,
    then the one along x.

    Examples
    --------
    >>> warp([[0.0, 9.0], [1.0, 9.0], [9.0, 2.0]], pattern="symmetric1").distance
    3.0
    """
    matrix, steps = _checked(costs, pattern, band)
    first, last = _bounds(matrix.shape, band)
    moves = np.zeros(matrix.shape, dtype=np.uint8)
    if len(steps.tables()[1][0]) == 1:
        total = _simple(matrix, steps.first_weight, first, last, moves)
    else:
        total = _general(matrix, steps.first_weight, steps.tables(), (first, last), moves)
    _check_end(total, matrix.shape, pattern, band)
    origins, cells, weights = steps.tables()
    pairs = _trace(moves, origins, cells, weights)
    return WarpingPath(float(total), float(total) / sum(matrix.shape) if steps.normalised else None, pairs)


def warp_distance(costs: ArrayLike, *, pattern: str = "symmetric2", band: int | None = None) -> float:
    """Return the cost of the best path alone; parameters and errors as in `warp`.

    Examples
    --------
    >>> warp_distance([[0.0, 9.0], [1.0, 9.0], [9.0, 2.0]], pattern="symmetric1")
    3.0
    """
    matrix, steps = _checked(costs, pattern, band)
    first, last = _bounds(matrix.shape, band)
    nothing = np.zeros((0, 0), dtype=np.uint8)
    if len(steps.tables()[1][0]) == 1:
        total = _simple(matrix, steps.first_weight, first, last, nothing)
    else:
        total = _general(matrix, steps.first_weight, steps.tables(), (first, last), nothing)
    _check_end(total, matrix.shape, pattern, band)
    return float(total)


def _checked(costs: ArrayLike, pattern: str, band: int | None) -> tuple[NDArray[np.float64], StepPattern]:
    matrix = np.ascontiguousarray(costs, dtype=np.float64)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise BadInput(f"costs must be (n_x, n_y) with at least one of each, got shape {matrix.shape}")
    if not matrix.min() >= 0:
        raise BadInput("costs hold NaN or negative values; distances are needed")
    if pattern not in PATTERNS:
        raise UnknownName("step pattern", pattern, PATTERNS)
    if band is not None and band < 0:
        raise BadInput(f"band must not be negative, got {band}")
    return matrix, PATTERNS[pattern]


def _bounds(shape: tuple[int, int], band: int | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and one past the last frame of y that each frame of x may meet."""
    n_x, n_y = shape
    if band is None:
        return np.zeros(n_x, dtype=np.int64), np.full(n_x, n_y)
    line = np.arange(n_x) * ((n_y - 1) / max(1, n_x - 1))
    first = np.maximum(0, np.ceil(line - band - 1e-9)).astype(np.int64)
    last = np.minimum(n_y, np.floor(line + band + 1e-9) + 1).astype(np.int64)
    return first, last


def _check_end(total: float, shape: tuple[int, int], pattern: str, band: int | None) -> None:
    if total == np.inf:
        within = "" if band is None else f" within a band of {band}"
        raise DoesNotFit(
            f"no {pattern} path leads through {shape[0]} by {shape[1]} frames{within}; "
            "allow a wider band or a pattern with a looser slope"
        )


@njit(cache=True)
def _simple(costs, diagonal, first, last, moves):  # type: ignore[no-untyped-def]
    """One step a move: the diagonal at its own weight, the others at 1. Moves are kept if there is room for them."""
    n_x, n_y = costs.shape
    keep = moves.shape[0] > 0
    row, before = np.full(n_y + 1, np.inf), np.full(n_y + 1, np.inf)
    nothing = np.zeros((ROWS, n_y), dtype=np.uint8)
    i = 0
    while i < n_x:
        if i > 0 and i + ROWS <= n_x and n_y > ROWS and first[i + ROWS - 1] == 0 and last[i] == n_y:
            choices = moves[i : i + ROWS] if keep else nothing
            _four_rows(costs[i : i + ROWS], diagonal, row, choices)
            i += ROWS
            continue
        before, row = row, before
        row[:] = np.inf
        a, b = first[i], last[i]
        if i == 0:
            row[1] = diagonal * costs[0, 0]
            a = 1
        choice = moves[i, a:b] if keep else nothing[0, a:b]
        here = costs[i, a:b]
        from_above(here, diagonal, before[a:b], before[a + 1 : b + 1], row[a + 1 : b + 1], choice)
        from_left(here, row[a:b], row[a + 1 : b + 1], choice)
        i += 1
    return row[n_y]


@njit(cache=True)
def _cell(cost, diagonal, corner, above, left):  # type: ignore[no-untyped-def]
    """Cost of the best path to a cell, and the move that ends it."""
    slanted, straight, along = corner + diagonal * cost, above + cost, left + cost
    best = min(slanted, straight)
    move = 2 if along < best else (1 if straight < slanted else 0)
    return min(along, best), move


@njit(cache=True)
def _four_rows(costs, diagonal, row, choices):  # type: ignore[no-untyped-def]
    """Four rows at a time, each a column behind the one above, so that none waits for another.

    `row` holds the totals of the row above, its first value infinite, and then those of the fourth.
    """
    n = costs.shape[1]
    now, old = np.full(ROWS, np.inf), np.full(ROWS, np.inf)
    for j in range(ROWS - 1):
        _ramp(costs, diagonal, row, choices, (now, old), j)
    a, b, c, d = now[0], now[1], now[2], now[3]
    older_a, older_b, older_c = old[0], old[1], old[2]
    first, second, third, fourth = costs[0, 3:], costs[1, 2 : n - 1], costs[2, 1 : n - 2], costs[3, : n - 3]
    into_a, into_b, into_c, into_d = choices[0, 3:], choices[1, 2 : n - 1], choices[2, 1 : n - 2], choices[3, : n - 3]
    corner, above, done = row[3:], row[4:], row[1:]
    for j in range(n - 3):
        d, into_d[j] = _cell(fourth[j], diagonal, older_c, c, d)
        new_c, into_c[j] = _cell(third[j], diagonal, older_b, b, c)
        new_b, into_b[j] = _cell(second[j], diagonal, older_a, a, b)
        new_a, into_a[j] = _cell(first[j], diagonal, corner[j], above[j], a)
        older_a, older_b, older_c = a, b, c
        a, b, c = new_a, new_b, new_c
        done[j] = d
    now[0], now[1], now[2], now[3] = a, b, c, d
    old[0], old[1], old[2] = older_a, older_b, older_c
    for j in range(n, n + ROWS - 1):
        _ramp(costs, diagonal, row, choices, (now, old), j)


@njit(cache=True)
def _ramp(costs, diagonal, row, choices, state, j):  # type: ignore[no-untyped-def]
    """One column of four rows where not all of them are inside."""
    now, old = state
    for r in range(ROWS - 1, -1, -1):
        at = j - r
        if 0 <= at < costs.shape[1]:
            corner, above = (row[at], row[at + 1]) if r == 0 else (old[r - 1], now[r - 1])
            old[r] = now[r]
            now[r], choices[r, at] = _cell(costs[r, at], diagonal, corner, above, now[r])
            if r == ROWS - 1:
                row[at + 1] = now[r]


@njit(cache=True)
def from_above(costs, diagonal, corner, above, row, choice):  # type: ignore[no-untyped-def]
    """The better of the diagonal move and the move along x: no cell waits for another."""
    for j in range(costs.shape[0]):
        slanted, straight = corner[j] + diagonal * costs[j], above[j] + costs[j]
        row[j] = min(slanted, straight)
        choice[j] = straight < slanted


@njit(cache=True)
def from_left(costs, left, row, choice):  # type: ignore[no-untyped-def]
    """The move along y, cell after cell."""
    if costs.shape[0] == 0:
        return
    running = left[0]
    for j in range(costs.shape[0]):
        along = running + costs[j]
        choice[j] = 2 if along < row[j] else choice[j]
        running = min(along, row[j])
        row[j] = running


@njit(cache=True)
def _general(costs, first_weight, tables, bounds, moves):  # type: ignore[no-untyped-def]
    """Moves of several cells, for patterns that bound the slope."""
    origins, cells, weights = tables
    first, last = bounds
    totals = np.full(costs.shape, np.inf)
    totals[0, 0] = first_weight * costs[0, 0]
    for i in range(costs.shape[0]):
        for j in range(first[i], last[i]):
            for m in range(origins.shape[0]):
                source, other = i - origins[m, 0], j - origins[m, 1]
                if source < 0 or other < 0 or totals[source, other] == np.inf:
                    continue
                total = totals[source, other]
                for c in range(cells.shape[1]):
                    if weights[m, c] > 0:
                        x, y = i - cells[m, c, 0], j - cells[m, c, 1]
                        inside = first[x] <= y < last[x]
                        total += weights[m, c] * costs[x, y] if inside else np.inf
                if total < totals[i, j]:
                    totals[i, j] = total
                    if moves.shape[0]:
                        moves[i, j] = m
    return totals[-1, -1]


@njit(cache=True)
def _trace(moves, origins, cells, weights):  # type: ignore[no-untyped-def]
    """Pairs along the path, from the end back to the first."""
    i, j = moves.shape[0] - 1, moves.shape[1] - 1
    pairs = np.empty((i + j + 1, 2), dtype=np.int64)
    n = pairs.shape[0]
    while i > 0 or j > 0:
        m = moves[i, j]
        for c in range(cells.shape[1] - 1, -1, -1):
            if weights[m, c] > 0:
                n -= 1
                pairs[n, 0], pairs[n, 1] = i - cells[m, c, 0], j - cells[m, c, 1]
        i, j = i - origins[m, 0], j - origins[m, 1]
    n -= 1
    pairs[n, 0], pairs[n, 1] = 0, 0
    return pairs[n:].copy()
