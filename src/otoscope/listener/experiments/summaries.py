"""Means by condition with intervals over items; trials go in, rows of a table and pictures come out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Finding, Panel
from otoscope.listener.experiments.designs import Experiment
from otoscope.metrics.detection import d_prime
from otoscope.metrics.visual_world import ROLES

KINDS = ("word", "pseudoword")
Floats = NDArray[np.float64]
Trial = dict[str, Any]
N_RESAMPLES = 1000
NAMES = {
    "log_odds": "log-odds of the word", "after_join_s": "decision after the join (s)",
    "p_target": "p(target)", "p_second": "p(second phone)", "p_mean": "mean p(word) from onset", "rt_s": "RT (s)",
    "after_uniqueness_s": "decision after uniqueness point (s)", "recognised": "share recognised", "gate_s": "gate (s)",
    "snr_db": "signal-to-noise ratio (dB)", "step": "step of the continuum", "correct": "share correct",
    "lead_of_short": "lead of the short word (nats)", "phones_after": "phones after the end of the short word",
    "log_odds_of_short": "log-odds of short over long at the end", "p_short": "p(short)", "p_long": "p(long)",
    "isolation_s": "isolation point (s)", "sure_s": "sure from (s)", "leads": "share leading",
}  # fmt: skip


def summarised(experiment: Experiment, trials: Sequence[Trial], *, seed: int = 0) -> list[dict[str, Any]]:
    """Return rows `condition`, axis if there is one, `measure`, `mean`, `low`, `high`, `n_items`, `n_trials`.

    Intervals are 95 % percentile intervals, items drawn anew; with one item there are none.
    """
    axis, rows = experiment.axis, []
    order = list(dict.fromkeys(one["condition"] for one in trials))
    trials = carried_on(trials) if axis == "gate_s" else trials
    keys = sorted({(one["condition"], one.get(axis) if axis else None) for one in trials},
                  key=lambda key: (order.index(key[0]), key[1] or 0.0))  # fmt: skip
    for condition, at in keys:
        own = [one for one in trials if one["condition"] == condition and (axis is None or one[axis] == at)]
        for measure in experiment.measures:
            made = _mean(own, measure, seed)
            if made is not None:
                place = {axis: at} if axis else {}
                rows.append({"condition": condition, **place, "measure": measure, **made})
    for condition in dict.fromkeys(key[0] for key in keys):
        own = [one for one in trials if one["condition"] == condition]
        for measure in experiment.once:
            made = _mean(own, measure, seed)
            if made is not None:
                rows.append({"condition": condition, **({axis: None} if axis else {}), "measure": measure, **made})
    return rows


def _mean(trials: Sequence[Trial], measure: str, seed: int) -> dict[str, Any] | None:
    by_item: dict[str, list[float]] = {}
    for one in trials:
        if one.get(measure) is not None:
            by_item.setdefault(one["item"], []).append(float(one[measure]))
    if not by_item:
        return None
    means = np.array([np.mean(values) for values in by_item.values()])
    low, high = interval(means, seed)
    n_trials = sum(map(len, by_item.values()))
    return {"mean": float(means.mean()), "low": low, "high": high, "n_items": means.size, "n_trials": n_trials}


def interval(values: Floats, seed: int) -> tuple[float | None, float | None]:
    """Return the 95 % bootstrap interval of the mean of `(n_items,)`; `None` for one item."""
    if values.size < 2:
        return None, None
    drawn = np.random.default_rng(seed).integers(0, values.size, (N_RESAMPLES, values.size))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def carried_on(trials: Sequence[Trial]) -> list[Trial]:
    """Return gating trials at whole steps: a gate stands for its number, and the last of a word for all after it."""
    step_s = min(one["gate_s"] for one in trials)
    longest = max(one["gate"] for one in trials)
    items: dict[str, list[Trial]] = {}
    for one in trials:
        items.setdefault(one["item"], []).append(one)
    return [
        {**own[min(nth, len(own)) - 1], "gate_s": round(nth * step_s, 4)}
        for own in items.values() for nth in range(1, longest + 1)
    ]  # fmt: skip


def experiment_finding(
    experiment: Experiment, trials: Sequence[Trial], left_out: Sequence[str], setup: dict[str, Any], *, seed: int = 0
) -> Finding:
    """Return sentence, pictures, means by condition and the trials themselves."""
    rows = summarised(experiment, trials, seed=seed)
    panels = [*_curves(trials, seed), *_pictures(experiment, rows), *_beside_people(trials), _table(rows)]
    table = [{key: value for key, value in one.items() if key not in ("curves", "sound")} for one in trials]
    columns = list(dict.fromkeys(name for one in table for name in one))
    full = tuple({name: one.get(name) for name in columns} for one in table)
    failures = tuple(f"left out: {one}" for one in left_out)
    return Finding(experiment.name, _sentence(experiment, rows, trials), full, tuple(panels), setup, failures)


def _sentence(experiment: Experiment, rows: Sequence[dict[str, Any]], trials: Sequence[Trial]) -> str:
    first = experiment.measures[0]
    own = [row for row in rows if row["measure"] == first]
    if experiment.axis is not None and len(own) > 4:
        ends = [[row for row in own if row["condition"] == name] for name in dict.fromkeys(r["condition"] for r in own)]
        said = "; ".join(
            f"{part[0]['condition']}: from {part[0]['mean']:.2f} at {part[0][experiment.axis]:g} to "
            f"{part[-1]['mean']:.2f} at {part[-1][experiment.axis]:g}"
            for part in ends
        )
    else:
        said = "; ".join(f"{row['condition']} {row['mean']:.3f}{_range(row)}" for row in own)
    several = len({row["condition"] for row in rows}) > 1
    whole = [
        f"{row['condition'] + ': ' if several else ''}{NAMES.get(row['measure'], row['measure'])} {row['mean']:.3f}"
        f"{_range(row)}, {row['n_items']} items"
        for row in rows if row["measure"] in experiment.once
    ]  # fmt: skip
    said = "; ".join([said, *whole, *_told_apart(trials)])
    n_items = len({one["item"] for one in trials})
    asks = experiment.asks[0].upper() + experiment.asks[1:]
    return f"{asks} {len(trials)} trials of {n_items} items. Mean of {NAMES.get(first, first)}: {said}."


def _told_apart(trials: Sequence[Trial]) -> list[str]:
    """Return d' of yes and no, where there are both kinds of items."""
    kinds = {kind: [bool(one["said_word"]) for one in trials if one.get("kind") == kind] for kind in KINDS}
    words, others = (kinds[kind] for kind in KINDS)
    if not words or not others:
        return []
    return [f"d' {d_prime(sum(words), len(words), sum(others), len(others)):.2f}"]


def _range(row: dict[str, Any]) -> str:
    return "" if row["low"] is None else f" ({row['low']:.3f} to {row['high']:.3f})"


def _pictures(experiment: Experiment, rows: Sequence[dict[str, Any]]) -> list[Panel]:
    shown = [m for m in experiment.measures if any(row["measure"] == m for row in rows)]
    if experiment.axis is not None:
        return [_lines(experiment.axis, measure, rows) for measure in shown[:2]]
    if len({row["condition"] for row in rows}) == 1:
        return []  # a single bar is no picture: the table has it
    if experiment.name == "visual-world":
        shown = ["rt_s"]
    return [_bars(measure, rows) for measure in shown[:3]]


def _lines(axis: str, measure: str, rows: Sequence[dict[str, Any]]) -> Panel:
    own = [row for row in rows if row["measure"] == measure]
    x = sorted({row[axis] for row in own})
    series = []
    for condition in dict.fromkeys(row["condition"] for row in own):
        at = {row[axis]: row for row in own if row["condition"] == condition}
        y = [at[place]["mean"] if place in at else np.nan for place in x]
        ends = {
            name: np.array([at[p][name] if p in at and at[p][name] is not None else np.nan for p in x])
            for name in ("low", "high")
        }
        series.append({"label": condition, "y": np.array(y), **ends})
    name = NAMES.get(measure, measure)
    data = {"x": np.array(x), "series": series, "x_label": NAMES.get(axis, axis), "y_label": name}
    return Panel("lines", f"{name} by {NAMES.get(axis, axis)}", data, "Means over items with 95 % intervals.")


def _bars(measure: str, rows: Sequence[dict[str, Any]]) -> Panel:
    own = [row for row in rows if row["measure"] == measure]
    values = np.array([row["mean"] for row in own])
    name = NAMES.get(measure, measure)
    ends = {end: np.array([row["mean"] if row[end] is None else row[end] for row in own]) for end in ("low", "high")}
    data = {"labels": [row["condition"] for row in own], "values": values, **ends, "y_label": name}
    return Panel("bars", f"{name} by condition", data, "Means over items with 95 % intervals.")


def _curves(trials: Sequence[Trial], seed: int) -> list[Panel]:
    from otoscope.listener.experiments.pictures import TIMES_S

    own = [one["curves"] for one in trials if "curves" in one]
    if not own:
        return []
    series = []
    for role in ROLES:
        values = np.array([curves[role] for curves in own])
        ends = [interval(column, seed) for column in values.T]
        low, high = (np.array([np.nan if end[k] is None else end[k] for end in ends], dtype=float) for k in (0, 1))
        series.append({"label": role, "y": values.mean(axis=0), "low": low, "high": high})
    data = {"x": TIMES_S, "series": series, "x_label": "time from word onset (s)", "y_label": "share of looks"}
    return [Panel("lines", "Looks at each picture", data, "Means over trials with 95 % intervals.")]


def _beside_people(trials: Sequence[Trial]) -> list[Panel]:
    """Return reaction times beside people's, where the table has any."""
    own = [one for one in trials if one.get("human_rt_s") is not None and one.get("rt_s") is not None]
    if len(own) < 3:
        return []
    x, y = (np.array([one[name] for one in own]) for name in ("rt_s", "human_rt_s"))
    r = float(np.corrcoef(x, y)[0, 1]) if x.std() and y.std() else float("nan")
    data = {"x": x, "y": y, "groups": [one["condition"] for one in own], "x_label": "listener's RT (s)",
            "y_label": "people's mean RT (s)"}  # fmt: skip
    return [Panel("scatter", "Beside people", data, f"A point a trial; r = {r:.2f} over {len(own)}.")]


def _table(rows: Sequence[dict[str, Any]]) -> Panel:
    columns = list(rows[0]) if rows else []
    return Panel("table", "Means by condition", {"columns": columns, "rows": [list(row.values()) for row in rows]},
                 "95 % intervals: items drawn anew, 1000 times.")  # fmt: skip
