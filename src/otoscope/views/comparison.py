"""The page of a comparison: who made fewer errors, whether that is more than chance, and the words with their sound.

In comes a Comparison, out goes HTML text: self-contained like the report, and by the same policy unable to fetch
anything. Utterances are listed by the number of places in which the recognisers differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import otoscope
from otoscope.core import Panel
from otoscope.recognizers.evaluation.comparison import Comparison
from otoscope.recognizers.evaluation.differences import Column, DifferentUtterance
from otoscope.recognizers.evaluation.panels import comparison_panels, facts_panel
from otoscope.views.colour import data_uri
from otoscope.views.evaluations import bars_svg, flac_bytes
from otoscope.views.pages import EARLY, asset, content_policy
from otoscope.views.payload import script_json

SOUND_UP_TO_S = 300.0
"""Sound on one page; the utterances after that come without theirs."""
MOST_UTTERANCES = 300
LINE = 104
"""Characters of the widest words in a line."""
MARGIN_S = 0.15
"""Played before and after a word."""


def comparison_html(comparison: Comparison, *, title: str | None = None) -> str:
    """Return the page as text, ready to be written as UTF-8.

    Parameters
    ----------
    comparison
        What to show.
    title
        The heading; the corpus and its split by default.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    first = comparison.evaluations[0]
    bars, pairs, *groups = comparison_panels(comparison.evaluations, comparison.pairs)
    shown = sorted(comparison.differences, key=lambda one: (-one.n_different, one.utterance.id))[:MOST_UTTERANCES]
    sounds = _sounds(shown)
    style = asset("report.css") + asset("comparison.css")
    script = asset("comparison.js")
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    html = template.from_string(asset("comparison.html.j2")).render(
        policy=content_policy(style, (EARLY, script)),
        style=Markup(style),
        early=Markup(EARLY),
        script=Markup(script),
        data=Markup(script_json({"sounds": sounds, "margin": MARGIN_S})),
        title=title or f"{first.corpus}, {first.split}",
        names=comparison.names,
        summary=comparison.summary,
        bars=Markup(bars_svg(bars)),
        tables=[_printable(panel) for panel in (_rates_panel(comparison, bars.caption), pairs, *groups)],
        utterances=[_utterance(one, comparison) for one in shown],
        n_more=len(comparison.differences) - len(shown),
        n_silent=len(shown) - len(sounds),
        n_different=sum(one.n_different for one in comparison.differences),
        n_utterances=len(first.judged),
        facts=[facts_panel(evaluation) for evaluation in comparison.evaluations],
        provenance=[_provenance(comparison, index) for index in range(len(comparison.names))],
        version=otoscope.__version__,
    )
    return html.encode("utf-8", "replace").decode("utf-8")


def _sounds(shown: Sequence[DifferentUtterance]) -> dict[str, str]:
    """Return the sound of utterances by their identity, as long as there is room."""
    sounds: dict[str, str] = {}
    spent_s = 0.0
    for one in shown:
        recording = one.utterance.recording()
        spent_s += recording.duration_s
        if spent_s > SOUND_UP_TO_S:
            break
        sounds[one.utterance.id] = data_uri(flac_bytes(recording), "audio/flac")
    return sounds


def _rates_panel(comparison: Comparison, caption: str) -> Panel:
    columns = ["", "WER", "low", "high", "subst.", "del.", "ins.", "CER", "real time", "MB"]
    percents = ("wer", "low", "high")
    rows = [
        [
            row["recognizer"],
            *(_percent(row[name]) for name in percents),
            *(str(row[name]) for name in ("substitutions", "deletions", "insertions")),
            _percent(row["cer"]),
            f"{row['rtf']:.3f}",
            f"{row['peak_memory_mb']:.0f}",
        ]
        for row in comparison.table
    ]
    return Panel("table", "Errors", {"columns": columns, "rows": rows}, caption)


def _printable(panel: Panel) -> dict[str, Any]:
    rates = panel.title.startswith("Word errors by")
    rows = [[_cell(cell, rates=rates and index > 1) for index, cell in enumerate(row)] for row in panel.data["rows"]]
    return {"title": panel.title, "columns": panel.data["columns"], "rows": rows, "caption": panel.caption}


def _cell(value: Any, *, rates: bool) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return _percent(value) if rates else f"{value:.3g}".replace("-", "−")
    return str(value)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _utterance(one: DifferentUtterance, comparison: Comparison) -> dict[str, Any]:
    return {
        "id": one.utterance.id,
        "speaker": one.utterance.speaker,
        "n_different": one.n_different,
        "lines": [
            {
                "columns": [_column(column) for column in line],
                "rows": [
                    {"name": name, "cells": [_heard(column, index) for column in line]}
                    for index, name in enumerate(comparison.names)
                ],
            }
            for line in _lines(one.columns)
        ],
    }


def _lines(columns: Sequence[Column]) -> list[list[Column]]:
    """Break an utterance into lines of about `LINE` characters."""
    lines: list[list[Column]] = [[]]
    used = 0
    for column in columns:
        width = max(map(len, (column.said, *column.heard))) + 2
        if lines[-1] and used + width > LINE:
            lines.append([])
            used = 0
        lines[-1].append(column)
        used += width
    return lines


def _column(column: Column) -> dict[str, Any]:
    start_s, end_s = column.start_s, column.end_s
    return {
        "said": column.said,
        "differs": column.differs,
        "start": None if start_s is None else round(start_s, 3),
        "end": None if end_s is None else round(end_s, 3),
        "measured": column.measured,
    }


def _heard(column: Column, index: int) -> dict[str, Any]:
    word = column.heard[index]
    kind = "right" if word == column.said else "missing" if not word else "wrong"
    return {"word": word, "kind": kind, "differs": column.differs}


def _provenance(comparison: Comparison, index: int) -> list[tuple[str, str]]:
    evaluation = comparison.evaluations[index]
    who = evaluation.provenance
    return [
        ("recogniser", f"{who.recognizer} {who.version}"),
        ("weights", who.weights_sha256 or "none"),
        ("parameters", ", ".join(f"{key} {value}" for key, value in sorted(who.parameters.items())) or "none"),
        ("corpus", f"{evaluation.corpus}, split {evaluation.split}, {len(evaluation.judged)} utterances"),
        ("seed", str(evaluation.seed)),
    ]
