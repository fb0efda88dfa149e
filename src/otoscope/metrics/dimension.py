"""How many directions a cloud of points really has: intrinsic dimension; `(n_points, n_units)` in, a number out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from otoscope.core.errors import BadInput

DISCARDED = 0.1
"""Share of points with the largest ratio of neighbour distances that the fit of Facco et al. 2017 leaves out."""


def two_nn(points: ArrayLike) -> float:
    """Return the intrinsic dimension by the two nearest neighbours of each point (Facco et al. 2017).

    With μ the distance to the second neighbour over that to the first, `-ln(1 - F(μ)) = d ln μ`: d is the slope of a
    line through the origin, fitted without the tenth of largest ratios. Sees the finest scale there is, so noise of
    the size of neighbour distances counts as dimensions.

    Examples
    --------
    >>> plane = np.random.default_rng(0).random((2000, 2)) @ np.random.default_rng(1).standard_normal((2, 20))
    >>> round(two_nn(plane), 1)
    2.0
    """
    values = distinct(points, at_least=20)
    near = cKDTree(values).query(values, k=3)[0]
    ratios = np.sort(near[:, 2] / near[:, 1])
    kept = int(np.ceil((1 - DISCARDED) * ratios.size))
    x = np.log(ratios[:kept])
    y = -np.log1p(-np.arange(1, kept + 1) / ratios.size)
    return float(x @ y / (x @ x))


def levina_bickel(points: ArrayLike, *, k: tuple[int, int] = (10, 20)) -> float:
    """Return the maximum-likelihood intrinsic dimension (Levina & Bickel 2004, equations 8 and 9).

    At each point `[1/(k-1) Σ_{j<k} ln(T_k / T_j)]⁻¹` with `T_j` the distance to neighbour j, averaged over points and
    over k from `k[0]` to `k[1]`. Too low where the dimension is high and points are few.
    """
    low, high = k
    if not 3 <= low <= high:
        raise BadInput(f"k runs from at least 3 upwards, got {k}")
    values = distinct(points, at_least=high + 1)
    logs = np.log(cKDTree(values).query(values, k=high + 1)[0][:, 1:])
    sums = np.cumsum(logs, axis=1)
    at = np.arange(low, high + 1)
    means = logs[:, at - 1] - sums[:, at - 2] / (at - 1)
    return float((1 / means).mean())


def participation_ratio(points: ArrayLike) -> float:
    """Return how many principal directions share the variance: `(Σ λ)² / Σ λ²` of the covariance's eigenvalues.

    A linear figure: a curve that bends through three dimensions counts as nearly three.

    Examples
    --------
    >>> round(participation_ratio(np.random.default_rng(0).standard_normal((20000, 5))), 1)
    5.0
    """
    values = np.asarray(points, dtype=np.float64)
    if values.ndim != 2 or len(values) < 2:
        raise BadInput(f"a cloud of points needs at least two rows, got shape {values.shape}")
    spectrum = np.linalg.svd(values - values.mean(axis=0), compute_uv=False) ** 2
    if not spectrum.sum() > 0:
        raise BadInput("all points are equal: they have no direction")
    return float(spectrum.sum() ** 2 / (spectrum**2).sum())


def tangent_basis(points: ArrayLike, at: ArrayLike, *, n_dims: int, n_neighbors: int) -> NDArray[np.float64]:
    """Return an orthonormal basis of the cloud's tangent space near one place, by local principal components.

    Parameters
    ----------
    points
        `(n_points, n_units)`.
    at
        `(n_units,)`: the place; it need not be one of the points.
    n_dims
        Dimensions of the tangent space; at most `n_neighbors`.
    n_neighbors
        Nearest points that span it.

    Returns
    -------
    NDArray
        `(n_dims, n_units)`, widest direction first.
    """
    values, place = np.asarray(points, dtype=np.float64), np.asarray(at, dtype=np.float64)
    if not 1 <= n_dims <= min(n_neighbors, values.shape[1]) or n_neighbors > len(values):
        raise BadInput(
            f"a tangent space of {n_dims} dimensions from {n_neighbors} of {len(values)} points with "
            f"{values.shape[1]} units cannot be had; take n_dims <= n_neighbors <= points, n_dims <= units"
        )
    near = values[np.argsort(((values - place) ** 2).sum(axis=1), kind="stable")[:n_neighbors]]
    return np.linalg.svd(near - near.mean(axis=0), full_matrices=False)[2][:n_dims]


def tangent_share(direction: ArrayLike, basis: ArrayLike) -> float:
    """Return the share of a vector's squared length that lies in a space, NaN for a vector of no length.

    A direction drawn at random has `n_dims / n_units` of it there: the chance level.

    Parameters
    ----------
    direction
        `(n_units,)`.
    basis
        `(n_dims, n_units)`, orthonormal rows.
    """
    vector, rows = np.asarray(direction, dtype=np.float64), np.asarray(basis, dtype=np.float64)
    length = float(vector @ vector)
    return float(((rows @ vector) ** 2).sum() / length) if length > 0 else float("nan")


def distinct(points: ArrayLike, *, at_least: int) -> NDArray[np.float64]:
    """Return the points, equal ones once: a neighbour at distance 0 says nothing about dimension.

    Raises
    ------
    BadInput
        Fewer than `at_least` distinct points, or values that are no number.
    """
    values = np.asarray(points, dtype=np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise BadInput(f"points must be finite rows of numbers, got shape {values.shape}")
    found = np.unique(values, axis=0)
    if len(found) < at_least:
        raise BadInput(f"{len(found)} distinct points of {len(values)}; the dimension needs at least {at_least}")
    return found
