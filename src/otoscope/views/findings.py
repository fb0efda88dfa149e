"""Findings as a page, and as part of the report: every Panel a picture, a table or something to play."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import otoscope
from otoscope.core import Finding, Panel
from otoscope.views.colour import data_uri
from otoscope.views.evaluations import flac_bytes
from otoscope.views.pages import EARLY, asset, content_policy

MOST_ROWS = 200
"""Rows of a table that a page shows; the rest is in the JSON."""
MOST_OPEN = 12
"""Rows of a table that is shown without being asked for."""


def findings_html(findings: Sequence[Finding], *, title: str, subtitle: str = "", most_open: int = MOST_OPEN) -> str:
    """Return a self-contained page of findings, ready to be written as UTF-8.

    Parameters
    ----------
    findings
        What analyses found, most important first.
    title, subtitle
        The heading: the recording or corpus, and what is known of it.
    most_open
        Tables of up to so many rows are shown at once, longer ones when asked for.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    style, script = asset("report.css") + asset("findings.css"), asset("theme.js")
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    html = template.from_string(asset("finding.html.j2") + asset("findings.html.j2")).render(
        policy=content_policy(style, (EARLY, script)),
        style=Markup(style),
        early=Markup(EARLY),
        script=Markup(script),
        title=title,
        subtitle=subtitle,
        findings=[{**shown(finding), "opened": len(finding.table) <= most_open} for finding in findings],
        version=otoscope.__version__,
    )
    return html.encode("utf-8", "replace").decode("utf-8")


def shown(finding: Finding) -> dict[str, Any]:
    """Return what the template of a finding needs: its sentence, its Panels as markup's raw material, its table."""
    columns = list(finding.table[0]) if finding.table else []
    rows = [[_cell(row[name]) for name in columns] for row in finding.table[:MOST_ROWS]]
    return {
        "name": finding.name,
        "heading": finding.name.replace("-", " "),
        "summary": finding.summary,
        "about": _about(finding),
        "failures": list(finding.failures),
        "panels": [_shown_panel(panel) for panel in finding.panels],
        "columns": columns,
        "rows": rows,
        "n_more": max(0, len(finding.table) - MOST_ROWS),
        "opened": len(finding.table) <= MOST_OPEN,
        "facts": [(str(name), _fact(value)) for name, value in finding.provenance.items()],
    }


def _about(finding: Finding) -> str:
    """Return which word or text was asked about, where the finding says so."""
    target, rival = finding.provenance.get("target"), finding.provenance.get("rival")
    if not isinstance(target, str) or not target or f"“{target}”" in finding.summary:
        return ""
    return f"Asked about “{target}”" + (f" rather than “{rival}”." if isinstance(rival, str) else ".")


def _shown_panel(panel: Panel) -> dict[str, Any]:
    common = {"title": panel.title, "caption": panel.caption, "warning": panel.warning}
    data = panel.data
    if panel.kind == "text":
        return {**common, "kind": "text", "text": str(data["text"])}
    if panel.kind in ("table", "facts"):
        rows = data["rows"] if panel.kind == "table" else data["facts"]
        columns = list(data["columns"]) if panel.kind == "table" else []
        return {**common, "kind": "table", "columns": columns, "rows": [[_cell(cell) for cell in row] for row in rows]}
    if panel.kind == "sounds":
        sounds = [
            {"label": str(each["label"]), "src": data_uri(flac_bytes(each["recording"]), "audio/flac")}
            for each in data["sounds"]
        ]
        return {**common, "kind": "sounds", "sounds": sounds}
    return {**common, "kind": "picture", "src": data_uri(_picture(panel), "image/svg+xml")}


def _picture(panel: Panel) -> bytes:
    from otoscope.views.drawing import saved
    from otoscope.views.figures import figure

    buffer = io.BytesIO()
    saved(figure(panel, width_in=8.0), buffer, "svg")
    return buffer.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", "−")
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    return str(value)


def _fact(value: Any) -> str:
    if isinstance(value, dict) or hasattr(value, "items"):
        return ", ".join(f"{key} {_fact(each)}" for key, each in value.items()) or "none"
    return _cell(value)
