"""The page of a long recording: it leads to its pieces, tells rates along, escapes what it quotes."""

from __future__ import annotations

import re

import pytest

from otoscope.core import BadInput, Finding, HeardWord
from otoscope.listener.rates import rates_along
from otoscope.views.listening_pieces import FIRST_WORDS, clock, overview_html, piece_row, rates_panel

HEARD = tuple(HeardWord(f"w{k}/v{k}", k / 2, k / 2 + 0.4, k / 2 + 0.5 if k % 4 else None) for k in range(24))


def finding(whys):
    rows = tuple({"recogniser": "a", "listener": "b", "why": why} for why in whys)
    return Finding("listener", "heard", rows, (), {})


def test_rates_count_words_where_they_begin_and_winners_where_they_are_decided():
    rows = rates_along(HEARD, 12.4, every_s=5.0)
    assert [middle for middle, _, _ in rows] == [2.5, 7.5]
    assert [said for _, said, _ in rows] == [2.0, 2.0]
    won = [sum(w.decision_time_s is not None and lo <= w.decision_time_s < lo + 5 for w in HEARD) / 5 for lo in (0, 5)]
    assert [rate for _, _, rate in rows] == won
    assert won[0] != 2.0, "every fourth word is never decided"
    assert rates_along((), 2.0) == ((1.0, 0.0, 0.0),)
    panel = rates_panel(HEARD, 12.4)
    assert [series["y"] for series in panel.data["series"]] == [(2.0, 2.0), tuple(won)]


def test_a_piece_tells_its_rates_and_how_it_begins():
    row = piece_row(finding(["same", "its ears hear the sound so", "same"]), HEARD, (0.0, 12.0))
    assert (row["n_words"], row["n_decided"], row["same"], row["n_rows"]) == (24, 18, 2, 3)
    assert row["begins"] == " ".join(f"w{k}" for k in range(FIRST_WORDS)) + " …"
    assert row["winners_per_s"] == pytest.approx(18 / 11.9, abs=1e-3)
    silent = piece_row(finding([]), (), (12.0, 20.0))
    assert (silent["winners_per_s"], silent["same"], silent["begins"]) == (None, None, "")


def test_the_overview_leads_to_its_pieces_and_escapes_words():
    nasty = (HeardWord("<script>alert(1)</script>", 0.0, 1.0),)
    rows = [piece_row(finding([]), nasty, (0.0, 61.0)), piece_row(finding([]), HEARD, (61.0, 130.0))]
    html = overview_html(finding([]), rows, ["a b-01.html", "a b-02.html"], title="t", subtitle="s")
    assert re.findall(r'href="(a[^"]*)">([^<]*)<', html) == [
        ("a%20b-01.html", "0:00 to 1:01"),
        ("a%20b-02.html", "1:01 to 2:10"),
    ]
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
    assert "as the recogniser" not in html
    assert html.index('<main id="findings">') < html.index("<nav") < html.index("</main>")
    compared = [piece_row(finding(["same"]), HEARD, (0.0, 61.0))]
    assert "1 of 1" in overview_html(finding([]), compared, ["a.html"], title="t", subtitle="s")


def test_clocks():
    assert [clock(t) for t in (0, 59.9, 60, 3599, 3600)] == ["0:00", "0:59", "1:00", "59:59", "1:00:00"]


def test_a_last_stretch_of_half_the_length_counts_and_no_sound_has_no_rates():
    assert [middle for middle, _, _ in rates_along(HEARD, 12.5)] == [2.5, 7.5, 11.25]
    assert [middle for middle, _, _ in rates_along(HEARD, 7.5)] == [2.5, 6.25]
    for duration_s, every_s in ((0.0, 5.0), (5.0, 0.0), (float("nan"), 5.0)):
        with pytest.raises(BadInput, match="above 0"):
            rates_along(HEARD, duration_s, every_s=every_s)


def test_a_winner_decided_as_the_recording_ends_counts():
    last = HeardWord("end", 4.0, 5.0, 5.0)
    assert rates_along((last,), 5.0) == ((2.5, 0.2, 0.2),)
    assert [won for _, _, won in rates_along((last,), 10.0)] == [0.0, 0.2]
