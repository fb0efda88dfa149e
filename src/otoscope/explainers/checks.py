"""Can a map be believed? Deletion and insertion, two fills, two half-samples, held-out masks, on shared scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, NotAble, PerturbationCurve, Recording, Segment, Target, Trust
from otoscope.explainers.curves import curves, random_orders
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.measuring import (
    Measured,
    faithfulness,
    fill_agreement,
    half_agreement,
    held_out_masks,
    infidelities,
    known,
    other_target_agreement,
    seed_agreement,
)
from otoscope.explainers.plan import Estimate, Masks, Method
from otoscope.explainers.randomizing import random_weights_agreement
from otoscope.explainers.segments import inside, sizes
from otoscope.explainers.verdict import FEWEST_SEGMENTS, failures
from otoscope.metrics.compactness import gini, size_auc
from otoscope.metrics.plausibility import chance_mass, pointing_hit, rank_accuracy, relevance_mass, time_auc

MANY = tuple(np.round(np.arange(0.05, 1.0, 0.1), 2))


@dataclass(frozen=True)
class Checks:
    """How much is spent on testing the maps.

    Parameters
    ----------
    deletion, insertion
        Shares of segments at which each curve is measured, besides 0 and 1; at least one segment is changed.
    n_orders
        Random orders, shared by all targets.
    n_held_out
        Random masks of half the segments, shared by all targets, to see whether a map predicts their scores.
    second_fill
        What else may stand where a segment was taken away; `None` leaves the second fill out.
    second_deletion
        Shares of segments for the deletion curve under the second fill.
    random_weights_up_to_s
        The map is compared with that of shuffled weights for recordings of at most this many seconds, from eight
        segments on: it costs one more map, and with fewer segments likeness proves nothing. 0 leaves it out.
    """

    deletion: tuple[float, ...] = (0.0, 0.1, 0.3)
    insertion: tuple[float, ...] = (0.1, 0.3)
    n_orders: int = 8
    n_held_out: int = 12
    second_fill: str | None = "mean"
    second_deletion: tuple[float, ...] = (0.0, 0.15)
    random_weights_up_to_s: float = 3.0

    def __post_init__(self) -> None:
        if self.n_orders < 2:
            raise BadInput(f"a random baseline needs at least two orders, got {self.n_orders}")

    @classmethod
    def for_targets(cls, n_targets: int, *, fill: str) -> Checks:
        """Return the checks made when nobody says; the second fill is another than the first.

        Finer curves for up to four targets. For more than forty, curves of one step only: which segment comes first is
        then judged by recordings that leave out one segment, and those serve all targets.
        """
        second = "mean" if fill != "mean" else "noise"
        if n_targets <= 4:
            return cls(deletion=MANY, insertion=MANY, n_orders=10, second_fill=second, second_deletion=MANY[::2])
        if n_targets > 40:
            return cls(deletion=(0.0,), insertion=(), n_orders=40, second_fill=second, second_deletion=(0.0,))
        return cls(second_fill=second)

    def shuffles(self, recording: Recording, n_segments: int) -> bool:
        """Return whether maps of so many segments are compared with those of shuffled weights."""
        return recording.duration_s <= self.random_weights_up_to_s and n_segments >= FEWEST_SEGMENTS

    def n_evaluations(self, n_segments: int, n_targets: int, *, n_again: int = 0) -> int:
        """Return about how many recordings the checks add, for a progress bar; `n_again` for shuffled weights."""
        steps = len(self.deletion) + len(self.insertion) + (len(self.second_deletion) if self.second_fill else 0)
        left_out = n_segments * (2 if self.second_fill else 0)
        return steps * (n_targets + self.n_orders) + self.n_held_out + left_out + n_again


@dataclass(frozen=True)
class Evidence:
    """What was measured for all targets of an utterance before the verdict on each.

    `curves[t]` belongs to target t; correlations are `None` where they were not, or could not be, measured.
    """

    curves: tuple[tuple[PerturbationCurve, ...], ...]
    half_agreement: Measured
    seed_agreement: Measured
    fill_agreement: Measured
    faithfulness: Measured
    infidelity: Measured
    chance_infidelity: Measured
    random_weights: Measured
    other_target: Measured
    not_measured: tuple[str, ...] = ()


def gather(
    score: MaskedScores, method: Method, masks: Masks, estimate: Estimate, *, fill: str, seed: int, checks: Checks
) -> Evidence:
    """Score what the checks need, and measure.

    Parameters
    ----------
    score
        Scores masked recordings; those of the plan are known already.
    method, masks, estimate
        How the maps were made, from which recordings, and the maps.
    fill, seed, checks
        The main fill, the seed of the random orders, and how much to spend.
    """
    relevance = estimate.relevance
    orders = random_orders(relevance.shape[0], checks.n_orders, seed=seed)
    deletion = curves(score, relevance, direction="deletion", fill=fill, fractions=checks.deletion, orders=orders)
    insertion = curves(score, relevance, direction="insertion", fill=fill, fractions=checks.insertion, orders=orders)
    found = [deletion, insertion]
    fills: Measured = (None,) * relevance.shape[1]
    if checks.second_fill is not None:
        found.append(
            curves(
                score,
                relevance,
                direction="deletion",
                fill=checks.second_fill,
                fractions=checks.second_deletion,
                orders=orders,
            )
        )
        fills = fill_agreement(score, fill, checks.second_fill)
    held_out = held_out_masks(relevance.shape[0], checks.n_held_out, seed=seed)
    halves = half_agreement(method, masks, score(masks, fill=fill))
    distance, by_chance = infidelities(score, relevance, held_out, fill=fill, seed=seed)
    shuffled, reasons = _random_weights(score, method, masks, relevance, fill=fill, seed=seed, checks=checks)
    return Evidence(
        curves=tuple(zip(*found, strict=True)),
        half_agreement=halves,
        seed_agreement=seed_agreement(method, score, estimate, halves, fill=fill, seed=seed),
        fill_agreement=fills,
        faithfulness=faithfulness(score, relevance, held_out, fill=fill),
        infidelity=distance,
        chance_infidelity=by_chance,
        random_weights=shuffled,
        other_target=other_target_agreement(score.targets, score.segments, relevance),
        not_measured=reasons,
    )


def _random_weights(
    score: MaskedScores,
    method: Method,
    masks: Masks,
    relevance: NDArray[np.float64],
    *,
    fill: str,
    seed: int,
    checks: Checks,
) -> tuple[Measured, tuple[str, ...]]:
    """Return the agreement with maps of shuffled weights, or why it was not measured."""
    nothing: Measured = (None,) * relevance.shape[1]
    if not checks.shuffles(score.recording, len(score.segments)):
        limit = checks.random_weights_up_to_s
        why = f"for recordings longer than {limit:g} s, it costs one more map"
        if score.recording.duration_s <= limit:
            why = f"for fewer than {FEWEST_SEGMENTS} segments, where a like map proves nothing"
        return nothing, (f"shuffled weights: left out {why}",)
    try:
        return random_weights_agreement(score, method, masks, relevance, fill=fill, seed=seed), ()
    except NotAble as error:
        return nothing, (f"shuffled weights: {error}",)


def trust(
    index: int,
    target: Target,
    segments: Sequence[Segment],
    relevance: NDArray[np.float64],
    evidence: Evidence,
    *,
    scores: NDArray[np.float64],
) -> Trust:
    """Return what speaks for and against the map of target number `index`.

    Parameters
    ----------
    index, target, segments, relevance
        Which target, and its map, `(n_segments,)`.
    evidence
        What was measured.
    scores
        `(n_masks,)` its scores over the plan; the first is that of the whole recording, the second of the filled one.
    """
    extent = sizes(segments)
    measured = Trust(
        curves=evidence.curves[index],
        seed_agreement=evidence.seed_agreement[index],
        fill_agreement=evidence.fill_agreement[index],
        faithfulness_correlation=evidence.faithfulness[index],
        infidelity=evidence.infidelity[index],
        chance_infidelity=evidence.chance_infidelity[index],
        gini=known(gini(relevance, extent)),
        size_auc=known(size_auc(relevance, extent)),
        random_weights_agreement=evidence.random_weights[index],
        other_target_agreement=evidence.other_target[index],
        not_measured=evidence.not_measured,
    )
    if target.interval is not None and target.interval.duration_s > 0:
        share = inside(segments, target.interval)
        measured = replace(
            measured,
            relevance_mass=known(relevance_mass(relevance, share)),
            chance_mass=chance_mass(extent, share),
            pointing_hit=pointing_hit(relevance, share),
            rank_accuracy=known(rank_accuracy(relevance, share)),
            chance_rank_accuracy=float((share >= 0.5).mean()),
            time_auc=known(time_auc(relevance, share, extent)),
        )
    return failures(measured, scores, n_segments=relevance.size)
