"""Expectation maximisation for mixtures of diagonal Gaussians (Dempster, Laird & Rubin 1977; Rabiner 1989, eq. 52-54).

Sums are float64; memory stays at one block of frames of one state.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.core.arrays import ByValue
from otoscope.decoding.gaussians.mixtures import Mixtures, linear_form
from otoscope.decoding.gaussians.occupancy import Occupancy

BLOCK = 4096


@dataclass(frozen=True, eq=False)
class Statistics(ByValue):
    """Sufficient statistics of all Gaussians.

    Parameters
    ----------
    counts
        `(n_gaussians,)` expected frames.
    sums, squares
        `(n_gaussians, n_dims)` expected sums of frames and of their squares.
    log_likelihood
        Sum of share · ln p(frame | state) over the entries, natural log.
    """

    counts: NDArray[np.float64]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    log_likelihood: float


def accumulate(mixtures: Mixtures, frames: NDArray[np.float32], occupancy: Occupancy) -> Statistics:
    """Return the E-step: expected counts and moments of every Gaussian.

    Parameters
    ----------
    mixtures
        The model as it is.
    frames
        `(n_frames, n_dims)`.
    occupancy
        Which frames belong to which state of `mixtures`, and how much.

    Raises
    ------
    BadInput
        Frames or states do not go with the mixtures.
    """
    if frames.ndim != 2 or frames.shape[1] != mixtures.n_dims or occupancy.n_states != mixtures.n_states:
        raise BadInput(
            f"mixtures of {mixtures.n_states} states and {mixtures.n_dims} dimensions cannot take frames of shape "
            f"{frames.shape} in {occupancy.n_states} states"
        )
    counts = np.zeros(mixtures.n_gaussians)
    sums, squares = np.zeros_like(mixtures.means), np.zeros_like(mixtures.means)
    matrix, constants = linear_form(mixtures.weights, mixtures.means, mixtures.variances)
    total = 0.0
    for state, chosen, shares in occupancy:
        own = slice(mixtures.first[state], mixtures.first[state + 1])
        for start in range(0, chosen.size, BLOCK):
            values = frames[chosen[start : start + BLOCK]].astype(np.float64)
            both = np.concatenate([values, values * values], axis=1)
            logs = both @ matrix[:, own] + constants[own]
            top = logs.max(1, keepdims=True)
            logs -= top
            posteriors = np.exp(logs, out=logs)
            norms = posteriors.sum(1, keepdims=True)
            share = shares[start : start + BLOCK]
            total += float(share @ (top + np.log(norms))[:, 0])
            posteriors *= share[:, None] / norms
            moments = posteriors.T @ both
            counts[own] += posteriors.sum(0)
            sums[own] += moments[:, : mixtures.n_dims]
            squares[own] += moments[:, mixtures.n_dims :]
    return Statistics(counts, sums, squares, total)


def update(
    mixtures: Mixtures, statistics: Statistics, *, floor: NDArray[np.float64], least_count: float = 0.0
) -> Mixtures:
    """Return the M-step: the mixtures of greatest expected likelihood.

    Parameters
    ----------
    floor
        `(n_dims,)` least variances.
    least_count
        A Gaussian with fewer expected frames is dropped, unless it is the heaviest of its state. A state that had no
        frames stays as it was.

    Notes
    -----
    Without floor and dropping, the likelihood of the entries never falls.
    """
    state_of = np.repeat(np.arange(mixtures.n_states), mixtures.n_components)
    seen = np.bincount(state_of, statistics.counts, mixtures.n_states)[state_of] > 0
    heaviest = np.zeros(mixtures.n_gaussians, bool)
    heaviest[[s + int(np.argmax(statistics.counts[s:e])) for s, e in _bounds(mixtures)]] = True
    kept = ~seen | heaviest | ((statistics.counts >= least_count) & (statistics.counts > 1e-6))
    counts = np.where(seen, statistics.counts, mixtures.weights)[kept]
    weighty = np.maximum(statistics.counts, 1e-10)[:, None]
    means = np.where(seen[:, None], statistics.sums / weighty, mixtures.means)[kept]
    spread = statistics.squares / weighty - (statistics.sums / weighty) ** 2
    variances = np.where(seen[:, None], np.maximum(spread, floor), mixtures.variances)[kept]
    states = state_of[kept]
    weights = counts / np.bincount(states, counts, mixtures.n_states)[states]
    first = np.concatenate([[0], np.cumsum(np.bincount(states, minlength=mixtures.n_states))])
    return Mixtures(np.maximum(weights, 1e-10), means, variances, first)


def single_gaussians(
    frames: NDArray[np.float32], occupancy: Occupancy, *, floor: NDArray[np.float64]
) -> tuple[Mixtures, NDArray[np.float64]]:
    """Return one Gaussian a state from its frames, and `(n_states,)` frames each; an empty state gets them all.

    Parameters
    ----------
    frames
        `(n_frames, n_dims)`.
    floor
        `(n_dims,)` least variances.
    """
    n_dims = frames.shape[1]
    mean, variance = frames.mean(0, dtype=np.float64), np.maximum(frames.var(0, dtype=np.float64), floor)
    means = np.tile(mean, (occupancy.n_states, 1))
    variances = np.tile(variance, (occupancy.n_states, 1))
    for state, chosen, shares in occupancy:
        values, count = frames[chosen].astype(np.float64), shares.sum()
        if count > 0:
            means[state] = shares @ values / count
            variances[state] = np.maximum(shares @ (values - means[state]) ** 2 / count, floor)
    counts = occupancy.counts()
    first = np.arange(occupancy.n_states + 1)
    return Mixtures(np.ones(first.size - 1), means.reshape(-1, n_dims), variances, first), counts


def _bounds(mixtures: Mixtures) -> list[tuple[int, int]]:
    return list(itertools.pairwise(mixtures.first.tolist()))
