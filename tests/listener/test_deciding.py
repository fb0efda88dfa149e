"""Decisions on races made by hand, and the criteria of TISK and EARSHOT."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from otoscope.core import BadInput, FrameGrid, NotRecorded
from otoscope.listener.deciding import EARSHOT, TISK, Criterion, DecisionRule, HickHyman, crossing, decide
from otoscope.listener.races import race_of, race_of_competition

TIMES = np.arange(10) / 100 + 0.005


def rising(leads, *, other=0.0):
    a = np.full((len(leads), 3), other)
    a[:, 1] += np.asarray(leads)
    a[:, 2] -= 5
    return a


def test_a_lead_is_timed_at_the_end_or_the_start_of_its_hold():
    race = race_of(rising([0, 1, 3, 1, 3, 3, 3, 9, 9, 9]), TIMES)
    assert crossing(race, Criterion(lead=2)) == (2, 2)
    assert crossing(race, Criterion(lead=2, hold_frames=3)) == (4, 6)
    late = decide(race, DecisionRule(Criterion(lead=2, hold_frames=3)))
    early = decide(race, DecisionRule(Criterion(lead=2, hold_frames=3, timed="start")))
    assert late.time_s == pytest.approx(TIMES[6])
    assert early.time_s == pytest.approx(TIMES[4])
    assert late.form == 1
    assert late.how == "lead"
    assert late.lead == 3


def test_a_hold_is_one_leaders_own():
    a = np.zeros((6, 2))
    a[:3, 0], a[3:, 1] = 4, 4
    assert crossing(race_of(a, TIMES[:6]), Criterion(lead=1, hold_frames=4)) is None
    assert crossing(race_of(a, TIMES[:6]), Criterion(lead=1, hold_frames=3)) == (0, 2)


def test_no_lead_among_equals():
    race = race_of(np.zeros((5, 3)), TIMES[:5])
    assert crossing(race, Criterion(lead=0.0)) is None
    assert decide(race, DecisionRule(Criterion(lead=0.0))).how == "never"


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [(TISK, {"absolute": 9, "relative": 2, "time-dependent": 10}),
     (EARSHOT, {"absolute": 8, "relative": 2, "time-dependent": 11})],
)  # fmt: skip
def test_published_criteria(criteria, expected):
    cycles = np.arange(20)
    target = np.clip(0.1 * cycles - 0.1, 0, 0.9)
    a = np.stack([target, target], axis=1)
    a[:, 1] = np.where(cycles == 1, -0.01, np.maximum(target - 0.06, 0))
    found = {name: decide(race_of(a, cycles), DecisionRule(one)).time_s for name, one in criteria.items()}
    assert found == expected


def test_hick_hyman_after_the_offset_takes_longer_the_more_is_left():
    few, many = np.zeros((10, 2)), np.zeros((10, 16))
    rule = DecisionRule(Criterion(lead=1), HickHyman(0.1))
    times = [decide(race_of(a, TIMES, scale=1.0), rule, offset_s=0.06) for a in (few, many)]
    assert [one.how for one in times] == ["hick-hyman"] * 2
    assert times[0].time_s == pytest.approx(0.06 + 0.1)
    assert times[1].time_s == pytest.approx(0.06 + 0.4)
    assert times[1].confidence == pytest.approx(1 / 16)
    counted = DecisionRule(Criterion(lead=1), HickHyman(0.1, counted=True, margin=0.5, beta_pseudo_s=0.01))
    made = decide(race_of(many, TIMES), counted, offset_s=0.06, n_pseudowords=7)
    assert made.time_s == pytest.approx(0.06 + 0.4 + 0.03)
    assert made.confidence is None


def test_posterior_entropy_is_in_bits_and_scaled():
    a = np.array([[0.0, np.log(3.0)]])
    race = race_of(a, [0.0], scale=1.0)
    assert race.entropies()[0] == pytest.approx(-(0.25 * np.log2(0.25) + 0.75 * np.log2(0.75)))
    assert race_of(a, [0.0], scale=0.5).entropies()[0] > race.entropies()[0]
    with pytest.raises(NotRecorded, match="no posteriors"):
        race_of(a, [0.0]).entropies()


def test_urgency_lowers_the_threshold_after_the_offset_within_the_race_and_beyond_it():
    race = race_of(rising([1.0] * 10), TIMES)
    rule = DecisionRule(Criterion(lead=4), urgency_s=0.04)
    made = decide(race, rule, offset_s=0.05)  # θ(t) = 4 (1 - (t - 0.05) / 0.04), at most 1 from 0.08 on
    assert (made.how, made.time_s) == ("urgency", pytest.approx(0.085))
    beyond = decide(race, DecisionRule(Criterion(lead=4), urgency_s=0.4), offset_s=0.05)
    assert (beyond.how, beyond.time_s) == ("urgency", pytest.approx(0.05 + 0.4 * 0.75))
    level = DecisionRule(Criterion(lead=4, level=9), urgency_s=0.04)
    assert decide(race, level, offset_s=0.05).how == "never"


def test_a_lead_before_choice_is_done_wins():
    race = race_of(rising([0, 0, 0, 0, 0, 0, 0, 5, 5, 5]), TIMES, scale=1.0)
    made = decide(race, DecisionRule(Criterion(lead=4), HickHyman(1.0)), offset_s=0.05)
    assert made.how == "lead"
    assert made.after_s(0.05) == pytest.approx(0.025)


def test_words_that_share_a_form_are_pooled_by_the_competition():
    @dataclass
    class Made:
        forms = np.array([[2, 3, 1]] * 2, np.int32)
        activations = np.array([[-1.0, -1.5, -4.0], [-2.0, -2.1, -9.0]], np.float32)
        lead = np.array([3.0, 7.0])  # over form 1: forms 2 and 3 are one word
        log_total = np.array([0.1, 0.2])
        entropy_bits = np.array([1.0, 0.5])
        grid = FrameGrid(16000, 0, 160, 160, 2)
        acoustic_scale = 0.2

    race = race_of_competition(Made())
    made = decide(race, DecisionRule(Criterion(lead=5)))
    assert (made.form, made.frame) == (2, 1)
    assert made.confidence == pytest.approx(np.exp(0.2 * -2.0 - 0.2))


def test_what_cannot_be_is_refused():
    with pytest.raises(BadInput, match="a lead, a level or both"):
        Criterion()
    with pytest.raises(BadInput, match="urgency lowers"):
        DecisionRule(Criterion(level=1), urgency_s=1.0)
    with pytest.raises(BadInput, match="must rise"):
        race_of(np.zeros((2, 2)), [1.0, 1.0])
    with pytest.raises(BadInput, match="2 or more candidates"):
        race_of(np.zeros((2, 1)), [1.0, 2.0])
