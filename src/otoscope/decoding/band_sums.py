"""Sums over all paths through a banded lattice: exact at any range of scores, at the speed of scaled probabilities.

Within a block of frames the score of a cell is kept as a best path (a sum of logs) times a factor of at least 1: "all
paths are worth this many of the best one". Factors follow a linear recursion whose weights lie in [0, 1], so nothing
underflows, whatever the scores; at the end of the block they are folded into the logs before they could overflow. `exp`
and `log` run over whole blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from otoscope.decoding.band_scaled import scaled_posteriors

BLOCK = 32
"""Frames between two folds: factors stay below `width ** BLOCK`, which float64 holds for any width up to 255."""


@dataclass(frozen=True)
class BandLattice:
    """Frames times states, with steps of a bounded length.

    Parameters
    ----------
    emissions
        `(n_frames, n_states)` natural logs.
    into
        `(width, n_states)`: row k is the log probability of the step from state s - k into state s.
    start
        `(n_states,)` log probability of starting in a state, one at least above -inf.
    n_end
        A path ends in one of the last `n_end` states.
    """

    emissions: NDArray[np.float64]
    into: NDArray[np.float64]
    start: NDArray[np.float64]
    n_end: int

    def blocks(self) -> Iterator[tuple[int, NDArray[np.float64], slice]]:
        """Yield (first frame, `(n, n_states)` log sums of its frames, states on any path from start to end).

        A log sum is that of all paths up to and with a cell; other states are left at -inf.
        """
        n_frames, n_states = self.emissions.shape
        width = self.into.shape[0]
        n_start = int(np.flatnonzero(self.start > -np.inf)[-1]) + 1
        last = self.start + self.emissions[0]
        yield 0, last[np.newaxis], slice(0, n_start)
        for begin in range(1, n_frames, BLOCK):
            emissions = np.ascontiguousarray(self.emissions[begin : begin + BLOCK])
            n = emissions.shape[0]
            low = max(0, n_states - self.n_end - (width - 1) * (n_frames - 1 - begin))
            high = min(n_states, n_start + (width - 1) * (begin + n - 1))
            sums, weights = np.full((n + 1, n_states), -np.inf), np.full((width, n, high - low), -np.inf)
            sums[0] = last
            _tops(emissions, self.into, sums, weights, low)
            np.exp(weights, out=weights)
            factors = np.empty((n, high - low))
            _factors(weights, factors, low)
            sums[1:, low:high] += np.log(factors, out=factors)
            last = sums[-1]
            yield begin, sums[1:], slice(low, high)

    def sums(self) -> NDArray[np.float64]:
        """Return `(n_frames, n_states)` log sums of all paths up to and with a cell."""
        sums = np.empty(self.emissions.shape)
        for begin, rows, _ in self.blocks():
            sums[begin : begin + len(rows)] = rows
        return sums

    def turned(self) -> BandLattice:
        """Return the lattice that is walked from the end: last frame and last state first, every end as likely."""
        n_states = self.start.size
        into = np.full(self.into.shape, -np.inf)
        for k in range(min(len(into), n_states)):
            into[k, k:] = self.into[k, k:][::-1]
        start = np.where(np.arange(n_states) < self.n_end, 0.0, -np.inf)
        n_start = int(np.flatnonzero(self.start > -np.inf)[-1]) + 1
        return BandLattice(self.emissions[::-1, ::-1], into, start, n_start)


def cell_posteriors(lattice: BandLattice) -> tuple[float, NDArray[np.float64]]:
    """Return the log sum over all paths, and `(n_frames, n_states)` the share of it that passes each cell.

    Where the sum is -inf, shares are 0. Scaled probabilities tell whether they suffice, as they do for most lattices;
    where they do not, logs are summed, at some three times the cost.
    """
    found = scaled_posteriors(lattice.emissions, lattice.into, lattice.start, lattice.n_end)
    return summed_posteriors(lattice) if found is None else found


def summed_posteriors(ahead: BandLattice) -> tuple[float, NDArray[np.float64]]:
    """Return what `cell_posteriors` does, by sums of logs that no range of scores can harm."""
    shares, behind = ahead.sums(), ahead.turned()
    total = float(np.logaddexp.reduce(shares[-1, -ahead.n_end :]))
    for begin, rows, reached in behind.blocks():
        turned = rows[::-1, ::-1]
        stop = shares.shape[0] - begin
        block, emissions = shares[stop - len(rows) : stop], ahead.emissions[stop - len(rows) : stop]
        low, high = shares.shape[1] - reached.stop, shares.shape[1] - reached.start
        block[:, :low] = block[:, high:] = 0.0
        if total > -np.inf:
            _join(block[:, low:high], turned[:, low:high], emissions[:, low:high], total)
            np.exp(block[:, low:high], out=block[:, low:high])
        else:
            block[:] = 0.0
    return total, shares


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
