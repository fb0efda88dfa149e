"""Words and pseudowords told apart by the gap between the word path and the free phones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from otoscope.core import BadInput, FrameGrid
from otoscope.listener.lexicality import LexicalRule, fitted_to, gap, lexical_decision, phone_activation
from otoscope.listener.paths import form_path
from otoscope.listener.phone_loop import free_phones

GRID = FrameGrid(16000, 0, 160, 160, 100)
RULE = LexicalRule(threshold=0.2, margin=0.1, hold_frames=3, expected_s=0.6, deadline_s=0.3)


def course(*, falls_at=None, by=1.0, offset=60, floor=None):
    """Gap of a sound of 0.6 s whose word path loses `by` nats a frame from a frame on."""
    t = np.arange(100)
    lost = np.zeros(100) if falls_at is None else by * np.clip(np.minimum(t + 1, offset) - falls_at, 0, None)
    if floor is not None:
        lost = np.minimum(lost, floor)
    return -lost / np.minimum(t + 1, offset)


def test_a_word_is_accepted_when_identified_and_over():
    made = lexical_decision(course(), GRID, RULE, offset_s=0.6, identified_s=0.4)
    assert (made.is_word, made.how, made.time_s) == (True, "held", pytest.approx(0.605))
    late = lexical_decision(course(), GRID, RULE, offset_s=0.6, identified_s=0.75)
    assert late.time_s == pytest.approx(0.755)
    soon = lexical_decision(course(), GRID, LexicalRule(0.2, yes_from="identified"), offset_s=0.6, identified_s=0.4)
    assert soon.time_s == pytest.approx(0.405)
    assert made.confidence > 0.5


def test_a_pseudoword_is_refused_the_later_the_later_it_deviates():
    times = [lexical_decision(course(falls_at=k, by=3), GRID, RULE, offset_s=0.6) for k in (10, 30, 50)]
    assert [one.is_word for one in times] == [False] * 3
    assert times[0].time_s < times[1].time_s < times[2].time_s
    # 3 (t - 10) nats lost over 60 frames pass 0.3 a frame with 7 frames: frames 16, 17 and 18 hold it
    assert times[0].how == "cannot recover"
    assert times[0].time_s == pytest.approx(0.185)


def test_a_no_is_held_longer_than_a_yes():
    checked = dataclasses.replace(RULE, checked_frames=12)
    soon, late = (lexical_decision(course(falls_at=10, by=3), GRID, rule, offset_s=0.6) for rule in (RULE, checked))
    assert late.time_s - soon.time_s == pytest.approx(0.12)
    yes = lexical_decision(course(), GRID, checked, offset_s=0.6, identified_s=0.4)
    assert yes == lexical_decision(course(), GRID, RULE, offset_s=0.6, identified_s=0.4)


def test_a_no_held_behind_the_last_frame():
    short = FrameGrid(16000, 0, 160, 160, 62)
    gaps = course(falls_at=50, by=3)
    whole = lexical_decision(gaps, GRID, dataclasses.replace(RULE, checked_frames=20), offset_s=0.6)
    cut = lexical_decision(gaps[:62], short, dataclasses.replace(RULE, checked_frames=20), offset_s=0.6)
    assert whole.how == cut.how == "cannot recover"
    assert cut.time_s == pytest.approx(whole.time_s)
    assert cut.time_s > short.times_s()[-1]


def test_a_word_path_that_comes_back_is_no_no():
    gaps = np.where((np.arange(100) >= 30) & (np.arange(100) < 40), -1.0, 0.0)
    said = {n: lexical_decision(gaps, GRID, dataclasses.replace(RULE, checked_frames=n), offset_s=0.6,
                                identified_s=0.5).is_word for n in (0, 10)}  # fmt: skip
    assert said == {0: False, 10: True}


def test_what_can_recover_waits_for_the_deadline():
    made = lexical_decision(course(falls_at=50, by=1.5, floor=15), GRID, RULE, offset_s=0.6, identified_s=0.5)
    assert (made.how, made.is_word, made.time_s) == ("deadline", False, pytest.approx(0.9))
    unsure = lexical_decision(course(), GRID, RULE, offset_s=0.6)
    assert (unsure.how, unsure.is_word, unsure.time_s) == ("deadline", True, pytest.approx(0.9))


def test_the_gap_counts_frames_of_speech():
    word, phones = np.full(100, -30.0), np.zeros(100)
    g = gap(word, phones, GRID, onset_s=0.1, offset_s=0.6)
    assert g[:10].tolist() == [0.0] * 10
    assert g[10] == -30
    assert g[[59, 99]] == pytest.approx([-0.6, -0.6])


def test_words_and_pseudowords_of_a_toy_lexicon(evidence):
    def heard(columns):
        scores = np.full((len(columns), 7), -4.0)
        scores[np.arange(len(columns)), columns] = 0.0
        ev = evidence(len(columns), scores=scores)
        running, final = free_phones(ev)
        free = phone_activation(running, final, ev.grid, offset_s=0.0)
        best = max(form_path(ev, word).score for word in (("A", "B"), ("B", "A")))
        return best - free[-1]

    assert heard([5, 0, 0, 1, 1, 2, 2, 5]) == pytest.approx(0)
    assert heard([5, 0, 0, 1, 1, 3, 4, 5]) < -5


def test_thresholds_from_items_of_known_kind():
    rng = np.random.default_rng(0)
    gaps = np.concatenate([rng.normal(-0.1, 0.05, 200), rng.normal(-0.5, 0.1, 200)])
    threshold, slope = fitted_to(gaps, np.arange(400) < 200)
    assert 0.2 < threshold < 0.35
    assert slope > 5
    assert ((gaps >= -threshold) == (np.arange(400) < 200)).mean() > 0.97
    with pytest.raises(BadInput, match="words and pseudowords"):
        fitted_to([0.1, 0.2], [True, True])
    with pytest.raises(BadInput, match="smaller gaps"):
        fitted_to(-gaps, np.arange(400) < 200)
