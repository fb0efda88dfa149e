"""Does a relevance map say what the score does? Arrays in, numbers out.

`f` is the score of the target, `x` the recording, `x \\ S` the recording with the segments `S` filled, `phi` the
relevance. All scores are natural logs (or any other unit, the same throughout).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core.errors import BadInput


def _paired(a: ArrayLike, b: ArrayLike, names: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if left.shape != right.shape or left.ndim != 1 or left.size == 0:
        raise BadInput(f"{names} must be two rows of the same length, got shapes {left.shape} and {right.shape}")
    return left, right


def completeness_gap(relevance: ArrayLike, *, score: float, baseline_score: float) -> float:
    """Return `|sum(phi) - (f(x) - f(x'))|`, where `x'` is the recording with everything filled.

    0 for a method that shares out the whole change (Sundararajan et al. 2017, Proposition 1; Shapley's efficiency).

    Examples
    --------
    >>> completeness_gap([1.0, 2.0], score=4.0, baseline_score=0.5)
    0.5
    """
    return abs(float(np.sum(relevance)) - (score - baseline_score))


def infidelity(relevance: ArrayLike, perturbations: ArrayLike, score_drops: ArrayLike) -> float:
    """Return `E_I[(I . phi - (f(x) - f(x - I)))^2]` (Yeh et al. 2019, equation 1).

    Parameters
    ----------
    relevance
        `(n_segments,)` sensitivities: change of the score for one unit of input.
    perturbations
        `(n_perturbations, n_segments)`, what was taken from the input.
    score_drops
        `(n_perturbations,)`, `f(x) - f(x - I)`.

    Examples
    --------
    >>> infidelity([2.0, -1.0], [[1, 0], [1, 1]], [2.0, 0.0])
    0.5
    """
    predicted, measured = _paired(np.asarray(perturbations) @ np.asarray(relevance), score_drops, "predicted and drops")
    return float(np.mean((predicted - measured) ** 2))


def faithfulness_correlation(removed_relevance: ArrayLike, score_drops: ArrayLike, sizes: ArrayLike) -> float:
    """Return the correlation of the relevance taken away with the measured drop of the score.

    Bhatt et al. 2020, definition 3, fixes the number of segments taken away. Here sets of several sizes may be pooled:
    both quantities are centred within each size first, so that "more was taken away" does not count as agreement.

    Parameters
    ----------
    removed_relevance
        `(n_sets,)` sums of relevance over the segments taken away.
    score_drops
        `(n_sets,)`, `f(x) - f(x \\ S)`.
    sizes
        `(n_sets,)` numbers of segments taken away.

    Returns
    -------
    float
        Pearson's r; NaN where one of the two does not vary.

    Examples
    --------
    >>> round(faithfulness_correlation([1, 2, 5, 7], [3, 4, 0, 2], [1, 1, 2, 2]), 6)
    1.0
    """
    predicted, measured = _paired(removed_relevance, score_drops, "removed relevance and drops")
    groups = np.asarray(sizes)
    for size in np.unique(groups):
        members = groups == size
        predicted = np.where(members, predicted - predicted[members].mean(), predicted)
        measured = np.where(members, measured - measured[members].mean(), measured)
    norm = float(np.linalg.norm(predicted) * np.linalg.norm(measured))
    scale = max(float(np.abs(removed_relevance).max()) * float(np.abs(score_drops).max()), np.finfo(float).tiny)
    return float(predicted @ measured) / norm if norm > 1e-12 * scale else float("nan")


def comprehensiveness(score: float, scores_without_top: ArrayLike) -> float:
    """Return `(1/K) sum_k [f(x) - f(x \\ r_k)]`: how much is lost without the top bins (DeYoung et al. 2020, 4.2).

    High is good.

    Examples
    --------
    >>> comprehensiveness(1.0, [0.5, 0.0])
    0.75
    """
    return float(score - np.asarray(scores_without_top, dtype=np.float64).mean())


def sufficiency(score: float, scores_top_only: ArrayLike) -> float:
    """Return `(1/K) sum_k [f(x) - f(r_k only)]`: what is lost when only the top bins stay (DeYoung et al. 2020, 4.2).

    Low is good.

    Examples
    --------
    >>> sufficiency(1.0, [0.75, 1.0])
    0.125
    """
    return float(score - np.asarray(scores_top_only, dtype=np.float64).mean())


def perturbation_auc(fractions: ArrayLike, scores: ArrayLike) -> float:
    """Return the area under a deletion or insertion curve by trapezoids (Petsiuk et al. 2018, section 3.3).

    Examples
    --------
    >>> perturbation_auc([0, 0.5, 1], [1, 0, 0])
    0.25
    """
    x, y = _paired(fractions, scores, "fractions and scores")
    return float(np.trapezoid(y, x))


def normalized_auc(fractions: ArrayLike, scores: ArrayLike) -> float:
    """Return the area with the score scaled linearly so that the whole recording is 1 and the filled one 0.

    Curves of targets with different score ranges can then be averaged. The ends of the curve, in whichever direction,
    are the whole and the filled recording; the higher one counts as 1. NaN when the two do not differ.

    Examples
    --------
    >>> normalized_auc([0, 0.5, 1], [10, 0, 0]), normalized_auc([0, 0.5, 1], [0, 10, 10])
    (0.25, 0.75)
    """
    x, y = _paired(fractions, scores, "fractions and scores")
    low, high = min(y[0], y[-1]), max(y[0], y[-1])
    return float(np.trapezoid((y - low) / (high - low), x)) if high > low else float("nan")
