"""A fit as a Finding: parameters with intervals, held-out items beside baseline and ceiling, and two pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Finding, Panel
from otoscope.listener.fitting.fit import RtFit
from otoscope.listener.fitting.judging import Judgement
from otoscope.listener.fitting.likelihood import Likelihood
from otoscope.listener.fitting.trials import Trials

Floats = NDArray[np.float64]
BIN_S = 0.05
NAMES = {
    "frequency_weight": "λ, weight of word frequency", "acoustic_scale": "κ, scale of activations",
    "threshold": "θ, lead that decides (nats)", "beta_s": "β, seconds a bit", "execution_s": "execution (s)",
}  # fmt: skip


def parameter_rows(fit: RtFit, intervals: Mapping[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """Return a row for each parameter: value, interval, and whether it was fixed."""
    rows = []
    for name, value in fit.parameters.items():
        low, high = intervals.get(name, (None, None))
        rows.append({"parameter": name, "meaning": NAMES.get(name, name), "value": value, "low": low, "high": high,
                     "fixed": name in fit.fixed})  # fmt: skip
    return rows


def item_rows(trials: Trials, fit: RtFit) -> list[dict[str, Any]]:
    """Return a row for each item: predicted time, geometric mean of reaction times (listeners taken out), trials."""
    seen = np.exp(trials.item_means(Likelihood(trials).adjusted_of(trials, fit.explained)))
    n = np.bincount(trials.item, minlength=len(trials.items))
    execution_s = fit.parameters["execution_s"]
    return [
        {"item": name, "predicted_s": float(fit.times_s[k]), "t_decision_s": float(fit.times_s[k] - execution_s),
         "t_exec_s": execution_s, "observed_s": float(seen[k]), "n_trials": int(n[k])}
        for k, name in enumerate(trials.items)
    ]  # fmt: skip


def fit_finding(
    trials: Trials, fit: RtFit, intervals: Mapping[str, tuple[float, float]], judgement: Judgement | None,
    *, left_out: Mapping[str, str], provenance: Mapping[str, Any],
) -> Finding:  # fmt: skip
    """Return what a fit found; without a judgement (items without durations, or too few) that is said."""
    rows = parameter_rows(fit, intervals)
    judged = None if judgement is None else judgement.finding(fit)
    held_out = "" if judged is None else f" {judged.summary}"
    said = ", ".join(f"{row['parameter']} {row['value']:.3g}{_range(row)}" for row in rows)
    summary = (
        f"{len(trials)} trials of {len(trials.items)} items and {len(trials.listeners)} listeners: {said}.{held_out}"
    )
    panels = [_scatter(trials, fit), _distribution(trials, fit), _parameters(rows)]
    if judged is not None:
        panels = [*judged.panels, *panels, _judged(judged)]
    failures = list(() if judged is None else judged.failures)
    failures += [f"left out {name}: {why}" for name, why in left_out.items()]
    known = {**provenance, "sigma": fit.explained.sigma, "previous_rt": fit.explained.previous,
             "log_likelihood": fit.log_likelihood}  # fmt: skip
    return Finding("fit-listener", summary, tuple(item_rows(trials, fit)), tuple(panels), known, tuple(failures))


def fit_record(
    fit: RtFit, rows: list[dict[str, Any]], judgement: Judgement | None, items: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return a fit for JSON."""
    return {
        "parameters": rows, "sigma": fit.explained.sigma, "previous_rt": fit.explained.previous,
        "log_likelihood": fit.log_likelihood, "listeners": list(map(float, fit.explained.listeners)),
        "held_out": None if judgement is None else asdict(judgement), "items": items,
    }  # fmt: skip


def _range(row: Mapping[str, Any]) -> str:
    return " (fixed)" if row["fixed"] else "" if row["low"] is None else f" ({row['low']:.3g} to {row['high']:.3g})"


def _scatter(trials: Trials, fit: RtFit) -> Panel:
    rows = item_rows(trials, fit)
    x, y = (np.array([row[name] for row in rows]) for name in ("predicted_s", "observed_s"))
    r = float(np.corrcoef(np.log(x), np.log(y))[0, 1]) if x.std() > 0 else float("nan")
    data = {"x": x, "y": y, "groups": ["items"] * x.size, "x_label": "predicted (s)", "y_label": "observed mean (s)"}
    return Panel(
        "scatter", "Items: predicted beside observed", data, f"These items were fitted; r of logarithms {r:.2f}."
    )


def _distribution(trials: Trials, fit: RtFit) -> Panel:
    """Return the histogram of reaction times and what the fit expects, trial by trial."""
    edges = np.arange(np.floor(trials.rt_s.min() / BIN_S), np.ceil(trials.rt_s.max() / BIN_S) + 1) * BIN_S
    seen, _ = np.histogram(trials.rt_s, edges)
    middle = (edges[1:] + edges[:-1]) / 2
    likelihood = Likelihood(trials)
    adjusted = likelihood.adjusted_of(trials, fit.explained)
    mean = np.log(fit.times_s - fit.shift_s)[trials.item] + np.log(trials.rt_s) - adjusted
    shifted = np.maximum(middle - fit.shift_s, 1e-9)
    sigma = fit.explained.sigma
    z = (np.log(shifted)[:, None] - mean[None, :]) / sigma
    density = np.exp(-0.5 * z**2).mean(axis=1) / (sigma * np.sqrt(2 * np.pi) * shifted)
    data = {
        "x": middle, "x_label": "reaction time (s)", "y_label": "density (1/s)",
        "series": [{"label": "observed", "y": seen / (seen.sum() * BIN_S)}, {"label": "fitted", "y": density}],
    }  # fmt: skip
    return Panel("lines", "Reaction times", data, "Observed in bins of 50 ms, and the mean of the fitted densities.")


def _parameters(rows: list[dict[str, Any]]) -> Panel:
    columns = ["parameter", "meaning", "value", "low", "high", "fixed"]
    return Panel("table", "Parameters", {"columns": columns, "rows": [[row[name] for name in columns] for row in rows]},
                 "Greatest likelihood; intervals by drawing items anew.")  # fmt: skip


def _judged(judged: Finding) -> Panel:
    columns = list(judged.table[0])
    rows = [[row[name] for name in columns] for row in judged.table]
    return Panel(
        "table", "Held-out items", {"columns": columns, "rows": rows}, "Each fold foretold by a fit to the rest."
    )
