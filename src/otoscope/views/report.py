"""The report: one self-contained HTML page that says what was heard and why. Opens anywhere, sends nothing.

In comes an Explanation, out goes HTML text. The page holds the sound, the pictures' data and its own script and style;
a Content-Security-Policy names these by hash and forbids everything else, so nothing can be fetched from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import PurePath
from typing import Any

import otoscope
from otoscope.core import Explanation
from otoscope.io.audio import wav_bytes
from otoscope.views.attributions import CURVE_CAPTION, MAP_CAPTION, MATRIX_CAPTION, RELEVANCE_CAPTION
from otoscope.views.colour import data_uri
from otoscope.views.payload import items_of, payload_of, script_json
from otoscope.views.provenance import explanation_facts
from otoscope.views.tables import N_BEST, differences, words_panel

SCRIPTS = ("state.js", "stage.js", "charts.js", "report.js")
EARLY = (
    'document.documentElement.dataset.theme=matchMedia("(prefers-color-scheme: dark)").matches?"dark":"light";'
    'document.documentElement.classList.add("js")'
)


def report_html(explanation: Explanation, *, title: str | None = None) -> str:
    """Return the page as text, ready to be written as UTF-8.

    Parameters
    ----------
    explanation
        What to show; no words, missing phones and missing time-frequency maps are all allowed.
    title
        The heading; the recording's file name where it has one.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    items = items_of(explanation)
    style = asset("report.css")
    script = "\n".join(asset(name) for name in SCRIPTS)
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    html = template.from_string(asset("report.html.j2")).render(
        policy=content_policy(style, (EARLY, script)),
        style=Markup(style),
        early=Markup(EARLY),
        script=Markup(script),
        data=Markup(script_json(payload_of(explanation, items))),
        audio=data_uri(wav_bytes(explanation.trace.recording), "audio/wav"),
        items=items,
        **_texts(explanation, title),
    )
    return html.encode("utf-8", "replace").decode("utf-8")


def asset(name: str) -> str:
    """Return a text file of the pages: style, script or template."""
    return (files("otoscope.views") / "assets" / name).read_text(encoding="utf-8")


def content_policy(style: str, scripts: tuple[str, ...]) -> str:
    """Return the Content-Security-Policy of a page: its own style and scripts by hash, data for sound, else nothing."""

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"

    allowed = " ".join(digest(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {digest(style)}; "
        "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )


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
