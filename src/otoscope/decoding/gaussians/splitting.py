"""How many Gaussians each state deserves, and how one becomes two (Young et al., The HTK Book, "mixture splitting")."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from otoscope.decoding.gaussians.mixtures import Mixtures

STEP = 0.2
"""How far the two halves of a Gaussian are put apart from it, in standard deviations, each its own way."""


def allocate(
    counts: NDArray[np.float64], n_gaussians: int, *, power: float = 0.25, least_frames: float = 20.0
) -> NDArray[np.int64]:
    """Return how many Gaussians each state gets, `(n_states,)`, `n_gaussians` in all where the frames allow it.

    One each to begin with; the next always goes to the state with the greatest count ** power / Gaussians so far, as
    long as each of its Gaussians keeps `least_frames`.

    Examples
    --------
    >>> allocate(np.array([1000.0, 1000.0, 30.0]), 7).tolist()
    [3, 3, 1]
    """
    found = np.ones(counts.size, np.int64)
    queue = [(-(float(count) ** power), state) for state, count in enumerate(counts)]
    heapq.heapify(queue)
    left = n_gaussians - counts.size
    while left > 0 and queue:
        _, state = heapq.heappop(queue)
        if counts[state] < least_frames * (found[state] + 1):
            continue
        found[state] += 1
        left -= 1
        heapq.heappush(queue, (-(float(counts[state]) ** power) / float(found[state]), state))
    return found


def split(mixtures: Mixtures, n_components: NDArray[np.int64]) -> Mixtures:
    """Return mixtures of `n_components (n_states,)` Gaussians, or as many as a state has where that is more.

    The heaviest Gaussian of a state is split, again and again: half the weight each, means `STEP` standard deviations
    up and down. Nothing is drawn at random.
    """
    weights, means, variances, sizes = [], [], [], []
    for state, wanted in enumerate(n_components):
        own = slice(mixtures.first[state], mixtures.first[state + 1])
        w, m, v = list(mixtures.weights[own]), list(mixtures.means[own]), list(mixtures.variances[own])
        while len(w) < wanted:
            heaviest = int(np.argmax(w))
            w[heaviest] /= 2
            step = STEP * np.sqrt(v[heaviest])
            w.append(w[heaviest])
            m.append(m[heaviest] + step)
            v.append(v[heaviest])
            m[heaviest] = m[heaviest] - step
        weights += w
        means += m
        variances += v
        sizes.append(len(w))
    return Mixtures(np.array(weights), np.array(means), np.array(variances), np.concatenate([[0], np.cumsum(sizes)]))
