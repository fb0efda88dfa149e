"""Can probabilities be believed? Confidence against how often it was right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core.errors import BadInput

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reliability:
    """Shares right in bins of confidence.

    `low (n_bins,)` edges, `n`, `confidence` (mean) and `correct` (share; NaN in an empty bin), all `(n_bins,)`; `error`
    is the expected calibration error.
    """

    low: Floats
    n: NDArray[np.int64]
    confidence: Floats
    correct: Floats
    error: float


def reliability(confidence: ArrayLike, correct: ArrayLike, *, n_bins: int = 10) -> Reliability:
    """Return the reliability diagram and the expected calibration error Σ n_b/n |right_b - confidence_b|.

    Naeini, Cooper and Hauskrecht (2015); Guo et al. (2017), equation 3. Bins are equally wide.

    Parameters
    ----------
    confidence
        `(n,)` probabilities that were given to what was answered.
    correct
        `(n,)` whether the answer was right.
    n_bins
        How many bins between 0 and 1.

    Examples
    --------
    >>> reliability([0.9, 0.9, 0.6, 0.6], [1, 1, 0, 1]).error
    0.1
    """
    p, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if p.ndim != 1 or p.shape != right.shape or p.size == 0 or (p < 0).any() or (p > 1).any() or n_bins < 1:
        raise BadInput(f"one or more probabilities with as many answers are needed, got {p.shape} and {right.shape}")
    bins = np.minimum((p * n_bins).astype(np.int64), n_bins - 1)
    n = np.bincount(bins, minlength=n_bins)
    with np.errstate(invalid="ignore"):
        mean_p, mean_right = (np.bincount(bins, weights=w, minlength=n_bins) / n for w in (p, right))
    error = float(np.nansum(n * np.abs(mean_right - mean_p)) / p.size)
    return Reliability(np.arange(n_bins) / n_bins, n, mean_p, mean_right, round(error, 15))
