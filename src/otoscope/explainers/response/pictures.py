"""Panels of responses: shares with their intervals and fitted functions, scores, and all points as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from otoscope.core import Panel, Target
from otoscope.explainers.response.dimensions import Dimension
from otoscope.explainers.response.sides import Side
from otoscope.explainers.response.trials import Trials
from otoscope.metrics.psychometric import wilson_interval

N_FINE = 121
CAPTION = (
    "Share of trials in which the word was recognised at its place, with 95 % intervals (Wilson); lines are functions "
    "fitted by maximum likelihood, vertical marks their thresholds with bootstrap intervals. No mark: the threshold "
    "lies beyond the levels tried."
)


def responses_panel(
    axis: Dimension, targets: Sequence[Target], trials: Trials, sides: Sequence[Sequence[Side]], *, warning: str = ""
) -> Panel:
    """Return the psychometric functions of all targets."""
    series = []
    for column, target in enumerate(targets):
        counts = trials.recognized[:, :, column].sum(1)
        n_trials = trials.recognized.shape[1]
        ends = np.array([wilson_interval(int(count), n_trials) for count in counts])
        series.append(
            {
                "label": name_of(target),
                "x": np.array(trials.levels),
                "share": counts / n_trials,
                "low": ends[:, 0],
                "high": ends[:, 1],
                "fits": [_line(side) for side in sides[column]],
            }
        )
    data = {"series": series, "x_label": axis.x_label, "y_label": "share recognised", "log_x": axis.logarithmic,
            "reference": axis.reference}  # fmt: skip
    return Panel("responses", f"What is recognised along {axis.label}", data, CAPTION, warning)


def _line(side: Side) -> dict[str, Any]:
    first, last = (float(end) for end in side.axis.scaled((side.levels[0], side.levels[-1])))
    places = np.linspace(first, last, N_FINE)
    low, high = side.fit.interval
    return {
        "x": np.array([side.axis.unscaled(float(place)) for place in places]),
        "y": side.fit.function(places),
        "threshold": side.level(side.fit.threshold),
        "low": side.level(low),
        "high": side.level(high),
        "at": float(side.fit.function([side.fit.function.threshold])[0]),
    }


def scores_panel(axis: Dimension, targets: Sequence[Target], trials: Trials) -> Panel:
    """Return mean scores along the dimension, with the range of the trials."""
    series = [
        {
            "label": name_of(target),
            "y": trials.scores[:, :, column].mean(1),
            "low": trials.scores[:, :, column].min(1),
            "high": trials.scores[:, :, column].max(1),
        }
        for column, target in enumerate(targets)
    ]
    data = {"x": np.array(trials.levels), "series": series, "x_label": axis.x_label, "y_label": "score (nats)"}
    return Panel("lines", f"Scores along {axis.label}", data, "Mean over trials; bands reach from least to greatest.")


def points_panel(axis: Dimension, targets: Sequence[Target], trials: Trials) -> Panel:
    """Return every point as a table."""
    n_trials = trials.recognized.shape[1]
    rows = [
        [name_of(target), float(level), int(trials.recognized[row, :, column].sum()), n_trials,
         float(trials.scores[row, :, column].mean()), trials.instead[row][column] or "–"]
        for column, target in enumerate(targets)
        for row, level in enumerate(trials.levels)
    ]  # fmt: skip
    columns = ["word", axis.x_label, "recognised", "of", "mean score (nats)", "heard instead, most often"]
    return Panel("table", f"Every level of {axis.label}", {"columns": columns, "rows": rows})


def name_of(target: Target) -> str:
    """Return the word, with its rival where there is one."""
    return target.label if target.rival is None else f"{target.label} rather than {target.rival}"
