"""Posteriors of a banded lattice from scaled probabilities, with a proof that nothing that counts was lost.

Forward and backward probabilities are scaled by the best state of each frame, so they run in vectors without a
logarithm. What would fall below `FLOOR` of the best is raised to it instead of being lost, in both directions: both
err upwards, each cell by no more than `FLOOR` (an emission or a step whose `exp` is 0 is smaller still). The products
of the two, each at most the band's width, sum to all paths in a frame; where every frame's sum is at least `SAFE`,
what floors have added is less than 1e-15 of it for any lattice below 10^9 cells. Where a sum is smaller, the paths
that count are ones that look hopeless from the start or from the end, and logs must be summed
(`otoscope.decoding.band_sums`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numba import njit
from numpy.typing import NDArray

BLOCK = 32
"""Frames whose emissions are turned into probabilities together."""
FLOOR = 1e-290
"""Smallest forward or backward probability kept, relative to the best state of its frame."""
SAFE = 1e-265
"""Smallest sum of products in a frame that floors cannot have reached."""

Bounds = tuple[NDArray[np.uint64], NDArray[np.uint64]]


def scaled_posteriors(
    emissions: NDArray[np.float64], into: NDArray[np.float64], start: NDArray[np.float64], n_end: int
) -> tuple[float, NDArray[np.float64]] | None:
    """Return the log sum over all paths and `(n_frames, n_states)` posteriors, or `None` where scaling cannot tell.

    Parameters as those of `otoscope.decoding.band_sums.BandLattice`.

    Notes
    -----
    Rabiner (1989), equations 91 to 103, scaled by the largest probability of a frame instead of their sum.
    """
    n_frames, n_states = emissions.shape
    first, most = start + emissions[0], into.max()
    if first.max() == -np.inf or most == -np.inf:
        return None
    bounds = _bounds(emissions.shape, into.shape[0], int(np.flatnonzero(start > -np.inf)[-1]) + 1, n_end)
    steps = np.exp(into - most)
    shares, scales, tops = np.zeros(emissions.shape), np.ones(n_frames), np.full(n_frames, first.max())
    np.exp(first - tops[0], out=shares[0])
    blocks = list(_blocks(emissions, bounds, tops))
    if tops.min() == -np.inf:
        return None
    for begin, block_bounds, factors in blocks:
        _ahead(factors, steps, block_bounds, shares[begin - 1 : begin + BLOCK], scales[begin - 1 : begin + BLOCK])
    behind = np.zeros((2, n_states))
    behind[0, n_states - n_end :] = 1.0
    total = shares[-1, n_states - n_end :].sum()
    for begin, block_bounds, factors in reversed(blocks):
        if not _behind(factors, steps, block_bounds, shares[begin : begin + BLOCK], behind):
            return None
    shares[0] *= behind[0]
    if not shares[0].sum() >= SAFE:
        return None
    shares[0] /= shares[0].sum()
    return float(np.log(scales[:-1]).sum() + np.log(total) + tops.sum() + (n_frames - 1) * most), shares


def _blocks(
    emissions: NDArray[np.float64], bounds: Bounds, tops: NDArray[np.float64]
) -> Iterator[tuple[int, Bounds, NDArray[np.float64]]]:
    """Yield (first frame, its bounds, emissions relative to the best of their frame) after frame 0; fill in the best.

    Columns begin at the first state that a path can be in at the first frame.
    """
    for begin in range(1, emissions.shape[0], BLOCK):
        rows = slice(begin, begin + BLOCK)
        low, high = bounds[0][rows], bounds[1][rows]
        factors = np.empty((low.size, int(high[-1] - low[0])))
        _below_best(emissions[rows], (low, high), factors, tops[rows])
        yield begin, (low, high), np.exp(factors, out=factors)


def _bounds(shape: tuple[int, int], width: int, n_start: int, n_end: int) -> Bounds:
    """First and one past the last state of each frame that lies on a path from the start to the end."""
    n_frames, n_states = shape
    reach = (width - 1) * np.arange(n_frames)
    low, high = np.maximum(0, n_states - n_end - reach[::-1]), np.minimum(n_states, n_start + reach)
    return low.astype(np.uint64), high.astype(np.uint64)


@njit(cache=True, fastmath={"nnan", "nsz"})
def _below_best(emissions, bounds, factors, tops):  # type: ignore[no-untyped-def]
    """How far each log emission lies below the best of its frame that a path can meet, and how high that is."""
    low, high = bounds
    factors[:] = -np.inf
    for t in range(emissions.shape[0]):
        frame, row, top, n = emissions[t, low[t] : high[t]], factors[t, low[t] - low[0] :], -np.inf, high[t] - low[t]
        for s in range(n):
            top = max(top, frame[s])
        for s in range(n):
            row[s] = frame[s] - top
        tops[t] = top


@njit(cache=True, fastmath={"nnan", "nsz"}, error_model="numpy")
def _ahead(factors, steps, bounds, shares, scales):  # type: ignore[no-untyped-def]
    """Forward probabilities of a block's frames from the row before it, emission included, and the largest of each."""
    for t in range(factors.shape[0]):
        row, before, now = factors[t], shares[t], shares[t + 1]
        offset, low, high = bounds[0][0], bounds[0][t], bounds[1][t]
        for k in range(np.uint64(steps.shape[0])):
            step = steps[k]
            for s in range(max(low, k), high):
                now[s] += before[s - k] * step[s]
        scale, best = 1.0 / scales[t], 0.0
        for s in range(low, high):
            now[s] = max(now[s] * scale, FLOOR) * row[s - offset]
            best = max(best, now[s])
        scales[t + 1] = best


@njit(cache=True, fastmath={"nnan", "nsz", "reassoc"}, error_model="numpy")
def _behind(factors, steps, bounds, shares, behind):  # type: ignore[no-untyped-def]
    """Turn a block's forward probabilities into posteriors, from its last frame; stop where a frame's sum is not safe.

    `behind[0]` holds the backward probabilities of the last frame, emission left out; at the end, those of the frame
    before the block. Both rows are 0 left of what a path can reach.
    """
    here, emitted = behind[0], behind[1]
    width = np.uint64(steps.shape[0])
    for t in range(factors.shape[0] - 1, -1, -1):
        row, now, total, best = factors[t], shares[t], 0.0, 0.0
        offset, low, high = bounds[0][0], bounds[0][t], bounds[1][t]
        for s in range(low, high):
            now[s] *= here[s]
            total += now[s]
            emitted[s] = here[s] * row[s - offset]
            best = max(best, emitted[s])
        if total < SAFE:
            return False
        share, scale = 1.0 / total, 1.0 / best
        left = low - min(low, width - np.uint64(1))
        here[left:high] = 0.0
        for s in range(low, high):
            now[s] *= share
        for k in range(width):
            step = steps[k]
            for s in range(left, high - min(k, high)):
                here[s] += emitted[s + k] * step[s + k]
        for s in range(left, high):
            here[s] = max(here[s] * scale, FLOOR)
    return True
