"""How alike are two representations of the same frames? Matrices `(n_frames, n_units)` in, numbers out.

Rows of the two belong together; their widths may differ. Columns are centred first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from otoscope.core.errors import BadInput
from otoscope.metrics.agreement import pearson

Matrix = NDArray[np.float64]

KEPT = 0.99
"""Share of variance that SVCCA keeps (Raghu et al. 2017, section 2)."""

_RANK = 1e-10
"""Directions whose singular value is below this share of the largest are no directions at all."""


def linear_cka(x: ArrayLike, y: ArrayLike) -> float:
    """Return `||Y'X||^2 / (||X'X|| ||Y'Y||)`, Frobenius norms of centred columns (Kornblith et al. 2019, section 3).

    1 for a rotated and scaled copy, but not for one under any invertible map. NaN where one side does not vary.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(linear_cka(x, -2 * x[:, ::-1]), 6)
    1.0
    """
    a, b = _centred(x, y)
    shared = np.linalg.norm(b.T @ a) ** 2
    own = np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b)
    return float(shared / own) if own > 0 else float("nan")


def canonical_correlations(x: ArrayLike, y: ArrayLike, *, kept: float = 1.0) -> Matrix:
    """Return the canonical correlations, greatest first, `(min rank,)` (Hotelling 1936).

    Parameters
    ----------
    x, y
        `(n_frames, n_units)` each; `n_frames` should be several times the number of directions, or everything
        correlates.
    kept
        Share of variance whose principal directions take part; 1 takes all.

    Raises
    ------
    BadInput
        Numbers of rows differ or are too few, values are not finite, or one side does not vary.
    """
    a, b = _centred(x, y)
    (u, _), (v, _) = _directions(a, kept), _directions(b, kept)
    return np.clip(np.linalg.svd(u.T @ v, compute_uv=False), 0.0, 1.0)


def svcca(x: ArrayLike, y: ArrayLike, *, kept: float = KEPT) -> float:
    """Return the mean canonical correlation of principal directions with `kept` of the variance (Raghu et al. 2017).

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(svcca(x, x @ [[1, 2, 0], [0, 1, 5], [0, 0, 1]], kept=1.0), 6)
    1.0
    """
    return float(canonical_correlations(x, y, kept=kept).mean())


def pwcca(x: ArrayLike, y: ArrayLike, *, kept: float = 1.0) -> float:
    """Return canonical correlations averaged by how much of `x` each canonical direction holds.

    Morcos et al. 2018, section 2.3: the weight of a direction h is the sum of `|<h, x_j>|` over the columns of x. Not
    symmetric: `x` is the one that is weighted.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(pwcca(x, x @ [[1, 2, 0], [0, 1, 5], [0, 0, 1]]), 6)
    1.0
    """
    a, b = _centred(x, y)
    (u, _), (v, _) = _directions(a, kept), _directions(b, kept)
    turned, correlations, _ = np.linalg.svd(u.T @ v, full_matrices=False)
    weights = np.abs((u @ turned).T @ a).sum(axis=1)
    return float(np.clip(correlations, 0.0, 1.0) @ weights / weights.sum())


def representational_similarity(x: ArrayLike, y: ArrayLike) -> float:
    """Return Spearman's correlation of the two tables of dissimilarities between items (Kriegeskorte et al. 2008).

    The dissimilarity of two items (rows) is 1 less the Pearson correlation of their units. Items whose units are all
    alike, on either side, have no such correlation and are left out. NaN where fewer than three items are left, or one
    table does not vary.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(20, 5))
    >>> round(representational_similarity(x, 3 * x + 1), 6)
    1.0
    """
    a, b = _paired(x, y)
    varied = (np.ptp(a, axis=1) > 0) & (np.ptp(b, axis=1) > 0)
    a, b = a[varied], b[varied]
    if len(a) < 3:
        return float("nan")
    upper = np.triu_indices(len(a), 1)
    tables = [1 - np.atleast_2d(np.corrcoef(side))[upper] for side in (a, b)]
    return pearson(*(rankdata(table) for table in tables))


def label_information(clusters: ArrayLike, labels: ArrayLike) -> float:
    """Return the mutual information of two rows of labels in nats, from their counts.

    With phone labels and the clusters of a layer's frames this is the measure of Pasad et al. (2021), section 3.3.
    Counts overestimate it, the more so the more clusters: compare with shuffled labels.

    Examples
    --------
    >>> round(label_information([0, 0, 1, 1], ["a", "a", "b", "b"]), 4), label_information([0, 1, 0, 1], [0, 0, 1, 1])
    (0.6931, 0.0)
    """
    rows = [np.unique(np.asarray(each), return_inverse=True)[1].ravel() for each in (clusters, labels)]
    if rows[0].size != rows[1].size or rows[0].size == 0:
        raise BadInput(f"information needs two rows of the same length, got {rows[0].size} and {rows[1].size}")
    counts = np.zeros((rows[0].max() + 1, rows[1].max() + 1))
    np.add.at(counts, tuple(rows), 1.0)
    joint = counts / counts.sum()
    alone = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    held = joint > 0
    return float(max(0.0, (joint[held] * np.log(joint[held] / alone[held])).sum()))


@dataclass(frozen=True, eq=False)
class Subspace:
    """The principal directions of a representation: worked out once, it can be compared with many.

    `directions` `(n_frames, n_kept)` are orthonormal over frames; `sizes` `(n_kept,)` their singular values.
    """

    directions: Matrix
    sizes: Matrix

    @classmethod
    def of(cls, x: ArrayLike, *, kept: float = KEPT) -> Subspace:
        """Return the directions with `kept` of the variance of `x` `(n_frames, n_units)`."""
        return cls(*_directions(_centred(x, x)[0], kept))

    def reordered(self, order: ArrayLike) -> Subspace:
        """Return the same with its frames in another order."""
        return Subspace(self.directions[np.asarray(order)], self.sizes)

    def alike(self, other: Subspace) -> tuple[float, float]:
        """Return the mean canonical correlation (SVCCA) and that weighted by what this one holds (PWCCA).

        The weights are those of `pwcca` with the principal components of this one in the place of its units.
        """
        turned, correlations, _ = np.linalg.svd(self.directions.T @ other.directions, full_matrices=False)
        correlations = np.clip(correlations, 0.0, 1.0)
        weights = (np.abs(turned) * self.sizes[:, None]).sum(axis=0)
        return float(correlations.mean()), float(correlations @ weights / weights.sum())


def _paired(x: ArrayLike, y: ArrayLike) -> tuple[Matrix, Matrix]:
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.ndim != 2 or b.ndim != 2 or len(a) != len(b) or len(a) < 3:
        raise BadInput(f"similarity needs two matrices of the same 3 rows or more, got shapes {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise BadInput("representations hold NaN or infinite values")
    return a, b


def _centred(x: ArrayLike, y: ArrayLike) -> tuple[Matrix, Matrix]:
    a, b = _paired(x, y)
    return a - a.mean(axis=0), b - b.mean(axis=0)


def _directions(centred: Matrix, kept: float) -> tuple[Matrix, Matrix]:
    """Return orthonormal directions over frames `(n_frames, n_kept)` with `kept` of the variance, and their sizes."""
    if not 0 < kept <= 1:
        raise BadInput(f"the share of variance to keep lies in (0, 1], got {kept}")
    u, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    if sizes[0] <= 0:
        raise BadInput("a representation does not vary over these frames, so nothing can correlate with it")
    held = sizes > _RANK * sizes[0]
    shares = np.cumsum(sizes**2) / (sizes**2).sum()
    if kept < 1:
        held &= np.concatenate([[True], shares[:-1] < kept])
    return u[:, held], sizes[held]
