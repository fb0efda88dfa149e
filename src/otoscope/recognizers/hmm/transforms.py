"""Linear maps learnt on aligned frames: linear discriminant analysis, and the maximum-likelihood rotation after it.

LDA (Haeb-Umbach & Ney 1992) finds the directions of spliced cepstra that separate the tied states best; MLLT (Gales
1999, one semi-tied transform for all Gaussians) turns them so that diagonal covariances fit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from otoscope.core import BadInput
from otoscope.decoding.gaussians import Mixtures, Occupancy
from otoscope.decoding.gaussians.mixtures import linear_form

FLOOR = 1e-6
N_SWEEPS = 20


def lda(blocks: Iterable[tuple[NDArray[np.float32], NDArray[np.int64]]], n_classes: int, n_dims: int) -> NDArray[Any]:
    """Return the discriminant map `(n_dims, n_inputs)`, most telling direction first.

    Parameters
    ----------
    blocks
        Pairs of frames `(n_frames, n_inputs)` and their classes `(n_frames,)`; frames of a negative class are left out.
    n_classes
        Number of classes.
    n_dims
        Directions kept.

    Notes
    -----
    Solves B v = λ W v with the scatter between and within classes; rows are scaled so that the scatter within
    becomes the identity.

    Raises
    ------
    BadInput
        No frame has a class, or more directions are asked for than there are inputs.
    """
    counts = np.zeros(n_classes)
    sums: NDArray[np.float64] | None = None
    second: Any = 0.0
    for frames, classes in blocks:
        kept = classes >= 0
        values, labels = frames[kept].astype(np.float64), classes[kept]
        if sums is None:
            sums = np.zeros((n_classes, values.shape[1]))
        np.add.at(counts, labels, 1.0)
        order = np.argsort(labels, kind="stable")
        present, starts = np.unique(labels[order], return_index=True)
        if present.size:
            sums[present] += np.add.reduceat(values[order], starts)
        second = second + values.T @ values
    if sums is None or counts.sum() == 0:
        raise BadInput("no aligned frame to learn a linear map from")
    if n_dims > sums.shape[1]:
        raise BadInput(f"{n_dims} directions cannot be found in {sums.shape[1]} inputs")
    total, seen = counts.sum(), counts > 0
    mean = sums.sum(0) / total
    covariance = second / total - np.outer(mean, mean)
    offsets = sums[seen] / counts[seen, None] - mean
    between = (offsets.T * counts[seen]) @ offsets / total
    within = covariance - between + FLOOR * np.trace(covariance) / len(mean) * np.eye(len(mean))
    _, vectors = linalg.eigh(between, within)
    return _signed(vectors[:, ::-1][:, :n_dims].T)


def _signed(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give each row the sign that makes its largest entry positive: the same map on every machine."""
    largest = rows[np.arange(len(rows)), np.abs(rows).argmax(1)]
    return rows * np.sign(largest)[:, None]


def mllt(
    mixtures: Mixtures, frames: NDArray[np.float32], occupancy: Occupancy, *, n_sweeps: int = N_SWEEPS
) -> tuple[NDArray[np.float64], list[float]]:
    """Return the square map `(n_dims, n_dims)` of greatest likelihood, and the objective after each sweep.

    The Gaussians' posteriors are those of `mixtures`; variances follow the map, so afterwards the Gaussians must be
    estimated anew on mapped frames (`mapped` does it for means and diagonal variances).

    Notes
    -----
    Gales (1999), eq. 9-11 row by row: a_i = c_i G_i⁻¹ sqrt(β / c_i G_i⁻¹ c_iᵀ), with c_i the cofactors of row i and
    G_i = sum over Gaussians of W_m / σ²_mi. Sweeps over the rows alternate with σ²_mi = a_i W_m a_iᵀ / n_m; neither
    step lowers β log |det A| - ½ sum of n_m log σ²_mi.
    """
    counts, scatters = _scatters(mixtures, frames, occupancy)
    beta, n_dims = counts.sum(), mixtures.n_dims
    square, objective = np.eye(n_dims), []
    for _ in range(n_sweeps):
        precisions = 1.0 / np.maximum(_diagonals(square, scatters) / counts[:, None], FLOOR)
        gathered = (precisions.T @ scatters.reshape(len(scatters), -1)).reshape(n_dims, n_dims, n_dims)
        inverses = np.linalg.inv(gathered)
        for row in range(n_dims):
            cofactors = np.linalg.inv(square).T[row]
            direction = inverses[row] @ cofactors
            square[row] = direction * np.sqrt(beta / (cofactors @ direction))
        variances = _diagonals(square, scatters) / counts[:, None]
        objective.append(float(beta * np.linalg.slogdet(square)[1] - 0.5 * (counts @ np.log(variances)).sum()))
    scale = np.exp(np.linalg.slogdet(square)[1] / n_dims)
    return square / scale, objective


def _diagonals(square: NDArray[np.float64], scatters: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a_i W_m a_iᵀ as `(n_states, n_dims)`."""
    return ((square @ scatters) * square).sum(-1)


def mapped(mixtures: Mixtures, square: NDArray[np.float64], frames: NDArray[np.float32]) -> Mixtures:
    """Return the mixtures for frames mapped by `square`: means mapped, variances those of independent inputs.

    `frames` are only looked at for the least variance. The next EM passes make the variances right.
    """
    least = 1e-3 * ((frames[:100_000].astype(np.float64) @ square.T).var(0) + FLOOR)
    variances = np.maximum(mixtures.variances @ (square**2).T, least)
    return Mixtures(mixtures.weights, mixtures.means @ square.T, variances, mixtures.first)


def _scatters(
    mixtures: Mixtures, frames: NDArray[np.float32], occupancy: Occupancy
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the frames of each state `(n_states,)` and their full scatter about their Gaussians' means.

    Scatter is summed over the Gaussians of a state, `(n_states, n_dims, n_dims)`: all of them share one covariance
    for this purpose, which keeps memory at a matrix a state.
    """
    n_dims = mixtures.n_dims
    counts, scatters = np.zeros(mixtures.n_states), np.zeros((mixtures.n_states, n_dims, n_dims))
    matrix, constants = linear_form(mixtures.weights, mixtures.means, mixtures.variances)
    for state, chosen, shares in occupancy:
        own = slice(mixtures.first[state], mixtures.first[state + 1])
        values = frames[chosen].astype(np.float64)
        logs = np.hstack([values, values * values]) @ matrix[:, own] + constants[own]
        posteriors = np.exp(logs - logs.max(1, keepdims=True))
        posteriors *= shares[:, None] / posteriors.sum(1, keepdims=True)
        means = mixtures.means[own]
        weights = posteriors.sum(1)
        moments = posteriors.T @ values
        crossed = moments.T @ means
        scatters[state] = (values * weights[:, None]).T @ values - crossed - crossed.T
        scatters[state] += (means.T * posteriors.sum(0)) @ means
        counts[state] = weights.sum()
    seen = counts > 2 * n_dims
    return counts[seen], scatters[seen]
