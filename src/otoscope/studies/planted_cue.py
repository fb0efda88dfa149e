"""Planted cue: words that differ by one tone burst, and whether every method of explanation finds that burst.

A small CTC network is taught words that differ by nothing but a burst of known time and frequency. "Why was
this word heard?" then has one right answer, known without asking anybody; no method is told where the word lies.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Interval, NotAble, Panel, Recognizer, Segment, Target
from otoscope.core.protocols import Progress
from otoscope.explainers import EXPLAINERS
from otoscope.explainers import method as method_named
from otoscope.explainers.curves import curves, random_orders
from otoscope.explainers.direct import estimate_of
from otoscope.explainers.local_cells import cell_effects, plan_cells
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.segments import inside, sizes
from otoscope.metrics.agreement import bootstrap_interval
from otoscope.metrics.plausibility import chance_mass, relevance_mass
from otoscope.studies.result import StudyResult
from otoscope.testing.planted import PlantedUtterance, planted_cue

TIMES_CHANCE = 3.0
FILL = "silence"
FRACTIONS = tuple(float(q) for q in np.round(np.arange(0.05, 1.0, 0.05), 2))
N_ORDERS = 10
LOCAL = "local-cells"


ORDER_COLUMNS = (
    "oracle_auc",
    "deletion_auc",
    "random_auc",
    "method_minus_oracle_low",
    "method_minus_oracle_high",
    "random_minus_method_low",
    "random_minus_method_high",
    "ordered",
)
GRID = np.array([0.0, *FRACTIONS, 1.0])


@dataclass(frozen=True)
class Curves:
    """Deletion curves of one utterance on `GRID`, 1 for the whole recording and 0 for silence."""

    oracle: NDArray[np.float64]
    own: NDArray[np.float64]
    random: NDArray[np.float64]

    @property
    def areas(self) -> tuple[float, float, float]:
        """Areas under the curves: oracle, the method's own order, random orders."""
        oracle, own, random = (float(np.trapezoid(curve, GRID)) for curve in (self.oracle, self.own, self.random))
        return oracle, own, random


@dataclass(frozen=True)
class Found:
    """What one method made of one utterance: relevance in the burst, chance, and deletion curves where it has any."""

    mass: float
    chance: float
    curves: Curves | None = None


def run(
    *,
    methods: str | Sequence[str] = "all",
    seed: int = 0,
    n_utterances: int = 16,
    progress: Progress | None = None,
) -> StudyResult:
    """Teach the network, explain `n_utterances` it was not taught with, and compare each method with the truth.

    Parameters
    ----------
    methods
        Names with commas between; `all` takes every method that can look into the network.
    seed
        Seed of the network, the utterances and the methods.
    n_utterances
        How many are explained; intervals are bootstrapped over them.
    progress
        Told as utterances are explained.

    Returns
    -------
    StudyResult
        One row a method. `finds_cue`: the lower end of the interval of relevance mass is at least three times chance.
        `ordered`: deletion areas are oracle < method < random, both differences with their whole intervals. Cells of
        time and frequency have no deletion curve here.
    """
    began = time.perf_counter()
    names = methods.split(",") if isinstance(methods, str) else list(methods)
    names = sorted(EXPLAINERS) if names == ["all"] else names
    case = planted_cue(seed, n_utterances=n_utterances)
    recognizer, utterances = case.recognizer, case.utterances
    found: dict[str, list[Found]] = {}
    for done, utterance in enumerate(utterances):
        for name, result in _explain(recognizer, utterance, names, seed=seed).items():
            found.setdefault(name, []).append(result)
        if progress is not None:
            progress(done + 1, len(utterances))
    rows = tuple(_row(name, results, seed=seed) for name, results in found.items())
    n_finding = sum(row["finds_cue"] for row in rows)
    judged = [row["ordered"] for row in rows if row["ordered"] is not None]
    return StudyResult(
        name="planted-cue",
        summary=f"{n_finding} of {len(rows)} methods put at least {TIMES_CHANCE:g} times chance of their relevance "
        f"into the burst; of the {len(judged)} with a deletion curve, {sum(judged)} lie between oracle and random; "
        f"{len(utterances)} utterances.",
        table=rows,
        panels=(_mass_panel(rows), _curve_panel(found)),
        provenance={
            "recognizer": recognizer.provenance.recognizer,
            "weights_sha256": recognizer.provenance.weights_sha256,
            "version": recognizer.provenance.version,
            "seed": seed,
            "n_utterances": len(utterances),
            "fill": FILL,
            "segments": f"stretches as long as the burst; for {LOCAL} 80 ms x 8 mel bands",
        },
        seconds=time.perf_counter() - began,
    )


def _explain(
    recognizer: Recognizer, utterance: PlantedUtterance, names: Sequence[str], *, seed: int
) -> dict[str, Found]:
    """Return what each method makes of one utterance; methods on the same segments share what was scored."""
    target, sound, burst = Target.utterance(utterance.text), utterance.sound, utterance.segment
    score = MaskedScores(recognizer, sound, stretches(utterance), [target])
    n_segments = len(score.segments)
    truth = oracle_order(score, inside(score.segments, burst))
    found = {}
    for name in names:
        method = method_named(name)
        masks = method.plan(n_segments, n_masks=method.default_n_masks(n_segments), seed=seed)
        try:
            relevance = estimate_of(method, score, masks, fill=FILL, seed=seed).relevance[:, 0]
        except NotAble:  # the network has no attention
            continue
        found[name] = _found(score, relevance, burst, _curves(score, relevance, truth, seed=seed))
    plan = plan_cells(sound, [Interval(0.0, sound.duration_s, utterance.text)], n_masks=256, seed=seed)
    cells = MaskedScores(recognizer, sound, plan.segments, [target])
    effects, _ = cell_effects(plan.masks[2:], cells(plan.masks, fill=FILL)[2:, 0])
    return {**found, LOCAL: _found(cells, effects, burst, None)}


def _found(score: MaskedScores, relevance: NDArray[np.float64], burst: Segment, found: Curves | None) -> Found:
    share = inside(score.segments, burst)
    mass = relevance_mass(relevance, share) if (relevance > 0).any() else 0.0  # nothing speaks for it: nothing is found
    return Found(mass, chance_mass(sizes(score.segments), share), found)


def oracle_order(score: MaskedScores, share: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the order that knows the truth: the burst first, then whatever lowers the score most at each step.

    No order can fall faster at the start, and few if any later: a method can come near, but hardly below.
    """
    keep = np.ones(share.size, dtype=bool)
    order = [int(share.argmax())]
    keep[order[0]] = False
    while keep.any():
        left = np.flatnonzero(keep)
        without = np.repeat(keep[None], left.size, axis=0)
        without[np.arange(left.size), left] = False
        order.append(int(left[score(without, fill=FILL)[:, 0].argmin()]))
        keep[order[-1]] = False
    return np.array(order)


def _curves(score: MaskedScores, relevance: NDArray[np.float64], truth: NDArray[np.intp], *, seed: int) -> Curves:
    orders = random_orders(relevance.size, N_ORDERS, seed=seed)
    own, oracle = (
        curves(score, ranking[:, None], direction="deletion", fill=FILL, fractions=FRACTIONS, orders=orders)[0]
        for ranking in (relevance, -np.argsort(truth).astype(np.float64))
    )
    low, high = own.scores[-1], own.scores[0]
    kinds = (oracle.scores, own.scores, own.random_scores.mean(axis=0))
    return Curves(*(np.interp(GRID, own.fractions, (scores - low) / (high - low)) for scores in kinds))


def stretches(utterance: PlantedUtterance) -> tuple[Segment, ...]:
    """Return stretches of time as long as the burst, one of them the burst itself; ends are shorter.

    Were the burst in two, leaving either out alone would change nothing, and leave-one-out would find nothing: it is
    blind to what is there twice.
    """
    burst, end_s = utterance.segment, utterance.sound.duration_s
    step_s = burst.duration_s
    n_before = int(burst.start_s / step_s + 1e-6)
    first_s = burst.start_s - n_before * step_s
    n_after = int((end_s - first_s) / step_s + 1e-6)
    edges = [0.0, *(first_s + step_s * np.arange(n_after + 1)), end_s]
    return tuple(Segment(float(a), float(b)) for a, b in pairwise(edges) if b - a > step_s / 100)


def _row(name: str, results: Sequence[Found], *, seed: int) -> dict[str, Any]:
    masses = np.array([result.mass for result in results])
    chance = float(np.mean([result.chance for result in results]))
    mass_low, mass_high = bootstrap_interval(masses, seed=seed)
    return {
        "method": name,
        "relevance_mass": float(masses.mean()),
        "mass_low": mass_low,
        "mass_high": mass_high,
        "chance_mass": chance,
        "finds_cue": bool(mass_low >= TIMES_CHANCE * chance),
        **_order([result.curves for result in results if result.curves is not None], seed=seed),
    }


def _order(found: Sequence[Curves], *, seed: int) -> dict[str, Any]:
    """Return mean areas, intervals of differences, and whether oracle < method < random; `None` without curves."""
    if not found:
        return dict.fromkeys(ORDER_COLUMNS)
    oracle, own, random = np.array([curves.areas for curves in found]).T
    above, below = bootstrap_interval(own - oracle, seed=seed), bootstrap_interval(random - own, seed=seed)
    means = (float(oracle.mean()), float(own.mean()), float(random.mean()))
    return dict(zip(ORDER_COLUMNS, (*means, *above, *below, bool(above[0] > 0 and below[0] > 0)), strict=True))


def _mass_panel(rows: Sequence[dict[str, Any]]) -> Panel:
    return Panel(
        kind="bars",
        title="Relevance inside the planted burst",
        data={
            "labels": [row["method"] for row in rows],
            "values": np.array([row["relevance_mass"] for row in rows]),
            "low": np.array([row["mass_low"] for row in rows]),
            "high": np.array([row["mass_high"] for row in rows]),
            "y_label": "share of positive relevance",
            "chance": float(np.mean([row["chance_mass"] for row in rows if row["method"] != LOCAL])),
        },
        caption="Share of positive relevance that lies inside the only thing that tells the words apart, with 95 % "
        f"bootstrap intervals over utterances. The line is the share of a flat map over time; for {LOCAL}, whose cells "
        f"have frequencies too, that share is {rows[-1]['chance_mass']:.3f}.",
    )


def _curve_panel(found: dict[str, list[Found]]) -> Panel:
    shown = {name: [r.curves for r in results if r.curves is not None] for name, results in found.items()}
    shown = {name: kept for name, kept in shown.items() if kept}
    first = next(iter(shown.values()))
    series = [
        {"label": "oracle: burst first", "y": np.mean([c.oracle for c in first], axis=0)},
        *({"label": name, "y": np.mean([c.own for c in kept], axis=0)} for name, kept in shown.items()),
        {"label": "random order", "y": np.mean([c.random for c in first], axis=0)},
    ]
    return Panel(
        kind="lines",
        title="Score while segments are taken away",
        data={"x": GRID, "series": series, "x_label": "share of segments taken away", "y_label": "score, scaled"},
        caption="Mean over utterances; 1 is the score of the whole recording, 0 that of silence. The faster the "
        "fall, the better the order. The oracle knows the burst and then searches.",
    )
