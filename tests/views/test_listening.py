"""A Percept as Panels: who is drawn, what is said of the winners."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import FrameGrid, HeardWord, Interval, Percept
from otoscope.views.listening import MOST_WORDS, percept_panels
from otoscope.views.panels import panels_of

GRID = FrameGrid(16000, 0, 160, 160, 4)


def percept(**more: object) -> Percept:
    posteriors = np.array([[0.6, 0.1], [0.5, 0.3], [0.2, 0.8], [0.01, 0.98]])
    heard = (HeardWord("cat", 0.0, 0.04, 0.03, 0.23, 0.98),)
    fields = {"posteriors": posteriors, "heard": heard, "offset_s": 0.04, **more}
    return Percept(("cap", "cat"), np.log(posteriors), GRID, **fields)


def test_winners_are_drawn_first_whatever_their_height():
    data = percept_panels(percept(), duration_s=0.05, said=[Interval(0.0, 0.04, "cap")])[0].data
    assert [series["label"] for series in data["series"]] == ["cat", "cap"]
    assert [series["won"] for series in data["series"]] == [True, False]
    assert data["series"][0]["y"].tolist() == [0.1, 0.3, 0.8, 0.98]
    assert data["winners"] == [{"label": "cat", "start_s": 0.0, "end_s": 0.04, "decided_s": 0.03}]
    assert data["said"][0]["label"] == "cap"


def test_without_posteriors_activations_stand_below_the_leader():
    data = percept_panels(percept(posteriors=None, heard=()), duration_s=0.05)[0].data
    assert data["high"] == 0.0
    assert data["series"][0]["y"].max() == 0.0
    assert max(s["y"][3] for s in data["series"] if s["label"] == "cap") == pytest.approx(np.log(0.01 / 0.98))


def test_words_that_were_never_kept_and_far_ones_are_not_drawn():
    activations = np.array([[-1.0, -np.inf], [-1.0, -500.0], [-1.0, np.nan], [-1.0, -2.0]])
    data = percept_panels(Percept(("a", "b"), activations, GRID), duration_s=0.05)[0].data
    b = next(s["y"] for s in data["series"] if s["label"] == "b")
    assert np.isnan(b[:3]).all()
    assert b[3] == -1.0


def test_of_many_words_the_likeliest_are_drawn():
    n = 40
    posteriors = np.tile(np.arange(n) / (n * n), (4, 1))
    many = Percept(tuple(map(str, range(n))), np.log(posteriors + 1e-9), GRID, posteriors)
    labels = [s["label"] for s in percept_panels(many, duration_s=0.05)[0].data["series"]]
    assert labels == [str(k) for k in range(n - 1, n - 1 - MOST_WORDS, -1)]


def test_the_table_tells_decisions_and_their_absence():
    heard = (HeardWord("cat", 0.1, 0.4, 0.35, 0.55, 0.9), HeardWord("sat", 0.4, 0.7))
    table = percept_panels(percept(heard=heard), duration_s=0.8)[1].data
    assert table["rows"][0] == ["cat", 0.1, 0.4, 0.35, 0.25, 0.55, 0.9]
    assert table["rows"][1][3:] == ["never"] * 4
    assert percept(heard=heard).text == "cat sat"


def test_a_percept_shows_itself():
    assert [panel.kind for panel in panels_of(percept())] == ["competition", "table"]
