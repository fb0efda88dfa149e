"""How few places does a relevance map need? Arrays in, numbers out.

Only positive relevance counts. A compact map is easy to read, not right: read these beside
`otoscope.metrics.faithfulness`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core.errors import BadInput


def _positive(relevance: ArrayLike, sizes: ArrayLike | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values = np.maximum(np.asarray(relevance, dtype=np.float64), 0)
    extent = np.ones_like(values) if sizes is None else np.asarray(sizes, dtype=np.float64)
    if values.ndim != 1 or values.shape != extent.shape or (extent <= 0).any():
        raise BadInput(f"relevance and sizes (above 0) need an entry a segment, got {values.shape} and {extent.shape}")
    return values, extent


def gini(relevance: ArrayLike, sizes: ArrayLike | None = None) -> float:
    """Return the Gini index `1 - 2 * area under the Lorenz curve` of positive relevance (Chalasani et al. 2020).

    Parameters
    ----------
    relevance
        `(n_segments,)`.
    sizes
        `(n_segments,)` extent of each segment, over which its relevance is thought to be spread evenly; all the same
        where they are not given.

    Returns
    -------
    float
        0 for a flat map, `1 - 1/n` where one of n equal segments has all; NaN where no relevance is positive.

    Examples
    --------
    >>> gini([1, 1, 1, 1]), gini([0, 0, 0, 5])
    (0.0, 0.75)
    """
    values, extent = _positive(relevance, sizes)
    if values.sum() == 0:
        return float("nan")
    order = np.argsort(values / extent, kind="stable")
    share = np.concatenate([[0.0], np.cumsum(values[order]) / values.sum()])
    place = np.concatenate([[0.0], np.cumsum(extent[order]) / extent.sum()])
    return float(1 - 2 * np.trapezoid(share, place))


def size_auc(relevance: ArrayLike, sizes: ArrayLike | None = None) -> float:
    """Return the area under "share of the map above threshold t", t from 0 to the peak (Fucci et al. 2025, SPES).

    This is the mean of positive relevance per extent over its peak: small for a compact map, 1 for a flat one; NaN
    where no relevance is positive. `sizes` as in `gini`.

    Examples
    --------
    >>> size_auc([1, 1]), size_auc([4, 0, 0, 0]), size_auc([4.0, 2.0])
    (1.0, 0.25, 0.75)
    """
    values, extent = _positive(relevance, sizes)
    if values.sum() == 0:
        return float("nan")
    density = values / extent
    return float((density / density.max()) @ extent / extent.sum())
