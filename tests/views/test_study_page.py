"""The page of a study: all its rows, long fields that can be read, its pictures."""

from __future__ import annotations

from otoscope.core import Panel
from otoscope.studies.result import StudyResult
from otoscope.views.studies import study_html

LONG = "a field that is longer than forty characters and so goes over lines"


def result(n_rows):
    rows = tuple({"effect": f"row {n}", "note": LONG, "value": n / 3} for n in range(n_rows))
    panel = Panel("bars", "Bars", {"labels": ["a"], "values": [1.0], "y_label": "x"}, "A caption.")
    return StudyResult("small-study", "One of two holds.", rows, (panel,), {"seed": 3}, 75.4)


def test_a_page_shows_all_rows_and_pictures():
    html = study_html(result(30))
    assert "small study" in html
    assert "it took 1 min 15 s" in html
    assert html.count('<th scope="row">') == 30
    assert html.count(f'<td class="long"><bdi>{LONG}</bdi></td>') == 30
    assert '<details class="table" open>' in html
    assert 'alt="Bars"' in html
    assert "<dt>seed</dt><dd><bdi>3</bdi></dd>" in html


def test_a_study_of_seconds():
    assert "it took 9 s" in study_html(StudyResult("s", "Done.", ({"a": 1},), seconds=9.2))
