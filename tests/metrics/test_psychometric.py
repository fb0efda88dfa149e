"""Psychometric functions: scipy as oracle, simulated observers, and what must never be claimed."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from otoscope.core import BadInput
from otoscope.metrics.psychometric import PsychometricFunction, fit_psychometric, wilson_interval

LEVELS = np.linspace(-15.0, 5.0, 9)


def drawn(function, levels, n_trials, seed):
    return np.random.default_rng(seed).binomial(n_trials, function(levels))


@pytest.mark.parametrize("form", ["logistic", "gauss", "weibull", "gumbel"])
@pytest.mark.parametrize("rising", [True, False])
def test_half_way_is_the_threshold_and_slopes_are_differences(form, rising):
    function = PsychometricFunction(3.0, 0.7, 0.1, 0.02, form, rising)
    assert function([3.0])[0] == pytest.approx(0.1 + 0.88 / 2)
    step = 1e-5
    difference = (function([3 + step])[0] - function([3 - step])[0]) / (2 * step)
    assert function.slope == pytest.approx(difference, rel=1e-6)
    at = function.level_at(0.8)
    assert function([at])[0] == pytest.approx(0.1 + 0.88 * 0.8)
    assert (at > 3) == rising


def test_weibull_is_that_of_the_textbooks():
    function = PsychometricFunction(2.0, 1 / 3.5, form="weibull")
    scale = 2.0 / np.log(2) ** (1 / 3.5)
    assert function([1.0, 4.0]) == pytest.approx(1 - np.exp(-((np.array([1.0, 4.0]) / scale) ** 3.5)))


@pytest.mark.parametrize("form", ["logistic", "gauss", "gumbel"])
def test_the_top_of_the_likelihood_is_the_one_scipy_climbs(form):
    true = PsychometricFunction(-5.0, 2.0, 0.0, 0.03, form)
    counts = drawn(true, LEVELS, 40, 3)

    def loss(parameters):
        place, log_spread, lapse = parameters
        z = (LEVELS - place) / np.exp(log_spread)
        grown = {
            "logistic": 1 / (1 + np.exp(-z)),
            "gauss": norm.cdf(z),
            "gumbel": 1 - np.exp(-np.log(2) * np.exp(z)),
        }[form]
        share = np.clip((1 - lapse) * grown, 1e-12, 1 - 1e-12)
        return -(counts * np.log(share) + (40 - counts) * np.log(1 - share)).sum()

    oracle = min(
        (minimize(loss, start, bounds=[(-40, 40), (-3, 4), (0, 0.06)], method="L-BFGS-B")
         for start in ([-5, 0.7, 0.0], [-8, 0.0, 0.03], [-2, 1.5, 0.05])),
        key=lambda found: found.fun,
    )  # fmt: skip
    fit = fit_psychometric(LEVELS, counts, np.full(9, 40), form=form, n_bootstrap=20)
    own = [fit.function.threshold, np.log(fit.function.spread), fit.function.lapse]
    assert loss(own) <= oracle.fun + 1e-6
    assert fit.threshold == pytest.approx(oracle.x[0], abs=0.01)


def test_intervals_cover_the_threshold_of_simulated_observers_as_often_as_they_say():
    true = PsychometricFunction(-5.0, 2.0, 0.0, 0.02)
    covered, slopes, thresholds = [], [], []
    for seed in range(60):
        counts = drawn(true, LEVELS, 30, 100 + seed)
        fit = fit_psychometric(LEVELS, counts, np.full(9, 30), seed=seed, n_bootstrap=150)
        low, high = fit.interval
        covered.append((low is None or low <= -5) and (high is None or high >= -5))
        slopes.append(fit.slope_interval[0] <= true.slope <= fit.slope_interval[1])
        thresholds.append(fit.threshold)
    assert np.mean(covered) >= 0.87
    assert np.mean(slopes) >= 0.85
    assert np.mean(thresholds) == pytest.approx(-5.0, abs=0.2)


def test_goodness_doubts_observers_of_another_form_and_believes_those_of_its_own():
    odd = np.array([2, 28, 1, 29, 2, 27, 30, 1, 30])
    assert fit_psychometric(LEVELS, odd, np.full(9, 30), n_bootstrap=100).p_value < 0.02
    true = PsychometricFunction(-5.0, 2.0)
    p = [fit_psychometric(LEVELS, drawn(true, LEVELS, 30, seed), np.full(9, 30), n_bootstrap=60, seed=seed).p_value
         for seed in range(12)]  # fmt: skip
    assert np.mean(np.array(p) < 0.05) <= 0.25


def test_no_threshold_is_claimed_beyond_the_levels_tried():
    n = np.full(4, 20)
    never = fit_psychometric([0, 5, 10, 15], [0, 0, 0, 0], n)
    always = fit_psychometric([0, 5, 10, 15], [20, 20, 20, 20], n)
    hardly = fit_psychometric([0, 5, 10, 15], [0, 0, 1, 4], n)
    assert (never.threshold, never.beyond, never.interval) == (None, "above", (None, None))
    assert (always.threshold, always.beyond) == (None, "below")
    assert (hardly.threshold, hardly.beyond) == (None, "above")
    falling = fit_psychometric([0, 5, 10, 15], [20, 20, 20, 20], n, rising=False)
    assert falling.beyond == "above"


def test_a_step_lies_between_its_levels():
    fit = fit_psychometric([0, 5, 10, 15], [0, 0, 20, 20], np.full(4, 20))
    assert fit.stepwise
    assert fit.interval == (5, 10)
    assert fit.threshold == pytest.approx(7.5)
    falling = fit_psychometric([0, 5, 10, 15], [20, 0, 0, 0], np.full(4, 20), rising=False)
    assert falling.stepwise
    assert falling.interval == (0, 5)
    assert not fit_psychometric([0, 5, 10, 15], [20, 0, 20, 20], np.full(4, 20), n_bootstrap=20).stepwise


def test_a_fixed_guess_raises_the_threshold():
    counts = [6, 8, 14, 19, 20]
    free = fit_psychometric([0, 1, 2, 3, 4], counts, np.full(5, 20), n_bootstrap=20)
    guessed = fit_psychometric([0, 1, 2, 3, 4], counts, np.full(5, 20), guess=0.3, n_bootstrap=20)
    assert guessed.function.threshold > free.function.threshold + 0.3


def test_same_seed_same_interval():
    again = [fit_psychometric(LEVELS, [0, 1, 3, 9, 14, 18, 20, 20, 20], np.full(9, 20), seed=4) for _ in range(2)]
    assert again[0] == again[1]


def test_wilson_is_that_of_scipy():
    from scipy.stats import binomtest

    for k, n in ((0, 10), (3, 10), (10, 10), (17, 40)):
        oracle = binomtest(k, n).proportion_ci(method="wilson")
        assert wilson_interval(k, n) == pytest.approx((oracle.low, oracle.high), abs=1e-9)


@pytest.mark.parametrize(
    ("levels", "counts", "match"),
    [([1], [1], "two or more"), ([1, 1], [1, 2], "different levels"), ([1, 2], [3, 21], "0 to all")],
)
def test_counts_that_cannot_be_are_refused(levels, counts, match):
    with pytest.raises(BadInput, match=match):
        fit_psychometric(levels, counts, [20] * len(levels))


def test_weibull_refuses_decibels():
    with pytest.raises(BadInput, match="gumbel"):
        fit_psychometric([-5, 5], [1, 9], [10, 10], form="weibull")
