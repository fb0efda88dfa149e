"""Deletion and insertion curves of all targets, beside random orders that all targets share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import PerturbationCurve
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.plan import Masks

Direction = Literal["deletion", "insertion"]


def step_counts(n_segments: int, fractions: Sequence[float]) -> NDArray[np.intp]:
    """Return how many segments are changed at each step: 0, the rounded shares (1 at least), all.

    Examples
    --------
    >>> step_counts(24, (0.01, 0.125, 0.5)).tolist()
    [0, 1, 3, 12, 24]
    """
    inner = np.clip(np.round(np.asarray(fractions) * n_segments), 1, max(1, n_segments - 1)).astype(np.intp)
    return np.unique(np.concatenate([[0], inner, [n_segments]])).astype(np.intp)


def order_masks(order: NDArray[np.intp], counts: NDArray[np.intp], *, direction: Direction) -> Masks:
    """Return the masks of one curve, `(n_steps, n_segments)`.

    Examples
    --------
    >>> order_masks(np.array([1, 0, 2]), np.array([0, 1, 3]), direction="deletion").astype(int).tolist()
    [[1, 1, 1], [1, 0, 1], [0, 0, 0]]
    """
    rank = np.empty(order.size, dtype=np.intp)
    rank[order] = np.arange(order.size)
    changed = rank[None, :] < counts[:, None]
    return ~changed if direction == "deletion" else changed


def random_orders(n_segments: int, n_orders: int, *, seed: int) -> NDArray[np.intp]:
    """Return random orders `(n_orders, n_segments)`, drawn from another stream than the plans'."""
    generator = np.random.default_rng([seed, 0x0D0])
    orders = [generator.permutation(n_segments) for _ in range(n_orders)]
    return np.array(orders, dtype=np.intp).reshape(n_orders, n_segments)


def random_masks(orders: NDArray[np.intp], fractions: Sequence[float], *, direction: Direction) -> NDArray[np.bool_]:
    """Return the masks of all random orders, `(n_orders, n_steps, n_segments)`."""
    counts = step_counts(orders.shape[1], fractions)
    return np.array([order_masks(order, counts, direction=direction) for order in orders])


def curves(
    score: MaskedScores,
    relevance: NDArray[np.float64],
    *,
    direction: Direction,
    fill: str,
    fractions: Sequence[float],
    orders: NDArray[np.intp],
) -> tuple[PerturbationCurve, ...]:
    """Return one curve a target (Petsiuk et al. 2018, algorithm 1), scores in nats.

    Parameters
    ----------
    score
        Scores masked recordings.
    relevance
        `(n_segments, n_targets)`; segments are changed from the most relevant on.
    direction, fill, fractions
        What is done, what stands in place, and at which shares the score is taken besides 0 and 1.
    orders
        `(n_orders, n_segments)` random orders; all targets share the recordings made from them.
    """
    n_segments, n_targets = relevance.shape
    counts = step_counts(n_segments, fractions)
    tops = np.argsort(-relevance, axis=0, kind="stable")
    own = np.array([order_masks(tops[:, t], counts, direction=direction) for t in range(n_targets)])
    chance = random_masks(orders, fractions, direction=direction)
    everything = np.concatenate([own.reshape(-1, n_segments), chance.reshape(-1, n_segments)])
    scores = score(everything, fill=fill)
    own_scores = scores[: n_targets * counts.size].reshape(n_targets, counts.size, n_targets)
    chance_scores = scores[n_targets * counts.size :].reshape(len(orders), counts.size, n_targets)
    return tuple(
        PerturbationCurve(direction, fill, counts / n_segments, own_scores[t, :, t], chance_scores[:, :, t])
        for t in range(n_targets)
    )
