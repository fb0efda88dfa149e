"""Mutual information from distances to nearest neighbours: no bins, no noise; rows in, nats out.

Good for few dimensions and weak or moderate dependence. The number of rows that would be needed grows exponentially
with the true information (Gao, Ver Steeg & Galstyan 2015), and the estimate cannot pass its ceiling.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from scipy.special import digamma

from otoscope.core.errors import BadInput
from otoscope.metrics.information import Information, entropy_of_counts, rows_of


def ksg_information(x: ArrayLike, y: ArrayLike, *, k: int = 3) -> Information:
    """Estimate I(X; Y) of continuous variables: `ψ(k) + ψ(N) - <ψ(n_x + 1) + ψ(n_y + 1)>`.

    Kraskov, Stögbauer & Grassberger 2004, equation 8, their first estimator: `n_x` and `n_y` count rows nearer in x, or
    in y, than the k-th neighbour in the joint space, all in the maximum norm. May come out below 0 by chance.

    Parameters
    ----------
    x, y
        `(n_rows,)` or `(n_rows, n_dims)`.
    k
        Neighbours; more are steadier and more biased.

    Raises
    ------
    BadInput
        Rows do not match, are too few, or so many are equal that a k-th neighbour lies at distance 0.

    Examples
    --------
    >>> pair = np.random.default_rng(0).multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], size=2000)
    >>> found = ksg_information(pair[:, 0], pair[:, 1]).nats
    >>> round(abs(found - gaussian_information(0.9)), 1)
    0.0
    """
    first, second = _columns(x), _columns(y)
    if len(first) != len(second):
        raise BadInput(f"{len(first)} rows of x for {len(second)} rows of y; each row is one observation of both")
    n = len(first)
    _check_k(k, n)
    joint = cKDTree(np.hstack([first, second]))
    radius = joint.query(joint.data, k=k + 1, p=np.inf)[0][:, k]
    if (radius == 0).any():
        raise BadInput(
            f"{int((radius == 0).sum())} of {n} rows have {k} others equal to them; this estimator is for continuous "
            "values: take bins, or a larger k"
        )
    inside = np.nextafter(radius, 0)
    counts = [_within(side, side, inside) for side in (first, second)]
    nats = digamma(k) + digamma(n) - sum(float(digamma(count).mean()) for count in counts)
    limit = f"never above psi({n}) - psi({k}): needs rows exponential in the information"
    return Information(float(nats), float(digamma(n) - digamma(k)), f"KSG, k = {k}", limit)


def ross_information(x: ArrayLike, labels: ArrayLike, *, k: int = 3) -> Information:
    """Estimate I(X; Y) of a continuous X and discrete labels: `ψ(N) - <ψ(N_y)> + ψ(k) - <ψ(m)>`.

    Ross 2014, equation 2: `N_y` rows share a row's label, and `m` rows of any label lie within the distance of the k-th
    neighbour among those, in the maximum norm.

    Parameters
    ----------
    x
        `(n_rows,)` or `(n_rows, n_dims)`.
    labels
        `(n_rows,)`; each must occur more than `k` times.
    k
        Neighbours.

    Raises
    ------
    BadInput
        A label is too rare, or equal rows leave no distance.
    """
    rows, given = _columns(x), np.asarray(labels)
    if given.shape != (len(rows),):
        raise BadInput(f"labels of shape {given.shape} for {len(rows)} rows; one label for each row is needed")
    _check_k(k, len(rows))
    names, classes, sizes = np.unique(given, return_inverse=True, return_counts=True)
    if sizes.min() <= k:
        raise BadInput(
            f"label {names[sizes.argmin()]!s} occurs {sizes.min()} times; {k} neighbours need at least {k + 1}: leave "
            "it out or take a smaller k"
        )
    radius = np.empty(len(rows))
    for index in range(names.size):
        of = classes.reshape(-1) == index
        radius[of] = cKDTree(rows[of]).query(rows[of], k=k + 1, p=np.inf)[0][:, k]
    if (radius == 0).any():
        raise BadInput(f"{int((radius == 0).sum())} rows have {k} equals of their label; take bins, or a larger k")
    near = _within(rows, rows, np.nextafter(radius, 0))
    of_label = float(digamma(sizes[classes.reshape(-1)]).mean())
    nats = digamma(len(rows)) - of_label + digamma(k) - float(digamma(near).mean())
    limit = f"never above psi(N) - <psi(N_y)>, about H(Y) = {entropy_of_counts(sizes):.3f} nats"
    return Information(float(nats), float(digamma(len(rows)) - of_label), f"Ross, k = {k}", limit)


def gaussian_information(correlation: float) -> float:
    """Return I(X; Y) of two jointly Gaussian numbers, `-ln(1 - ρ²) / 2` nats: what estimators are checked against.

    Examples
    --------
    >>> round(gaussian_information(0.9), 4)
    0.8304
    """
    if not -1 < correlation < 1:
        raise BadInput(f"a correlation lies between -1 and 1, both excluded, got {correlation}")
    return -0.5 * math.log(1 - correlation**2)


def _columns(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    return rows_of(array[:, None] if array.ndim == 1 else array)


def _check_k(k: int, n_rows: int) -> None:
    if not 1 <= k < n_rows:
        raise BadInput(f"k must lie between 1 and {n_rows - 1} for {n_rows} rows, got {k}")


def _within(rows: NDArray[np.float64], around: NDArray[np.float64], radius: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return for each of `around` how many rows lie within its radius, itself included."""
    return cKDTree(rows).query_ball_point(around, radius, p=np.inf, return_length=True)
