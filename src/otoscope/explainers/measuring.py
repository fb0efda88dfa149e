"""What is measured of the maps of all targets at once: agreement, prediction of unseen masks, infidelity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Segment, Target
from otoscope.explainers.curves import random_orders
from otoscope.explainers.direct import DirectMethod
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.plan import Estimate, Masks, Method, Scores
from otoscope.explainers.segments import inside
from otoscope.metrics.agreement import pearson, spearman_brown
from otoscope.metrics.faithfulness import faithfulness_correlation, infidelity

N_DEALS = 20
"""Deals of the relevances to other segments, for the chance level of infidelity."""
Measured = tuple[float | None, ...]
"""One a target; `None` where it could not be measured."""


def half_agreement(method: Method, masks: Masks, scores: Scores) -> Measured:
    """Return the correlation of the maps from two half-samples, one for each target."""
    halves = method.halves(masks)
    if halves is None:
        return (None,) * scores.shape[1]
    first, second = (method.estimate(masks[rows], scores[rows]).relevance for rows in halves)
    return _columnwise(first, second)


def seed_agreement(
    method: Method,
    score: MaskedScores,
    estimate: Estimate,
    halves: Sequence[float | None],
    *,
    fill: str,
    seed: int,
) -> Measured:
    """Return how well two seeds agree: from two half-samples, or from a second map where none is sampled by masks."""
    if isinstance(method, DirectMethod) and not estimate.exact:
        return _columnwise(estimate.relevance, method.look(score, fill=fill, seed=seed + 1).relevance)
    return tuple(None if half is None else spearman_brown(half) for half in halves)


def fill_agreement(score: MaskedScores, fill: str, second_fill: str) -> Measured:
    """Correlate leave-one-out maps under two fills: a handful of recordings, whatever the method."""
    n_segments = len(score.segments)
    left_out = np.vstack([np.ones((1, n_segments), dtype=bool), ~np.eye(n_segments, dtype=bool)])
    first, second = (score(left_out, fill=f) for f in (fill, second_fill))
    return _columnwise(first[:1] - first[1:], second[:1] - second[1:])


def held_out_masks(n_segments: int, n_masks: int, *, seed: int) -> Masks:
    """Return random masks that keep half of the segments, drawn from another stream than the plans'."""
    orders = random_orders(n_segments, n_masks, seed=seed + 1)
    return np.argsort(orders, axis=1) < n_segments // 2


def faithfulness(score: MaskedScores, relevance: NDArray[np.float64], held_out: Masks, *, fill: str) -> Measured:
    """Return how well summed relevance predicts the drops of held-out masks (Bhatt et al. 2020)."""
    everything = np.ones((1, relevance.shape[0]), dtype=bool)
    drops = score(everything, fill=fill) - score(held_out, fill=fill)
    removed = ~held_out @ relevance
    counts = (~held_out).sum(axis=1)
    if len(held_out) < 3:
        return (None,) * relevance.shape[1]
    return tuple(known(faithfulness_correlation(removed[:, t], drops[:, t], counts)) for t in range(relevance.shape[1]))


def infidelities(
    score: MaskedScores, relevance: NDArray[np.float64], held_out: Masks, *, fill: str, seed: int
) -> tuple[Measured, Measured]:
    """Return the infidelity on held-out masks, and that of the same relevances dealt to other segments."""
    n_segments, n_targets = relevance.shape
    if len(held_out) == 0:
        return (None,) * n_targets, (None,) * n_targets
    drops = score(np.ones((1, n_segments), dtype=bool), fill=fill) - score(held_out, fill=fill)
    deals = random_orders(n_segments, N_DEALS, seed=seed + 2)
    own = [infidelity(relevance[:, t], ~held_out, drops[:, t]) for t in range(n_targets)]
    dealt = [
        float(np.mean([infidelity(relevance[deal, t], ~held_out, drops[:, t]) for deal in deals]))
        for t in range(n_targets)
    ]
    return tuple(own), tuple(dealt)


def other_target_agreement(
    targets: Sequence[Target], segments: Sequence[Segment], relevance: NDArray[np.float64]
) -> Measured:
    """Return for each map its largest correlation with that of another word elsewhere.

    A word elsewhere has another label, and no segment holds a tenth of itself for both. `None` where there is none.
    """
    held = [np.zeros(len(segments)) if t.interval is None else inside(segments, t.interval) >= 0.1 for t in targets]
    found: list[float | None] = []
    for t, target in enumerate(targets):
        others = [
            value
            for u, other in enumerate(targets)
            if other.label != target.label and target.interval is not None and other.interval is not None
            if not np.logical_and(held[t], held[u]).any()
            if (value := known(pearson(relevance[:, t], relevance[:, u]))) is not None
        ]
        found.append(max(others, default=None))
    return tuple(found)


def _columnwise(a: NDArray[np.float64], b: NDArray[np.float64]) -> Measured:
    return tuple(known(pearson(a[:, t], b[:, t])) for t in range(a.shape[1]))


def known(value: float) -> float | None:
    """Return the value, `None` where it is not a number."""
    return None if np.isnan(value) else value
