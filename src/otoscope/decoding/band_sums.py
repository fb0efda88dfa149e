"""Sums over all paths through a banded lattice: exact at any range of scores, at the speed of scaled probabilities.

Within a block of frames the score of a cell is kept as a best path (a sum of logs) times a factor of at least 1: "all
paths are worth this many of the best one". Factors follow a linear recursion whose weights lie in [0, 1], so nothing
underflows, whatever the scores; at the end of the block they are folded into the logs before they could overflow. `exp`
and `log` run over whole blocks.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

BLOCK = 32
"""Frames between two folds: factors stay below `width ** BLOCK`, which float64 holds for any width up to 255."""


def band_sums(
    emissions: NDArray[np.float64], into: NDArray[np.float64], start: NDArray[np.float64], n_end: int
) -> NDArray[np.float64]:
    """Return `(n_frames, n_states)` log sums over all paths up to and with a cell.

    Parameters
    ----------
    emissions
        `(n_frames, n_states)` natural logs.
    into
        `(width, n_states)`: row k is the log probability of the step from state s - k into state s.
    start
        `(n_states,)` log probability of starting in a state.
    n_end
        A path ends in one of the last `n_end` states; cells from which none can be reached may be left at -inf.
    """
    n_frames, n_states = emissions.shape
    step = into.shape[0] - 1
    n_start = int(np.flatnonzero(start > -np.inf)[-1]) + 1
    sums = np.full(emissions.shape, -np.inf)
    sums[0] = start + emissions[0]
    for begin in range(1, n_frames, BLOCK):
        end = min(begin + BLOCK, n_frames)
        low = max(0, n_states - n_end - step * (n_frames - 1 - begin))
        high = min(n_states, n_start + step * (end - 1))
        weights = np.full((into.shape[0], end - begin, high - low), -np.inf)
        _tops(np.ascontiguousarray(emissions[begin:end]), into, sums[begin - 1 : end], weights, low)
        np.exp(weights, out=weights)
        factors = np.ones((end - begin, high - low))
        _factors(weights, factors, low)
        sums[begin:end, low:high] += np.log(factors, out=factors)
    return sums


def cell_posteriors(
    ahead: NDArray[np.float64], behind: NDArray[np.float64], emissions: NDArray[np.float64], total: float
) -> NDArray[np.float64]:
    """Turn `ahead` in place into `(n_frames, n_states)` posteriors, with the sums of the other direction.

    Both hold the cell's own emission; `behind` are the sums of the lattice turned round, last frame and state first.
    """
    _join(ahead, behind[::-1, ::-1], emissions, total)
    return np.exp(ahead, out=ahead)


@njit(cache=True)
def _tops(emissions, into, tops, weights, low):  # type: ignore[no-untyped-def]
    """Best path into each cell after the first row, and log weight of each step into it relative to the best one."""
    width, high = into.shape[0], low + weights.shape[2]
    for t in range(emissions.shape[0]):
        before, now = tops[t], tops[t + 1, low:high]
        for k in range(width):
            first = max(low, k)
            if first < high:
                a = first - low
                _come(before[first - k : high - k], into[k, first:high], weights[k, t, a:], now[a:])
        for k in range(width):
            _relative(weights[k, t], now)
        _emit(emissions[t, low:high], now)


@njit(cache=True)
def _come(before, into, coming, best):  # type: ignore[no-untyped-def]
    for i in range(best.shape[0]):
        score = before[i] + into[i]
        coming[i] = score
        best[i] = score if score > best[i] else best[i]


@njit(cache=True)
def _relative(coming, best):  # type: ignore[no-untyped-def]
    for i in range(best.shape[0]):
        coming[i] = coming[i] - best[i] if best[i] > -np.inf else -np.inf


@njit(cache=True)
def _emit(emission, best):  # type: ignore[no-untyped-def]
    for i in range(best.shape[0]):
        best[i] += emission[i]


@njit(cache=True)
def _factors(weights, factors, low):  # type: ignore[no-untyped-def]
    """Factor of each cell from those in the frame before; there, all are 1 at first."""
    width, n_frames, n = weights.shape
    ones = np.ones(n)
    for t in range(n_frames):
        before = ones if t == 0 else factors[t - 1]
        now = factors[t]
        now[:] = 0.0
        for k in range(width):
            _accumulate(weights[k, t, k:], before[: max(0, n - k)], now[k:])
        if low > 0 and t == 0:
            for k in range(1, width):
                now[: min(k, n)] += weights[k, t, : min(k, n)]
        _at_least_one(now)


@njit(cache=True)
def _at_least_one(factors):  # type: ignore[no-untyped-def]
    """The best step weighs 1; only cells that nothing leads to, which are at -inf, have less."""
    for i in range(factors.shape[0]):
        factors[i] = factors[i] if factors[i] > 1.0 else 1.0


@njit(cache=True)
def _accumulate(weights, sources, sums):  # type: ignore[no-untyped-def]
    for i in range(sums.shape[0]):
        sums[i] += weights[i] * sources[i]


@njit(cache=True)
def _join(ahead, behind, emissions, total):  # type: ignore[no-untyped-def]
    for t in range(ahead.shape[0]):
        for s in range(ahead.shape[1]):
            possible = ahead[t, s] > -np.inf
            ahead[t, s] = ahead[t, s] + behind[t, s] - emissions[t, s] - total if possible else -np.inf
