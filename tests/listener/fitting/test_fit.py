"""Parameters are recovered from reaction times drawn under known ones; baseline and ceiling stand beside."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.listener.competing import compete
from otoscope.listener.deciding import Criterion, DecisionRule, HickHyman, decide
from otoscope.listener.fitting.fit import bootstrapped, fit_rts
from otoscope.listener.fitting.judging import held_out, judged, split_half
from otoscope.listener.fitting.likelihood import Likelihood
from otoscope.listener.fitting.predicting import DecisionTimes, DurationTimes, HeardItem, heard_item
from otoscope.listener.fitting.trials import trials_from
from otoscope.listener.races import race_of, race_of_competition
from otoscope.listener.word_tree import WordTree

TRUE = {"frequency_weight": 3.0, "acoustic_scale": 0.1, "threshold": 25.0, "beta_s": 0.08}


def test_times_are_those_of_the_rule_up_to_a_frame(items, times):
    rule = DecisionRule(Criterion(lead=TRUE["threshold"]), HickHyman(TRUE["beta_s"]))
    for item, ours in zip(items[:80], times(TRUE)[:80], strict=True):
        a = item.acoustic + TRUE["frequency_weight"] * item.log_prior
        made = decide(race_of(a, item.times_s, scale=TRUE["acoustic_scale"]), rule, offset_s=item.offset_s)
        if made.how == "hick-hyman":
            assert ours == pytest.approx(made.time_s)
        else:
            assert made.time_s - 0.0101 <= ours <= made.time_s + 1e-9


def test_parameters_are_recovered_within_their_intervals(trials, times):
    known = {name: TRUE[name] for name in ("frequency_weight", "acoustic_scale")}
    fit = fit_rts(trials, times, fixed=known)
    check_recovered(fit, bootstrapped(trials, times, fit, n=12, confidence=0.98, seed=1), ("threshold", "beta_s"))
    assert fit.explained.sigma == pytest.approx(0.12, rel=0.05)
    assert fit.explained.previous == pytest.approx(0.1, abs=0.05)
    assert fit.explained.listeners.std() == pytest.approx(0.15, rel=0.35)


@pytest.mark.slow
def test_all_parameters_are_recovered_together(trials, times):
    fit = fit_rts(trials, times)
    check_recovered(fit, bootstrapped(trials, times, fit, n=20, confidence=0.98, seed=1), tuple(TRUE))


def check_recovered(fit, intervals, names):
    for name in (*names, "execution_s"):
        true, (low, high) = {**TRUE, "execution_s": 0.3}[name], intervals[name]
        slack = 0.5 * (high - low)  # few draws make narrow intervals
        assert low - slack <= true <= high + slack, name
        assert low <= fit.parameters[name] <= high or fit.parameters[name] == pytest.approx(true, rel=0.1), name


def test_the_likelihood_is_that_of_a_shifted_lognormal(trials, times):
    total = times(TRUE) + 0.3
    found = Likelihood(trials).explained(total, shift_s=0.1)
    before = np.log(trials.previous_rt_s)
    x = np.where(np.isfinite(before), before - np.nanmean(before), 0.0)
    mean = np.log(total - 0.1)[trials.item] + found.listeners[trials.listener] + found.previous * x
    z = (np.log(trials.rt_s - 0.1) - mean) / found.sigma
    by_hand = (-0.5 * z**2 - np.log(found.sigma * np.sqrt(2 * np.pi) * (trials.rt_s - 0.1))).sum()
    assert found.log_likelihood == pytest.approx(by_hand, abs=1.0)
    assert Likelihood(trials).explained(total, shift_s=5.0) is None


def test_held_out_items_baseline_and_ceiling(trials, times):
    known = {name: TRUE[name] for name in ("frequency_weight", "acoustic_scale")}
    found = judged(trials, times, fixed=known, n_folds=2)
    assert found.model.r_items > found.duration.r_items + 0.05
    assert found.model.r_items > found.model.r_trials
    assert found.model.log_likelihood > found.duration.log_likelihood
    assert 0.5 < found.split_half < 1
    assert found.model.r_items < np.sqrt(found.split_half) + 0.05
    assert "duration alone" in found.finding().summary
    assert found.finding().passed


def test_a_competition_of_words_becomes_an_item(evidence):
    ev = evidence(30, seed=8)
    tree = WordTree.build([("A", "B"), ("C",), ("B", "A")], ev.models, np.log([0.2, 0.5, 0.3]))
    made = compete(ev, tree, frequency_weight=2.0, acoustic_scale=0.3, track=(0, 1, 2), offset_s=0.2)
    item = heard_item(made, onset_s=0.0, offset_s=0.2)
    assert item.acoustic + 2.0 * item.log_prior == pytest.approx(made.tracked)
    rule = DecisionRule(Criterion(lead=1e6), HickHyman(0.1))
    here = {"frequency_weight": 2.0, "acoustic_scale": 0.3, "threshold": 1e6, "beta_s": 0.1}
    ours = decide(race_of_competition(made), rule, offset_s=0.2)
    assert DecisionTimes([item])(here)[0] == pytest.approx(ours.time_s, abs=1e-5)
    later = heard_item(made, onset_s=0.05, offset_s=0.2)
    assert later.times_s[0] == pytest.approx(0.005)
    assert later.offset_s == pytest.approx(0.15)


def test_split_half_of_noise_is_none_and_of_pure_items_is_one():
    rng = np.random.default_rng(0)
    item, person = np.repeat(np.arange(60), 10), np.tile(np.arange(10), 60)
    of = ([True] * 600, [0.5] * 600)

    def made(logs):
        return trials_from([f"{i:02d}" for i in item], [str(p) for p in person], np.exp(logs), correct=[True] * 600,
                           of_item=of)  # fmt: skip

    assert abs(split_half(made(rng.normal(0, 0.3, 600)))) < 0.35
    assert split_half(made(rng.normal(0, 0.3, 60)[item])) == pytest.approx(1)


def test_previous_times_are_the_listeners_own_in_order():
    made = trials_from(
        ["a", "b", "a", "b", "c"], ["x", "x", "y", "y", "x"], [0.5, 0.6, 0.7, 0.8, np.nan], correct=[True] * 5,
        of_item=([True] * 5, [0.3, 0.4, 0.3, 0.4, 0.5]), order=[2, 1, 1, 2, 3],
    )  # fmt: skip
    assert len(made) == 4
    assert made.previous_rt_s[[0, 3]].tolist() == [0.6, 0.7]
    assert np.isnan(made.previous_rt_s[[1, 2]]).all()
    assert made.item_means(made.rt_s)[:2] == pytest.approx([0.6, 0.7])


def test_refusals(trials, times):
    with pytest.raises(BadInput, match="decision times of 1 items"):
        fit_rts(trials, DurationTimes([0.5]))
    with pytest.raises(BadInput, match="duration of every item"):
        DurationTimes([np.nan])
    with pytest.raises(BadInput, match="the parameter beta_s is missing"):
        times({k: v for k, v in TRUE.items() if k != "beta_s"})
    with pytest.raises(BadInput, match="folds"):
        held_out(trials, times, n_folds=1)
    with pytest.raises(BadInput, match="for 3 times"):
        HeardItem(np.zeros((2, 2)), np.zeros(2), np.arange(3), 0.1)
    with pytest.raises(BadInput, match="no items"):
        DecisionTimes([])
