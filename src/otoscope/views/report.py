"""The report: one self-contained HTML page that says what was heard and why. Opens anywhere, sends nothing.

In comes an Explanation, out goes HTML text. The page holds the sound, the pictures' data and its own script and style;
a Content-Security-Policy names these by hash and forbids everything else, so nothing can be fetched from anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import otoscope
from otoscope.core import Explanation, Finding
from otoscope.io.audio import wav_bytes
from otoscope.views.attributions import CURVE_CAPTION, MAP_CAPTION, MATRIX_CAPTION, RELEVANCE_CAPTION
from otoscope.views.colour import data_uri
from otoscope.views.findings import shown
from otoscope.views.pages import EARLY, asset, content_policy
from otoscope.views.payload import items_of, payload_of, script_json
from otoscope.views.provenance import explanation_facts
from otoscope.views.tables import N_BEST, differences, words_panel

SCRIPTS = ("state.js", "stage.js", "charts.js", "report.js")


def report_html(
    explanation: Explanation,
    *,
    title: str | None = None,
    findings: Sequence[Finding] = (),
    listening: Finding | None = None,
) -> str:
    """Return the page as text, ready to be written as UTF-8.

    Parameters
    ----------
    explanation
        What to show; no words, missing phones and missing time-frequency maps are all allowed.
    title
        The heading; the recording's file name where it has one.
    findings
        What further analyses found of the same recording.
    listening
        What a simulated listener would have heard; `None`: it was not asked.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    items = items_of(explanation)
    style = asset("report.css") + asset("findings.css")
    script = "\n".join(asset(name) for name in SCRIPTS)
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    html = template.from_string(asset("finding.html.j2") + asset("report.html.j2")).render(
        policy=content_policy(style, (EARLY, script)),
        style=Markup(style),
        early=Markup(EARLY),
        script=Markup(script),
        data=Markup(script_json(payload_of(explanation, items))),
        audio=data_uri(wav_bytes(explanation.trace.recording), "audio/wav"),
        items=items,
        findings=[shown(finding) for finding in findings],
        listening=None if listening is None else shown(listening),
        **_texts(explanation, title),
    )
    return html.encode("utf-8", "replace").decode("utf-8")


def _texts(explanation: Explanation, title: str | None) -> dict[str, Any]:
    trace = explanation.trace
    recording, who = trace.recording, trace.provenance
    source = PurePath(recording.source).name if recording.source else "Recording"
    best = trace.hypothesis.words
    nbest = [
        {
            "parts": differences(h.words, best) if h.words else [("(no words)", False)],
            "score": None if h.log_score is None else f"{h.log_score:.1f}".replace("-", "−"),
        }
        for h in trace.hypotheses[:N_BEST]
    ]
    return {
        "title": title or source,
        "subtitle": f"{recording.duration_s:.2f} s at {recording.rate_hz / 1000:g} kHz",
        "heard_by": f"{who.recognizer} {who.version}",
        "n_explained": sum(1 for a in explanation),
        "n_failed": sum(1 for a in explanation if not a.trust.passed),
        "nbest": nbest,
        "n_hypotheses": len(trace.hypotheses),
        "words": words_panel(explanation),
        "facts": explanation_facts(explanation).data["facts"],
        "captions": {
            "relevance": RELEVANCE_CAPTION,
            "map": MAP_CAPTION,
            "curves": CURVE_CAPTION,
            "matrix": MATRIX_CAPTION,
        },
        "version": otoscope.__version__,
    }
