"""Do two relevance maps agree, and how sure is a mean? Arrays in, numbers out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from otoscope.core.errors import BadInput


def pearson(a: ArrayLike, b: ArrayLike) -> float:
    """Return Pearson's correlation; NaN where one side does not vary.

    Examples
    --------
    >>> round(pearson([1, 2, 3], [2, 4, 6]), 6), pearson([1, 1], [1, 2])
    (1.0, nan)
    """
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise BadInput(f"a correlation needs two rows of the same length, got shapes {x.shape} and {y.shape}")
    if x.size < 2:
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    norm = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(np.clip(x @ y / norm, -1, 1)) if norm > 0 else float("nan")


def spearman(a: ArrayLike, b: ArrayLike) -> float:
    """Return Spearman's rank correlation, ties sharing their mean rank; NaN where one side does not vary.

    Examples
    --------
    >>> round(spearman([1, 10, 100], [3, 4, 9]), 6), round(spearman([1, 1, 2], [1, 2, 3]), 6)
    (1.0, 0.866025)
    """
    return pearson(rankdata(a), rankdata(b))


def spearman_brown(half_correlation: float) -> float:
    """Return the agreement to expect between two full samples, from that of two halves: `2 r / (1 + r)`.

    Brown 1910 and Spearman 1910, for samples twice as long. The formula makes no sense below 0; such a value comes back
    as it is.

    Examples
    --------
    >>> round(spearman_brown(0.5), 4), spearman_brown(-0.2)
    (0.6667, -0.2)
    """
    return 2 * half_correlation / (1 + half_correlation) if half_correlation > 0 else half_correlation


def reliability(values: ArrayLike, standard_errors: ArrayLike) -> float:
    """Return the correlation to expect between these estimates and those of another sample of the same size.

    True variance over observed variance, `1 - mean(se^2) / var(values)` (Lord & Novick 1968, chapter 3), 0 at least;
    NaN where the values do not vary.

    Examples
    --------
    >>> reliability([0.0, 2.0], [0.5, 0.5])
    0.75
    """
    observed = float(np.var(np.asarray(values, dtype=np.float64)))
    noise = float(np.mean(np.square(np.asarray(standard_errors, dtype=np.float64))))
    return max(0.0, 1 - noise / observed) if observed > 0 else float("nan")


def bootstrap_interval(
    values: ArrayLike, *, level: float = 0.95, n_resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of `values` (Efron & Tibshirani 1993, chapter 13).

    For a paired comparison pass the differences.

    Examples
    --------
    >>> bootstrap_interval([2.0, 2.0, 2.0])
    (2.0, 2.0)
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0 or not np.isfinite(sample).all():
        raise BadInput(f"a bootstrap needs a row of finite values, got shape {sample.shape}")
    generator = np.random.default_rng(seed)
    means = sample[generator.integers(0, sample.size, size=(n_resamples, sample.size))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
