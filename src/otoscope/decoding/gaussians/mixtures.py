"""Mixtures of diagonal Gaussians, all states of a model in one set of flat arrays, and their log densities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput
from otoscope.core.arrays import ByValue, frozen_array, set_frozen

BLOCK = 512
"""Frames whose component scores are held at a time."""
_QUICK = {"reassoc", "contract", "nsz", "nnan"}
"""What the compiler may assume of sums and maxima, so that loops run on whole vectors: no NaN, any order."""
LEAST_POWER = np.float32(-120.0)
"""Least power of two that a component counts with, relative to the best of its state."""


@dataclass(frozen=True, eq=False)
class Mixtures(ByValue):
    """One mixture of diagonal Gaussians a state.

    Parameters
    ----------
    weights
        `(n_gaussians,)`, above 0 and adding to 1 within a state.
    means, variances
        `(n_gaussians, n_dims)`; variances above 0.
    first
        `(n_states + 1,)` int64: state s owns Gaussians `first[s]:first[s + 1]`, one at least.

    Raises
    ------
    BadInput
        Shapes do not go together, or a value is out of range.
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    variances: NDArray[np.float64]
    first: NDArray[np.int64]

    def __post_init__(self) -> None:
        set_frozen(
            self,
            weights=frozen_array(self.weights, n_dims=1, name="weights", dtype=np.float64),
            means=frozen_array(self.means, n_dims=2, name="means", dtype=np.float64),
            variances=frozen_array(self.variances, n_dims=2, name="variances", dtype=np.float64),
            first=frozen_array(self.first, n_dims=1, name="first", dtype=np.int64),
        )
        n_gaussians = self.weights.size
        if self.means.shape != self.variances.shape or self.means.shape[0] != n_gaussians:
            raise BadInput(
                f"{n_gaussians} weights need as many means and variances, "
                f"got shapes {self.means.shape} and {self.variances.shape}"
            )
        if self.first.size < 2 or self.first[0] != 0 or self.first[-1] != n_gaussians or np.diff(self.first).min() < 1:
            raise BadInput(f"first must rise from 0 to {n_gaussians}, at least one Gaussian a state")
        if not (self.weights.min() > 0 and self.variances.min() > 0 and np.isfinite(self.means).all()):
            raise BadInput("weights and variances must be above 0, means finite numbers")

    @property
    def n_states(self) -> int:
        """Number of states."""
        return int(self.first.size - 1)

    @property
    def n_gaussians(self) -> int:
        """Number of Gaussians in all states together."""
        return int(self.weights.size)

    @property
    def n_dims(self) -> int:
        """Number of coefficients of a frame."""
        return int(self.means.shape[1])

    @property
    def n_components(self) -> NDArray[np.int64]:
        """Gaussians of each state, `(n_states,)`."""
        return np.diff(self.first)

    @cached_property
    def _coefficients(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return `linear_form` with a row a Gaussian, so that those of some states are read in a piece."""
        matrix, constants = linear_form(self.weights, self.means, self.variances)
        return np.ascontiguousarray(matrix.T, np.float32), constants.astype(np.float32)

    def log_likelihoods(self, frames: ArrayLike, states: ArrayLike | None = None) -> NDArray[np.float32]:
        """Return ln p(frame | state), `(n_frames, n_states)` float32; of `states` only, in their order, where given.

        Parameters
        ----------
        frames
            `(n_frames, n_dims)`, about zero mean (as after cepstral mean normalisation): sums are taken in float32.
        states
            Indices of states.

        Raises
        ------
        BadInput
            Frames of another width.
        """
        values = np.asarray(frames, np.float32)
        if values.ndim != 2 or values.shape[1] != self.n_dims:
            raise BadInput(f"frames must be (n_frames, {self.n_dims}) for these Gaussians, got {values.shape}")
        matrix, constants, first = *self._coefficients, self.first
        if states is not None:
            chosen = np.asarray(states, np.int64)
            rows = ranges(self.first[chosen], self.n_components[chosen])
            matrix, constants = matrix[rows], constants[rows]
            first = np.concatenate([[0], np.cumsum(self.n_components[chosen])])
        scores = np.empty((values.shape[0], first.size - 1), np.float32)
        for start in range(0, values.shape[0], BLOCK):
            block = values[start : start + BLOCK]
            components = np.hstack([block, block * block]) @ matrix.T
            components += constants
            _log_sums(components, first, scores[start : start + BLOCK])
        return scores


def linear_form(
    weights: NDArray[np.float64], means: NDArray[np.float64], variances: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return `matrix (2 n_dims, n_gaussians)` and `constants` with ln w N(x) = [x, x²] @ matrix + constants."""
    precisions = 1.0 / variances
    matrix = np.concatenate([means * precisions, -0.5 * precisions], axis=1).T
    squares = (means * means * precisions).sum(1) + np.log(2 * np.pi * variances).sum(1)
    return np.ascontiguousarray(matrix), np.log(weights) - 0.5 * squares


def ranges(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the concatenation of `range(start, start + count)`.

    Examples
    --------
    >>> ranges(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if ends.size else 0) + np.repeat(starts - (ends - counts), counts)


@njit(cache=True, nogil=True, fastmath=_QUICK)
def _log_sums(components, first, scores):  # type: ignore[no-untyped-def]
    """Write ln of the sum of exp over each state's components, relative to the best of them."""
    n_gaussians, n_states = components.shape[1], first.size - 1
    below = np.empty(n_gaussians, np.float32)
    whole = np.empty(n_gaussians, np.int32)
    powers = whole.view(np.float32)
    for t in range(components.shape[0]):
        row = components[t]
        for s in range(n_states):
            top = row[first[s]]
            for g in range(first[s] + 1, first[s + 1]):
                top = max(top, row[g])
            scores[t, s] = top
            for g in range(first[s], first[s + 1]):
                below[g] = row[g] - top
        _exp_parts(below, whole)
        for s in range(n_states):
            total = np.float32(0.0)
            for g in range(first[s], first[s + 1]):
                total += below[g] * powers[g]
            scores[t, s] += np.log(total)


@njit(cache=True, nogil=True, inline="always", fastmath=_QUICK)
def _exp_parts(values, whole):  # type: ignore[no-untyped-def]
    """Turn values at most 0 into factors of their exp: `values` into 2^fraction, `whole` into the bits of 2^integer.

    exp x = 2^(x / ln 2); 2^fraction by a polynomial of degree 5, right to 2e-7. One straight loop, so that it runs on
    whole vectors; four times as fast as exp.
    """
    for g in range(values.size):
        x = max(values[g] * np.float32(1.4426950408889634), LEAST_POWER)
        integer = np.floor(x)
        r = x - integer
        p = np.float32(1.8775767e-3) * r + np.float32(8.9893397e-3)
        p = p * r + np.float32(5.5826318e-2)
        p = p * r + np.float32(2.4015361e-1)
        p = p * r + np.float32(6.9315308e-1)
        values[g] = p * r + np.float32(9.9999994e-1)
        whole[g] = (np.int32(integer) + np.int32(127)) << np.int32(23)
