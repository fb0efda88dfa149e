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
NEGLIGIBLE = -16.0
"""A component this far (nats) below the best of its state adds less than float32 can hold."""


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
        matrix, constants = linear_form(self.weights, self.means, self.variances)
        return matrix.astype(np.float32), constants.astype(np.float32)

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
            matrix, constants = matrix[:, rows], constants[rows]
            first = np.concatenate([[0], np.cumsum(self.n_components[chosen])])
        scores = np.empty((values.shape[0], first.size - 1), np.float32)
        for start in range(0, values.shape[0], BLOCK):
            block = values[start : start + BLOCK]
            components = np.hstack([block, block * block]) @ matrix
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


@njit(cache=True, nogil=True)
def _log_sums(components, first, scores):  # type: ignore[no-untyped-def]
    """Write ln of the sum of exp over each state's components."""
    for t in range(components.shape[0]):
        row = components[t]
        for s in range(first.size - 1):
            top = row[first[s]]
            for g in range(first[s] + 1, first[s + 1]):
                top = max(top, row[g])
            total = np.float32(0.0)
            for g in range(first[s], first[s + 1]):
                below = row[g] - top
                if below > NEGLIGIBLE:
                    total += np.exp(below)
            scores[t, s] = top + np.log(total)
