"""Local costs: how far each frame of one sequence is from each frame of another."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, UnknownName

Metric = Literal["euclidean", "cosine"]
_LOST_DIGITS = 1e-4
"""Squared distances below this share of the squared norms have lost digits to cancellation and are computed again."""


def local_costs(x: ArrayLike, y: ArrayLike, *, metric: Metric = "euclidean") -> NDArray[np.float64]:
    """Return `(n_x, n_y)` distances between the rows of `x (n_x, n_coeffs)` and of `y (n_y, n_coeffs)`.

    `euclidean` is the length of the difference, `cosine` 1 less the cosine of the angle (0 where both rows are zero, 1
    where one is). One-dimensional input is taken as one coefficient a frame.

    Raises
    ------
    BadInput
        Sequences without frames, of different numbers of coefficients, or with NaN or infinite values.
    UnknownName
        No such metric.

    Notes
    -----
    Distances come from one matrix product; where it cancels, they are computed from the difference, so equal frames
    have the distance 0 exactly.

    Examples
    --------
    >>> local_costs([[0.0, 0.0], [3.0, 4.0]], [[3.0, 4.0]]).ravel()
    array([5., 0.])
    """
    if metric not in get_args(Metric):
        raise UnknownName("metric", str(metric), get_args(Metric))
    rows = [_frames(values, name) for values, name in ((x, "x"), (y, "y"))]
    if rows[0].shape[1] != rows[1].shape[1]:
        raise BadInput(f"x has {rows[0].shape[1]} coefficients a frame, y has {rows[1].shape[1]}")
    if metric == "cosine":
        rows = [_unit(r) for r in rows]
        zero = [~r.any(axis=1) for r in rows]
    squares = [np.einsum("ij,ij->i", r, r) for r in rows]
    costs = rows[0] @ rows[1].T
    if metric == "euclidean":
        _distances(costs, rows[0], rows[1], squares[0], squares[1], True)
        return costs
    # For unit vectors 1 - cos is half the squared distance, which keeps its digits at small angles.
    _distances(costs, rows[0], rows[1], squares[0], squares[1], False)
    costs *= 0.5
    costs[zero[0]] = 1.0
    costs[:, zero[1]] = 1.0
    costs[np.ix_(*zero)] = 0.0
    return costs


def _frames(values: ArrayLike, name: str) -> NDArray[np.float64]:
    frames = np.ascontiguousarray(values, dtype=np.float64)
    frames = frames[:, np.newaxis] if frames.ndim == 1 else frames
    if frames.ndim != 2 or 0 in frames.shape:
        raise BadInput(f"{name} must be (n_frames, n_coeffs) with at least one of each, got shape {frames.shape}")
    if not np.isfinite(frames).all():
        raise BadInput(f"{name} holds NaN or infinite values")
    return frames


def _unit(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = np.abs(frames).max(axis=1, keepdims=True)
    scaled = frames / np.where(largest > 0, largest, 1.0)
    norms = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))[:, np.newaxis]
    return scaled / np.where(norms > 0, norms, 1.0)


@njit(cache=True)
def _distances(products, x, y, x_squares, y_squares, root):  # type: ignore[no-untyped-def]
    """Turn inner products into squared distances or, with `root`, into distances, in place."""
    for i in range(products.shape[0]):
        row, square = products[i], x_squares[i]
        n_lost = 0
        for j in range(row.shape[0]):
            norms = square + y_squares[j]
            row[j] = norms - 2.0 * row[j]
            n_lost += row[j] <= _LOST_DIGITS * norms
        if n_lost:
            for j in range(row.shape[0]):
                if row[j] <= _LOST_DIGITS * (square + y_squares[j]):
                    total = 0.0
                    for c in range(x.shape[1]):
                        total += (x[i, c] - y[j, c]) ** 2
                    row[j] = total
        if root:
            for j in range(row.shape[0]):
                row[j] = math.sqrt(row[j])
