"""Panels of attributions: relevance over time, in time-frequency cells, for all words at once, and the curves."""

from __future__ import annotations

from typing import Any

import numpy as np

from otoscope.core import Attribution, Explanation, Panel, PerturbationCurve, Target
from otoscope.views.checking import checks
from otoscope.views.reading import flat_map, name_of, sentence, stretch_of, warning_of

RELEVANCE_CAPTION = (
    "How much each stretch of sound spoke for (above zero) or against (below) the word, in nats of its score. "
    "Thin lines are one standard error. The dotted line is a map that knows nothing: the same positive relevance "
    "spread evenly over time."
)
MAP_CAPTION = (
    "The same question asked of time-frequency cells: orange speaks for the word, blue against; "
    "a map that knows nothing would be one even tint."
)
CURVE_CAPTION = (
    "The score while segments are taken away (deletion) or put back (insertion), most relevant first. The grey band "
    "holds random orders: a map no better than chance stays inside it. A good map falls below it in deletion and "
    "rises above it in insertion."
)
MATRIX_CAPTION = (
    "One row a word, in order; each row is scaled to its own strongest segment. The outline is the word's own time: "
    "a recogniser that hears each word where it is spoken draws a diagonal; chance draws even rows."
)


def has_bands(attribution: Attribution) -> bool:
    """Whether the segments are time-frequency cells or bands rather than stretches of time."""
    return any(segment.low_hz is not None for segment in attribution.segments)


def _target(target: Target) -> dict[str, Any]:
    interval = target.interval
    return {
        "label": target.label,
        "rival": target.rival,
        "position": target.position,
        "interval": None if interval is None else (interval.start_s, interval.end_s),
    }


def relevance_panel(attribution: Attribution) -> Panel:
    """Return relevance over time, or over time-frequency cells where the segments have bands."""
    segments = attribution.segments
    stretch = stretch_of(attribution)
    data: dict[str, Any] = {
        "target": _target(attribution.target),
        "start_s": np.array([s.start_s for s in segments], dtype=float),
        "end_s": np.array([s.end_s for s in segments], dtype=float),
        "labels": tuple(s.label for s in segments),
        "relevance": attribution.relevance,
        "flat": flat_map(attribution),
        "error": _standard_error(attribution),
        "unit": "nats",
        "reading": sentence(attribution),
        "stretch": None if stretch is None else (stretch.start_s, stretch.end_s),
    }
    banded = has_bands(attribution)
    if banded:
        data["low_hz"] = np.array([0.0 if s.low_hz is None else s.low_hz for s in segments])
        data["high_hz"] = np.array([np.inf if s.high_hz is None else s.high_hz for s in segments])
    kind, caption = ("relevance_map", MAP_CAPTION) if banded else ("relevance", RELEVANCE_CAPTION)
    title = f"Why {name_of(attribution.target)}" + (", in time and frequency" if banded else "")
    return Panel(kind, title, data, caption, warning_of(attribution))


def _standard_error(attribution: Attribution) -> np.ndarray | None:
    """Return the standard error of each relevance, in nats, where the method gave one in its settings."""
    error = attribution.settings.get("standard_error")
    if error is None or len(error) != attribution.relevance.size:
        return None
    return np.asarray(error, dtype=float)


def curves_panel(curves: tuple[PerturbationCurve, ...], *, title: str = "Faithfulness", warning: str = "") -> Panel:
    """Return deletion and insertion curves, each with the range and mean of its random orders."""
    return Panel("curves", title, {"curves": [_curve(c) for c in curves], "unit": "nats"}, CURVE_CAPTION, warning)


def _curve(curve: PerturbationCurve) -> dict[str, Any]:
    some = curve.random_scores.shape[0] > 0
    return {
        "direction": curve.direction,
        "fill": curve.fill,
        "fractions": curve.fractions,
        "scores": curve.scores,
        "random_low": curve.random_scores.min(axis=0) if some else None,
        "random_mean": curve.random_scores.mean(axis=0) if some else None,
        "random_high": curve.random_scores.max(axis=0) if some else None,
        "n_orders": curve.random_scores.shape[0],
        "auc": curve.auc,
        "random_auc": curve.random_auc if some else None,
    }


def checks_panel(attribution: Attribution) -> Panel:
    """Return the checks of a map as a table: value, chance level, what it means."""
    rows = [[c.group, c.name, c.text, c.chance_text or "–", c.remark] for c in checks(attribution)]
    data = {"columns": ["question", "check", "value", "chance", "meaning"], "rows": rows}
    return Panel("table", f"Checks of {name_of(attribution.target)}", data, warning=warning_of(attribution))


def attribution_panels(attribution: Attribution) -> tuple[Panel, ...]:
    """Return relevance, curves (where measured) and checks of one attribution."""
    panels = [relevance_panel(attribution)]
    if attribution.trust.curves:
        title = f"Faithfulness for {name_of(attribution.target)}"
        panels.append(curves_panel(attribution.trust.curves, title=title, warning=warning_of(attribution)))
    return (*panels, checks_panel(attribution))


def matrix_panel(explanation: Explanation) -> Panel:
    """Return the relevance of every explained target, one row each."""
    rows = [
        {
            "target": _target(a.target),
            "start_s": np.array([s.start_s for s in a.segments]),
            "end_s": np.array([s.end_s for s in a.segments]),
            "relevance": a.relevance,
            "warning": warning_of(a),
        }
        for a in explanation
    ]
    data = {"rows": rows, "duration_s": explanation.trace.recording.duration_s}
    return Panel("relevance_matrix", "All words at once", data, MATRIX_CAPTION)
