"""How good is a fit? Held-out items, beside the duration-only baseline and what the data themselves allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Finding, Panel
from otoscope.listener.fitting.fit import RtFit, Times, fit_rts
from otoscope.listener.fitting.likelihood import Likelihood
from otoscope.listener.fitting.predicting import DurationTimes
from otoscope.listener.fitting.trials import Trials

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class HeldOut:
    """How well items that were not fitted are foretold.

    Parameters
    ----------
    r_items
        Correlation of foretold times with item means of log reaction times (listeners and what came before taken out).
    r_trials
        The same over single trials; much lower, and not comparable.
    log_likelihood
        Per trial, natural.
    """

    r_items: float
    r_trials: float
    log_likelihood: float


@dataclass(frozen=True)
class Judgement:
    """The model and the duration-only baseline on held-out items; the ceiling is `split_half`, reliability of items."""

    model: HeldOut
    duration: HeldOut
    split_half: float
    n_folds: int

    def finding(self, fit: RtFit | None = None) -> Finding:
        """Return rows, picture and sentence."""
        rows = [
            {"what": name, "r_items": one.r_items, "r_trials": one.r_trials, "log_likelihood": one.log_likelihood}
            for name, one in (("listener", self.model), ("duration only", self.duration))
        ]
        rows.append(
            {"what": "ceiling (split half)", "r_items": self.split_half, "r_trials": None, "log_likelihood": None}
        )
        summary = (
            f"On held-out items the listener correlates {self.model.r_items:.2f} with mean log reaction times, "
            f"duration alone {self.duration.r_items:.2f}; two halves of their answers agree to {self.split_half:.2f}."
        )
        bars = {"labels": [str(row["what"]) for row in rows], "values": [row["r_items"] for row in rows]}
        panel = Panel("bars", "Reaction times of held-out items", {**bars, "y_label": "r with item means"})
        failures = () if self.model.r_items > self.duration.r_items else ("no better than duration alone",)
        return Finding("rt-fit", summary, tuple(rows), (panel,), dict(fit.parameters) if fit else {}, failures)


def judged(
    trials: Trials,
    times: Times,
    *,
    fixed: Mapping[str, float] | None = None,
    shift_s: float = 0.0,
    n_folds: int = 5,
    seed: int = 0,
) -> Judgement:
    """Fit on some items and foretell the others, in turn; the duration-only baseline likewise.

    Parameters
    ----------
    trials
        Items need durations.
    times
        Of the model.
    fixed, shift_s
        As for `fit_rts`.
    n_folds, seed
        How items are parted.
    """
    model = held_out(trials, times, fixed=fixed, shift_s=shift_s, n_folds=n_folds, seed=seed)
    duration = held_out(trials, DurationTimes(trials.duration_s), shift_s=shift_s, n_folds=n_folds, seed=seed)
    return Judgement(model, duration, split_half(trials, seed=seed), n_folds)


def held_out(
    trials: Trials,
    times: Times,
    *,
    fixed: Mapping[str, float] | None = None,
    shift_s: float = 0.0,
    n_folds: int = 5,
    seed: int = 0,
) -> HeldOut:
    """Return how well each fold of items is foretold by a fit to the others."""
    heard = np.unique(trials.item)
    if not 2 <= n_folds <= heard.size:
        raise BadInput(f"items can be parted into 2 to {heard.size} folds, got {n_folds}")
    fold_of = np.full(len(trials.items), -1)
    fold_of[np.random.default_rng(seed).permutation(heard)] = np.arange(heard.size) % n_folds
    foretold, seen, total = np.zeros(len(trials)), np.zeros(len(trials)), 0.0
    for fold in range(n_folds):
        test = fold_of[trials.item] == fold
        fit = fit_rts(trials.only(~test), times, fixed=fixed, shift_s=shift_s)
        part = trials.only(test)
        seen[test] = Likelihood(trials.only(~test)).adjusted_of(part, fit.explained)
        foretold[test] = np.log(fit.times_s - shift_s)[part.item]
        scale = fit.explained.sigma
        left = np.log(part.rt_s - shift_s) - (np.log(part.rt_s) - seen[test]) - foretold[test]
        total += float((-0.5 * (left / scale) ** 2 - np.log(scale * np.sqrt(2 * np.pi))).sum())
        total -= float(np.log(part.rt_s - shift_s).sum())
    means = trials.item_means(foretold)[heard], trials.item_means(seen)[heard]
    return HeldOut(_r(*means), _r(foretold, seen), total / len(trials))


def split_half(trials: Trials, *, n_splits: int = 50, seed: int = 0) -> float:
    """Return the reliability of item means: trials of each item parted at random, Spearman–Brown corrected.

    Times are logarithms, each listener's mean taken out. The square root of it is the highest correlation that a model
    free of error could reach with item means.

    Parameters
    ----------
    trials
        Items with fewer than two trials do not count.
    n_splits, seed
        Random halves, averaged.
    """
    rng = np.random.default_rng(seed)
    logs = np.log(trials.rt_s)
    n = np.maximum(np.bincount(trials.listener, minlength=len(trials.listeners)), 1)
    logs = logs - (np.bincount(trials.listener, weights=logs, minlength=n.size) / n)[trials.listener]
    found = []
    for _ in range(n_splits):
        order = np.lexsort((rng.random(len(trials)), trials.item))
        rank = np.arange(len(trials)) - np.searchsorted(trials.item[order], trials.item[order])
        first = np.zeros(len(trials), dtype=bool)
        first[order] = rank % 2 == 0
        halves = [trials.only(keep).item_means(logs[keep]) for keep in (first, ~first)]
        both = np.isfinite(halves[0]) & np.isfinite(halves[1])
        if both.sum() < 3:
            raise BadInput("fewer than three items were heard twice: there are no halves to compare")
        found.append(_r(halves[0][both], halves[1][both]))
    r = float(np.mean(found))
    return 2 * r / (1 + r)


def _r(a: Floats, b: Floats) -> float:
    return float("nan") if a.std() == 0 or b.std() == 0 else float(np.corrcoef(a, b)[0, 1])
