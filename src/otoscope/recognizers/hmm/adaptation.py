"""Adapting to a speaker: the affine map of his frames that the model likes best (fMLLR).

Constrained maximum-likelihood linear regression (Gales 1998, section 2.2): x̂ = A x + b, one map a speaker, rows found
in turn. In training it takes the speaker out of the data (speaker-adaptive training, Anastasakos et al. 1996); in
recognition a first pass says which state each frame was in, and a second hears the mapped frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otoscope.decoding.gaussians import Mixtures, Occupancy
from otoscope.decoding.gaussians.mixtures import linear_form

LEAST_FRAMES = 200.0
"""With fewer frames of speech nothing is adapted."""
N_SWEEPS = 10
PRIOR_FRAMES = 50.0
"""Weight of the identity map: so many frames speak for it (each Gaussian axis by its own precision)."""


def fmllr(
    mixtures: Mixtures, frames: NDArray[np.float32], occupancy: Occupancy, *, n_sweeps: int = N_SWEEPS
) -> tuple[NDArray[np.float64], list[float]]:
    """Return the map `(n_dims, n_dims + 1)`, offset in the last column, and the objective before and after sweeps.

    Parameters
    ----------
    mixtures
        The model.
    frames
        `(n_frames, n_dims)` of one speaker.
    occupancy
        Which frame was spent in which state; leave silence out, it tells nothing of a speaker. With fewer than
        `LEAST_FRAMES` frames the identity is returned.
    n_sweeps
        Times that every row is set to its best value, given the others.

    Notes
    -----
    Gales (1998), eq. 16-19: w_i = (α p_i + k_i) G_i⁻¹, with p_i the extended cofactors of row i, G_i and k_i the
    statistics of eq. 14 and 15, and α the root of a quadratic that gives the greater likelihood. The objective
    β log |det A| + sum over rows of (w_i k_iᵀ - ½ w_i G_i w_iᵀ) never falls.
    """
    n_dims = mixtures.n_dims
    identity = np.eye(n_dims, n_dims + 1)
    beta, second, first = _statistics(mixtures, frames, occupancy)
    if beta < LEAST_FRAMES:
        return identity, []
    second, first = _with_prior(second, first, beta)
    inverses = np.linalg.inv(second)
    rows = identity.copy()
    objective = [_objective(rows, beta, second, first)]
    for _ in range(n_sweeps):
        for i in range(n_dims):
            cofactors = np.append(np.linalg.inv(rows[:, :n_dims]).T[i], 0.0)
            rows[i] = _best_row(cofactors, inverses[i], first[i], beta)
        objective.append(_objective(rows, beta, second, first))
    return rows, objective


def apply(rows: NDArray[np.float64], frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mapped frames `(n_frames, n_dims)` float32."""
    return (frames @ rows[:, :-1].T.astype(np.float32) + rows[:, -1].astype(np.float32)).astype(np.float32)


def _best_row(
    cofactors: NDArray[np.float64], inverse: NDArray[np.float64], first: NDArray[np.float64], beta: float
) -> NDArray[np.float64]:
    """Return w = (α p + k) G⁻¹ with the α of greater likelihood (Gales 1998, eq. 18-19).

    α solves α² p G⁻¹ pᵀ + α p G⁻¹ kᵀ - β = 0.
    """
    along = inverse @ cofactors
    a, b = float(cofactors @ along), float(first @ along)
    root = np.sqrt(b * b + 4 * a * beta)
    values = []
    for alpha in ((-b + root) / (2 * a), (-b - root) / (2 * a)):
        values.append((beta * np.log(abs(alpha * a + b)) - 0.5 * alpha * alpha * a, alpha))
    return inverse @ (max(values)[1] * cofactors + first)


def _objective(
    rows: NDArray[np.float64], beta: float, second: NDArray[np.float64], first: NDArray[np.float64]
) -> float:
    quadratic = np.einsum("ij,ijk,ik->", rows, second, rows)
    return float(beta * np.linalg.slogdet(rows[:, :-1])[1] + (rows * first).sum() - 0.5 * quadratic)


def _with_prior(
    second: NDArray[np.float64], first: NDArray[np.float64], beta: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Add imagined frames for which the identity is best: a ridge that keeps short recordings from wild maps."""
    n_dims = len(first)
    ridge = PRIOR_FRAMES / beta * np.einsum("ijj->ij", second)
    added = np.zeros_like(second)
    added[:, np.arange(n_dims + 1), np.arange(n_dims + 1)] = ridge
    return second + added, first + ridge * np.eye(n_dims, n_dims + 1)


def _statistics(
    mixtures: Mixtures, frames: NDArray[np.float32], occupancy: Occupancy
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Return β, G `(n_dims, n_dims + 1, n_dims + 1)` and k `(n_dims, n_dims + 1)`."""
    n_dims = mixtures.n_dims
    beta = 0.0
    second, first = np.zeros((n_dims, (n_dims + 1) ** 2)), np.zeros((n_dims, n_dims + 1))
    matrix, constants = linear_form(mixtures.weights, mixtures.means, mixtures.variances)
    for state, chosen, shares in occupancy:
        own = slice(mixtures.first[state], mixtures.first[state + 1])
        values = frames[chosen].astype(np.float64)
        logs = np.hstack([values, values * values]) @ matrix[:, own] + constants[own]
        posteriors = np.exp(logs - logs.max(1, keepdims=True))
        posteriors *= shares[:, None] / posteriors.sum(1, keepdims=True)
        extended = np.hstack([values, np.ones((len(values), 1))])
        precisions = 1.0 / mixtures.variances[own]
        outer = (extended[:, :, None] * extended[:, None, :]).reshape(len(values), -1)
        second += precisions.T @ (posteriors.T @ outer)
        first += (precisions * mixtures.means[own]).T @ (posteriors.T @ extended)
        beta += float(shares.sum())
    return beta, second.reshape(n_dims, n_dims + 1, n_dims + 1), first
