"""Competing words: winners stand out, decisions stand where they fell, lanes say who wrote what."""

from __future__ import annotations

import numpy as np

from otoscope.core import Panel
from otoscope.views.colour import UNTRUSTED
from otoscope.views.figures import figure

TIMES = np.arange(50) * 0.01 + 0.005


def panel(warning: str = "", **more: object) -> Panel:
    rising, bump = TIMES / TIMES[-1], np.where(TIMES < 0.2, 0.4, np.nan)
    data = {
        "times_s": TIMES,
        "series": [{"label": "beaker", "y": rising, "won": True}, {"label": "bee", "y": bump, "won": False}],
        "low": 0.0,
        "high": 1.0,
        "y_label": "P(word)",
        "duration_s": 0.5,
        "winners": [{"label": "beaker", "start_s": 0.05, "end_s": 0.5, "decided_s": 0.3}],
        "said": [{"label": "speaker", "start_s": 0.0, "end_s": 0.5}],
        "offset_s": 0.45,
    }
    return Panel("competition", "who wins", {**data, **more}, warning=warning)


def drawn(shown: Panel):
    fig = figure(shown)
    fig.canvas.draw()
    return next(ax for ax in fig.findobj() if hasattr(ax, "collections") and ax.get_title(loc="left"))


def test_the_winner_is_thick_and_named_where_it_stands_highest():
    ax = drawn(panel())
    winner, other = ax.lines[0], ax.lines[1]
    assert winner.get_linewidth() > other.get_linewidth()
    assert winner.get_ydata().tolist() == (TIMES / TIMES[-1]).tolist()
    places = {text.get_text(): text.xy for text in ax.texts if hasattr(text, "xy")}
    assert places["bee"] == (TIMES[0], 0.4)
    assert places["beaker"][0] > 0.45


def test_a_decision_and_the_offset_are_marked_at_their_times():
    ax = drawn(panel())
    marker = next(line for line in ax.lines if line.get_marker() == "v")
    assert list(marker.get_xdata()) == [0.3]
    assert any(list(line.get_xdata()) == [0.45, 0.45] for line in ax.lines)
    assert {"recogniser", "listener", "speaker"} <= {text.get_text() for text in ax.texts}
    assert ax.get_ylim()[1] > 1.2, "two lanes above the lines"


def test_nobody_decided_and_nobody_kept():
    silent = [{"label": "bee", "y": np.full(50, np.nan), "won": False}]
    undecided = [{"label": "bee", "start_s": 0.1, "end_s": 0.2, "decided_s": None}]
    ax = drawn(panel(series=silent, winners=undecided, said=[], offset_s=None))
    assert not ax.lines


def test_what_is_not_to_be_believed_is_grey():
    ax = drawn(panel(warning="the front end does not know this language"))
    assert ax.lines[0].get_color() == UNTRUSTED
