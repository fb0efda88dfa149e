"""Running speech in pictures of some seconds: what is in each, and that times stay true."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from otoscope.core import FrameGrid, HeardWord, Interval, Percept, Recording
from otoscope.listener.running import SpokenForm
from otoscope.listener.running_speech import RunningSpeech
from otoscope.listener.slots import Slot
from otoscope.views.colour import FOR
from otoscope.views.figures import figure
from otoscope.views.listening_running import STRETCH_S, competition_panels, running_panels, stretches

WORD_S, N_WORDS = 0.4, 30
ROWS = [{"listener": f"w{k}", "recogniser": f"w{k}", "why": "same", "start_s": 0.4 * k, "sound_nats": None,
         "prior_nats": None} for k in range(N_WORDS)]  # fmt: skip


@pytest.fixture
def speech():
    """Thirty words in twelve seconds; the third is never decided, each has a rival, every other one a weak one."""
    n = round(WORD_S * 100)
    rising, falling = np.linspace(0, 0.95, n + 30), np.linspace(0.6, 0.0, n + 30)
    heard, slots, shown = [], [], []
    for k in range(N_WORDS):
        start = WORD_S * k
        decided = None if k == 2 else start + 0.3
        heard.append(HeardWord(f"w{k}", start, start + WORD_S, decided))
        last = min(n + 30, N_WORDS * n - k * n)
        nothing = np.zeros((last, 1))
        slots.append(Slot(SpokenForm(k, k * n, (k + 1) * n, 0.0), np.array([k], np.int32), nothing, nothing,
                          nothing.astype(bool), np.zeros(last, int), np.zeros(last)))  # fmt: skip
        shown.append(((f"w{k}", rising[:last]), (f"rival{k}", falling[:last]), ("nobody", 0.1 * falling[:last])))
    grid = FrameGrid(16000, 0, 160, 160, N_WORDS * n)
    percept = Percept((), np.zeros((grid.n_frames, 0)), grid, heard=tuple(heard))
    return RunningSpeech(percept, tuple(slots), tuple(shown))


@pytest.fixture
def recording():
    return Recording(np.random.default_rng(0).normal(0, 0.1, round(16000 * WORD_S * N_WORDS)).astype(np.float32), 16000)


def said():
    return [Interval(WORD_S * k, WORD_S * (k + 1), f"w{k}") for k in range(N_WORDS)]


def test_pictures_part_at_words_and_cover_all(speech, recording):
    edges = stretches(speech.percept.heard, recording.duration_s)
    assert edges[0] == 0
    assert edges[-1] == recording.duration_s
    assert max(np.diff(edges)) < 1.3 * STRETCH_S
    assert all(min(abs(edge - word.start_s) for word in speech.percept.heard) < 1e-9 for edge in edges[:-1])
    assert stretches((), 4.0) == (0.0, 4.0)
    assert stretches((), 11.0)[1:-1] == pytest.approx([11 / 2] if len(stretches((), 11.0)) == 3 else [11 / 3, 22 / 3])


def test_each_word_stands_where_it_was_said(speech, recording):
    panels = competition_panels(speech, recording, said=said(), rows=ROWS)
    assert len(panels) > 1
    seen = {}
    for panel in panels:
        data = panel.data
        for winner in data["winners"]:
            seen.setdefault(winner["label"], []).append((winner["start_s"] + data["start_s"], winner["decided_s"]))
            word = speech.percept.heard[winner["place"]]
            if word.decision_time_s is None:
                assert winner["decided_s"] is None
            else:
                assert winner["decided_s"] + data["start_s"] == pytest.approx(word.decision_time_s)
        own = next(series for series in data["series"] if series["won"])
        first = speech.slots[own["place"]].spoken.first / 100 - data["start_s"]
        where = data["times_s"][np.isfinite(own["y"])]
        assert where[0] == pytest.approx(max(first, 0.0) + 0.005, abs=0.011)
        assert len(data["waveform"]["minimum"]) * data["waveform"]["step_s"] == pytest.approx(
            data["duration_s"], abs=0.01
        )
    assert set(seen) == {f"w{k}" for k in range(N_WORDS)}
    assert {series["label"] for panel in panels for series in panel.data["series"]} == (
        {f"w{k}" for k in range(N_WORDS)} | {f"rival{k}" for k in range(N_WORDS)}
    )


def test_where_the_two_differ_is_framed_and_told(speech, recording):
    rows = [dict(row) for row in ROWS]
    rows[1] |= {"recogniser": "other", "why": "its ears hear the sound so", "sound_nats": 3.0, "prior_nats": 0.0}
    panels = running_panels(speech, recording, said=said(), rows=rows)
    first = panels[0].data
    assert [word["same"] for word in first["said"]][:3] == [True, False, True]
    table = next(panel for panel in panels if panel.title.startswith("Where they differ"))
    assert [row[1:3] for row in table.data["rows"]] == [["other", "w1"]]
    drawn = figure(panels[0])
    frames = [p for ax in drawn.findobj() if hasattr(ax, "patches") for p in ax.patches if not p.get_fill()]
    assert len({(p.get_x(), p.get_y()) for p in frames}) == 2
    assert {p.get_edgecolor() for p in frames} == {(*(int(FOR[k : k + 2], 16) / 255 for k in (1, 3, 5)), 1.0)}


def test_without_a_recogniser_nothing_is_compared(speech, recording):
    rows = [row | {"recogniser": None, "why": None} for row in ROWS]
    panels = running_panels(speech, recording, rows=rows)
    assert not [panel for panel in panels if panel.title.startswith("Where they differ")]
    assert panels[0].data["said"] == []
    assert all(word["same"] for word in panels[0].data["winners"])
    assert "29 of them decided, 2.4 a second" in panels[-1].caption


def test_agreement_is_told_as_such(speech, recording):
    panels = running_panels(speech, recording, said=said(), rows=ROWS)
    told = next(panel for panel in panels if panel.title.startswith("Where they differ"))
    assert "agree on every word" in told.data["text"]


def test_a_picture_names_rivals_at_their_lines_and_winners_in_their_lane(speech, recording):
    panel = competition_panels(speech, recording, said=said(), rows=ROWS)[1]
    drawn = figure(panel)
    drawn.canvas.draw()
    ax = next(ax for ax in drawn.findobj() if hasattr(ax, "get_title") and ax.get_title(loc="left"))
    lines = {text.get_text() for text in ax.texts if hasattr(text, "xy")}
    assert lines
    assert all(name.startswith("rival") for name in lines)
    lane = {text.get_text() for text in ax.texts if not hasattr(text, "xy")}
    assert {word["label"] for word in panel.data["winners"]} <= lane
    colours = [line.get_color() for line in ax.lines if line.get_linewidth() > 2]
    assert all(one != two for one, two in itertools.pairwise(colours)), "neighbours differ in colour"
    marks = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "v"]
    assert sorted(marks) == pytest.approx(sorted(word["decided_s"] for word in panel.data["winners"]))
    true = [child for child in ax.child_axes if child.get_xlim()[0] > 0]
    assert true[0].get_xlim() == pytest.approx(
        (panel.data["start_s"], panel.data["start_s"] + panel.data["duration_s"])
    )
