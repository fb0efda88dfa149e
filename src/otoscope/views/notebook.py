"""What results look like in a notebook: compact HTML fragments, self-contained, with all text escaped.

The whole report with its moving parts is `otoscope.views.report.report_html`; these fragments stay small enough that a
notebook can hold dozens of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from otoscope.core import Alignment, Attribution, BadInput, Explanation, Recording, Tier, Trace
from otoscope.io.audio import wav_bytes
from otoscope.recognizers.evaluation.comparison import Comparison
from otoscope.recognizers.evaluation.result import Evaluation
from otoscope.studies.result import StudyResult
from otoscope.views.attributions import matrix_panel, relevance_panel
from otoscope.views.checking import Check, checks
from otoscope.views.colour import ACCENT, data_uri
from otoscope.views.evaluations import bars_svg
from otoscope.views.reading import percent, sentence, span, stretch_of, warning_of
from otoscope.views.sound import waveform_panel
from otoscope.views.svg import matrix_svg, relevance_svg, waveform_svg

AUDIO_UP_TO_S = 60.0
"""Longer recordings are drawn but not embedded, to keep notebooks small."""
N_ROWS = 60
SMALL = "font-size:12px;opacity:0.75"


def html(obj: Any) -> str:
    """Return a fragment for a Recording, Trace, Tier, Alignment, Attribution, Explanation, StudyResult,
    Evaluation or Comparison.

    Raises
    ------
    BadInput
        Another kind of object was given.
    """
    for kind, build in _BUILDERS.items():
        if isinstance(obj, kind):
            return f'<div style="font-family:system-ui,sans-serif;max-width:680px;line-height:1.45">{build(obj)}</div>'
    allowed = ", ".join(kind.__name__ for kind in _BUILDERS)
    raise BadInput(f"a {type(obj).__name__} has no notebook view; what has one: {allowed}")


def _p(text: str, style: str = "") -> str:
    return f'<p style="margin:4px 0;{style}">{text}</p>'


def _recording(recording: Recording) -> str:
    length = f"{recording.duration_s:.2f} s at {recording.rate_hz} Hz"
    return waveform_svg(waveform_panel(recording)) + _player(recording) + _p(length, SMALL)


def _player(recording: Recording) -> str:
    if recording.duration_s > AUDIO_UP_TO_S:
        return _p(f"The sound is not embedded: it is longer than {AUDIO_UP_TO_S:.0f} s.", SMALL)
    return f'<audio controls preload="metadata" src="{data_uri(wav_bytes(recording), "audio/wav")}"></audio>'


def _trace(trace: Trace) -> str:
    who = escape(f"{trace.provenance.recognizer} {trace.provenance.version}")
    parts = ", ".join(sorted(trace.parts)) or "none"
    return (
        _p(_transcript(trace), "font-size:18px")
        + _recording(trace.recording)
        + _p(f"heard by {who} · {len(trace.hypotheses)} hypotheses · recorded parts: {escape(parts)}", SMALL)
    )


def _transcript(trace: Trace) -> str:
    if not trace.hypothesis.words:
        return "<em>(no words)</em>"
    if not trace.has("alignment"):
        return escape(trace.text)
    sure = trace.alignment.text_confidence
    words = []
    for index, word in enumerate(trace.words):
        note = span(word.start_s, word.end_s) + (f", {percent(sure[index])} sure" if sure is not None else "")
        line = f"border-bottom:2px solid {ACCENT}{_alpha(sure[index])}" if sure is not None else ""
        words.append(f'<bdi title="{escape(note)}" style="{line}">{escape(word.label)}</bdi>')
    return " ".join(words)


def _alpha(share: float) -> str:
    return f"{round(255 * min(max(share, 0.06), 1.0)):02x}"


def _attribution(attribution: Attribution) -> str:
    rows = "".join(
        f"<tr><th colspan='3' style='text-align:left'>{escape(group)}</th></tr>" + "".join(map(_check, members))
        for group, members in itertools.groupby(checks(attribution), key=lambda c: c.group)
    )
    how = f"{attribution.method}, fill {attribution.fill}, {attribution.n_evaluations} evaluations"
    return (
        _p(escape(sentence(attribution)), "font-size:15px")
        + _warning(attribution)
        + relevance_svg(relevance_panel(attribution))
        + f'<table style="font-size:12px">{rows}</table>'
        + _p(escape(how), SMALL)
    )


def _check(check: Check) -> str:
    beside = check.reason if check.value is None else f"chance {check.chance_text}" if check.chance_text else ""
    return (
        f'<tr title="{escape(check.remark)}"><td>{escape(check.name)}</td>'
        f"<td style='text-align:right'><b>{escape(check.text)}</b></td><td>{escape(beside)}</td></tr>"
    )


def _warning(attribution: Attribution) -> str:
    failed = warning_of(attribution)
    return _p(f"<b>Do not read this map:</b> {escape(failed)}") if failed else ""


def _explanation(explanation: Explanation) -> str:
    if len(explanation) == 1:
        return _trace(explanation.trace) + _attribution(explanation[0])
    rows = "".join(_row(a) for a in explanation.attributions[:N_ROWS])
    head = "<tr><th>target</th><th>rests on</th><th>share</th><th>chance</th><th>checks</th></tr>"
    more = len(explanation) - N_ROWS
    return (
        _trace(explanation.trace)
        + (matrix_svg(matrix_panel(explanation)) if len(explanation) else _p("Nothing was explained.", SMALL))
        + (f'<table style="font-size:12px">{head}{rows}</table>' if rows else "")
        + (_p(f"{more} more targets are not listed here.", SMALL) if more > 0 else "")
    )


def _row(attribution: Attribution) -> str:
    stretch = stretch_of(attribution)
    place = ("–", "–", "–") if stretch is None else _place(stretch)
    cells = (attribution.target.label, *place, warning_of(attribution) or "passed")
    return "<tr>" + "".join(f"<td><bdi>{escape(cell)}</bdi></td>" for cell in cells) + "</tr>"


def _place(stretch: Any) -> tuple[str, str, str]:
    return span(stretch.start_s, stretch.end_s), percent(stretch.share), percent(stretch.chance)


def _tier(tier: Tier) -> str:
    rows = [(i.label, span(i.start_s, i.end_s), i.origin) for i in tier]
    return _p(f"<b>{escape(tier.name)}</b>") + _table(("label", "time", "origin"), rows)


def _alignment(alignment: Alignment) -> str:
    return "".join(_tier(tier) for tier in alignment.tiers)


def _study(result: StudyResult) -> str:
    header = tuple(result.table[0]) if result.table else ()
    rows = [tuple(f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()) for row in result.table]
    return _p(f"<b>{escape(result.name)}</b>") + _table(header, rows) + _p(escape(result.summary))


def _result(result: Evaluation | Comparison) -> str:
    """Bars are drawn; of a comparison the tests of every pair are printed too."""
    bars = next(panel for panel in result.panels if panel.kind == "bars")
    table = ""
    if isinstance(result, Comparison):
        pairs = result.panels[1].data
        table = _table(
            pairs["columns"], [[f"{c:.3g}" if isinstance(c, float) else str(c) for c in r] for r in pairs["rows"]]
        )
    return _p(escape(result.summary), "font-size:15px") + _p(escape(bars.title), SMALL) + bars_svg(bars) + table


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(f'<td><bdi>{escape(c)}</bdi></td>' for c in row)}</tr>" for row in rows[:N_ROWS])
    more = _p(f"{len(rows) - N_ROWS} more rows are not listed here.", SMALL) if len(rows) > N_ROWS else ""
    return f'<table style="font-size:12px"><tr>{head}</tr>{body}</table>{more}'


_BUILDERS: dict[type, Callable[[Any], str]] = {
    Recording: _recording,
    Trace: _trace,
    Tier: _tier,
    Alignment: _alignment,
    StudyResult: _study,
    Evaluation: _result,
    Comparison: _result,
    Attribution: _attribution,
    Explanation: _explanation,
}
