"""The verdict: which sanity checks a map failed, each as a sentence a user can read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from otoscope.core import PerturbationCurve, Trust

LEAST_AGREEMENT = 0.5
MOST_LIKE_RANDOM_WEIGHTS = 0.7
MOST_LIKE_ANOTHER_WORD = 0.9
FEWEST_SEGMENTS = 8
"""With fewer, shuffled weights, or another word, may give a like map by chance."""
LEAST_CHANGE_NATS = 1e-6


def failures(trust: Trust, scores: NDArray[np.float64], *, n_segments: int = 0) -> Trust:
    """Return `trust` with a sentence for each check that failed.

    Parameters
    ----------
    trust
        What was measured; what was not measured cannot fail.
    scores
        `(n_masks,)` scores of the target over the plan, whole recording first, filled recording second.
    n_segments
        Of the map; with fewer than 8, likeness to the map of shuffled weights or of another word proves nothing.
    """
    if np.ptp(scores) < LEAST_CHANGE_NATS:
        return replace(trust, failures=("no masked recording changed the score: there is nothing to explain",))
    found = [
        _floor(scores),
        *(_deletion(curve) for curve in trust.curves if curve.direction == "deletion"),
        _agreement(trust.seed_agreement, "another sample of masked recordings would give another map"),
        _agreement(trust.fill_agreement, "the map depends on what fills the gaps"),
        _prediction(trust.faithfulness_correlation),
    ]
    if n_segments >= FEWEST_SEGMENTS:
        found += [
            _random_weights(trust.random_weights_agreement, n_segments),
            _another_word(trust.other_target_agreement, n_segments),
        ]
    return replace(trust, failures=tuple(sentence for sentence in found if sentence))


def _floor(scores: NDArray[np.float64]) -> str:
    if scores[0] > scores[1]:
        return ""
    return (
        f"the target scores no better in the recording ({scores[0]:.2f}) than with everything filled ({scores[1]:.2f})"
    )


def random_interval(curve: PerturbationCurve, *, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of the mean area of random orders (Student's t over the orders)."""
    areas = np.trapezoid(curve.random_scores, curve.fractions, axis=1)
    reach = student.ppf((1 + level) / 2, areas.size - 1) * areas.std(ddof=1) / np.sqrt(areas.size)
    return float(areas.mean() - reach), float(areas.mean() + reach)


def _deletion(curve: PerturbationCurve) -> str:
    low, high = random_interval(curve)
    if curve.auc < low:
        return ""
    return (
        f"taking segments away in this order (area {curve.auc:.2f}, fill {curve.fill}) lowers the score no more than "
        f"random orders do ({low:.2f} to {high:.2f})"
    )


def _agreement(rho: float | None, meaning: str) -> str:
    return "" if rho is None or rho >= LEAST_AGREEMENT else f"{meaning} (correlation {rho:.2f})"


def _prediction(r: float | None) -> str:
    return "" if r is None or r > 0 else f"the map does not predict scores of recordings it has not seen (r = {r:.2f})"


def _random_weights(rho: float | None, n_segments: int) -> str:
    """Fail what is alike, and more so than one unrelated map in a thousand (Fisher's z; Fieller et al. 1957)."""
    if rho is None or rho <= max(MOST_LIKE_RANDOM_WEIGHTS, _by_chance(1.06, n_segments)):
        return ""
    return f"a recogniser with shuffled weights gives much the same map (rank correlation {rho:.2f})"


def _another_word(r: float | None, n_segments: int) -> str:
    """Fail what shares four fifths of its variance with the map of a word elsewhere: it is not about this word."""
    if r is None or r <= max(MOST_LIKE_ANOTHER_WORD, _by_chance(1.0, n_segments)):
        return ""
    return f"a word elsewhere in the recording has much the same map (correlation {r:.2f}): it does not tell them apart"


def _by_chance(variance: float, n_segments: int) -> float:
    """Return the correlation that one unrelated map in a thousand reaches; `variance` is 1.06 for ranks, 1 else."""
    return float(np.tanh(3.09 * np.sqrt(variance / (n_segments - 3))))
