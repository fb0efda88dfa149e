"""A long recording of running speech as pages: one for each piece, and one that tells of all and leads to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from otoscope.core import Finding, HeardWord, Panel
from otoscope.listener.rates import rates_along, rates_of_words
from otoscope.views.findings import findings_html

FIRST_WORDS = 14
"""Words of a piece that the overview quotes."""
EVERY_S = 5.0
"""Stretches in which rates are told."""
MAIN_END = "</main>"
RATES_CAPTION = (
    "Words heard and words decided (a winner far enough ahead of every rival), in stretches of five seconds, pauses "
    "among them."
)


def overview_html(
    finding: Finding, pieces: Sequence[Mapping[str, Any]], pages: Sequence[str], *, title: str, subtitle: str
) -> str:
    """Return the page that tells of a whole recording and leads to those of its pieces.

    Parameters
    ----------
    finding
        What was heard in all.
    pieces
        A row for each, as from `piece_row`.
    pages
        Names of their files, in the folder of this page.
    title, subtitle
        The heading.
    """
    html = findings_html([finding], title=title, subtitle=subtitle)
    before, end, after = html.rpartition(MAIN_END)
    return before + _list(pieces, pages) + end + after


def _list(pieces: Sequence[Mapping[str, Any]], pages: Sequence[str]) -> str:
    from jinja2 import Environment

    rows = [{**piece, "page": page, "time": f"{clock(piece['start_s'])} to {clock(piece['end_s'])}"}
            for piece, page in zip(pieces, pages, strict=True)]  # fmt: skip
    template = Environment(autoescape=True).from_string(
        '<nav aria-label="Pieces"><h3>Its pieces, a page each</h3><ol>{% for row in rows %}'
        '<li><a href="{{ row.page | urlencode }}">{{ row.time }}</a>: {{ row.n_words }} words'
        "{% if row.winners_per_s is not none %}, {{ '%.1f' % row.winners_per_s }} winners a second{% endif %}"
        "{% if row.same is not none %}, {{ row.same }} of {{ row.n_rows }} as the recogniser{% endif %}"
        "{% if row.begins %}. <q><bdi>{{ row.begins }}</bdi></q>{% endif %}</li>{% endfor %}</ol></nav>"
    )
    return template.render(rows=rows)


def piece_row(finding: Finding, heard: Sequence[HeardWord], span: tuple[float, float]) -> dict[str, Any]:
    """Return what the overview tells of a piece: where it lies, its words and rates, how it begins."""
    rates = rates_of_words(heard)
    words = [word.label.split("/")[0] for word in heard]
    compared = [row["why"] for row in finding.table if row["why"] is not None]
    return {
        "start_s": span[0],
        "end_s": span[1],
        "n_words": rates.n_words,
        "n_decided": rates.n_decided,
        "winners_per_s": None if rates.winners_per_s is None else round(rates.winners_per_s, 3),
        "n_rows": len(compared),
        "same": sum(why == "same" for why in compared) if compared else None,
        "begins": " ".join(words[:FIRST_WORDS]) + (" …" if len(words) > FIRST_WORDS else ""),
    }


def rates_panel(heard: Sequence[HeardWord], duration_s: float) -> Panel:
    """Return words and winners a second along a recording."""
    middles, said, won = zip(*rates_along(heard, duration_s, every_s=EVERY_S), strict=True)
    data = {
        "x": middles,
        "series": [{"label": "words heard", "y": said}, {"label": "winners", "y": won}],
        "x_label": "time (s)",
        "y_label": "a second",
    }
    return Panel("lines", "Words and winners a second", data, RATES_CAPTION)


def clock(time_s: float) -> str:
    """Return a time as minutes and seconds, hours before them if there are any.

    Examples
    --------
    >>> clock(75.4), clock(3671)
    ('1:15', '1:01:11')
    """
    minutes, seconds = divmod(int(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
