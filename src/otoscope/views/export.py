"""Findings and Explanations as files: JSON for programs, CSV for tables, TextGrid for Praat, figures, sounds."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

from otoscope.core import Attribution, Explanation, Finding, Interval, Panel, Tier
from otoscope.io.annotation import Annotation
from otoscope.io.formats import write_annotation
from otoscope.io.jsonable import dumps
from otoscope.io.writing import write_bytes, write_text
from otoscope.views.evaluations import flac_bytes
from otoscope.views.figures import WORDY, figure, save_figure


def export_finding(finding: Finding, folder: Path) -> tuple[Path, ...]:
    """Write a Finding into a folder that is there: `NAME.json`, `NAME.csv`, a figure for each picture, its sounds.

    Returns
    -------
    tuple
        The files written.
    """
    written = [folder / f"{finding.name}.json"]
    plain = {name: getattr(finding, name) for name in ("name", "summary", "table", "provenance", "failures")}
    panels = [{"kind": p.kind, "title": p.title, "data": _data(p), "caption": p.caption, "warning": p.warning}
              for p in finding.panels]  # fmt: skip
    write_text(written[0], dumps({**plain, "panels": panels}))
    if finding.table:
        written.append(folder / f"{finding.name}.csv")
        write_text(written[-1], csv_text(finding.table))
    for index, panel in enumerate(finding.panels, start=1):
        written += _panel_files(panel, folder, f"{finding.name}-{index}")
    return tuple(written)


def export_explanation(explanation: Explanation, folder: Path, *, name: str = "explanation") -> tuple[Path, ...]:
    """Write an Explanation into a folder that is there: JSON, CSV (a row a segment and word), TextGrid and a figure.

    The TextGrid has the words and phones heard, and for each word a tier with the share of the relevance of each
    stretch of time, in percent of the strongest.
    """
    table = [row for each in explanation for row in relevance_rows(each)]
    written = [folder / f"{name}.json", folder / f"{name}.csv", folder / f"{name}.svg"]
    write_text(written[0], dumps({"heard": explanation.trace.text, "attributions": explanation.attributions,
                                  "cells": explanation.cells}))  # fmt: skip
    write_text(written[1], csv_text(table) if table else "")
    save_figure(figure(explanation), written[2])
    if explanation.trace.has("alignment"):
        tiers = [*explanation.trace.alignment.tiers, *(_relevance_tier(i, a) for i, a in enumerate(explanation))]
        written.append(folder / f"{name}.TextGrid")
        write_annotation(Annotation(name, explanation.trace.recording.duration_s, tuple(tiers)), written[-1])
    return tuple(written)


def relevance_rows(attribution: Attribution) -> list[dict[str, Any]]:
    """Return a row for each segment of a map."""
    return [
        {
            "target": attribution.target.label,
            "rival": attribution.target.rival,
            "method": attribution.method,
            "start_s": segment.start_s,
            "end_s": segment.end_s,
            "low_hz": segment.low_hz,
            "high_hz": segment.high_hz,
            "segment": segment.label,
            "relevance": float(value),
            "passed": attribution.trust.passed,
        }
        for segment, value in zip(attribution.segments, attribution.relevance, strict=True)
    ]


def csv_text(rows: Any) -> str:
    """Return rows as CSV (RFC 4180) with a head; lists stand as JSON.

    Examples
    --------
    >>> csv_text([{"word": "so", "share": 0.5}])
    'word,share\\r\\nso,0.5\\r\\n'
    """
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(list(rows[0]))
    for row in rows:
        writer.writerow(
            [dumps(value, indent=None).strip() if isinstance(value, list | tuple | dict) else value
             for value in row.values()]
        )  # fmt: skip
    return file.getvalue()


def _relevance_tier(index: int, attribution: Attribution) -> Tier:
    strongest = max((abs(float(value)) for value in attribution.relevance), default=0.0) or 1.0
    stretches: dict[tuple[float, float], float] = {}
    for segment, value in zip(attribution.segments, attribution.relevance, strict=True):
        place = (segment.start_s, segment.end_s)
        stretches[place] = stretches.get(place, 0.0) + float(value)
    intervals = tuple(Interval(a, b, f"{100 * value / strongest:.0f}") for (a, b), value in sorted(stretches.items()))
    return Tier(f"relevance {index + 1} {attribution.target.label}", intervals)


def _panel_files(panel: Panel, folder: Path, stem: str) -> list[Path]:
    if panel.kind == "sounds":
        paths = []
        for number, each in enumerate(panel.data["sounds"], start=1):
            label = re.sub(r"[^\w]+", "-", str(each["label"])).strip("-")[:40]
            paths.append(folder / f"{stem}-{number}-{label}.flac")
            write_bytes(paths[-1], flac_bytes(each["recording"]))
        return paths
    if panel.kind in WORDY:
        return []
    path = folder / f"{stem}.svg"
    save_figure(figure(panel), path)
    return [path]


def _data(panel: Panel) -> Any:
    if panel.kind == "sounds":
        return [str(each["label"]) for each in panel.data["sounds"]]
    return dict(panel.data)
