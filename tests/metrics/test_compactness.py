"""Compactness, time AUC and infidelity: peers, limits, and what does not change the figure."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from otoscope.core import BadInput
from otoscope.metrics.compactness import gini, size_auc
from otoscope.metrics.faithfulness import infidelity
from otoscope.metrics.plausibility import time_auc
from otoscope.testing import basic_model_2


def split(values, parts):
    """Cut each segment into so many equal ones, its relevance spread evenly."""
    return np.repeat(values / parts, parts)


def test_gini_is_the_mean_difference_of_all_pairs():
    values = np.random.default_rng(0).exponential(size=30)
    differences = np.abs(values[:, None] - values[None, :]).mean()
    assert gini(values) == pytest.approx(differences / (2 * values.mean()))


@pytest.mark.parametrize("figure", [gini, size_auc])
def test_unequal_segments_are_many_equal_ones(figure):
    rng = np.random.default_rng(1)
    values, parts = rng.exponential(size=12), rng.integers(1, 5, size=12)
    assert figure(values, parts) == pytest.approx(figure(split(values, parts)))
    assert figure(7.0 * values, 0.1 * parts) == pytest.approx(figure(values, parts)), "no unit matters"


def test_size_auc_is_the_area_over_thresholds():
    values = np.random.default_rng(2).normal(size=25)
    thresholds = np.linspace(0, values.max(), 200_001)[1:]
    shares = 1 - np.searchsorted(np.sort(values.clip(min=0)), thresholds) / values.size
    assert size_auc(values) == pytest.approx(shares.mean(), abs=1e-4)


def test_a_flat_map_and_a_single_place_are_the_limits():
    sizes = np.array([0.1, 0.4, 0.5])
    assert (gini(sizes, sizes), size_auc(sizes, sizes)) == (pytest.approx(0), pytest.approx(1))
    assert (gini([2, 0, 0], sizes), size_auc([2, 0, 0], sizes)) == (pytest.approx(0.9), pytest.approx(0.1))


@pytest.mark.parametrize("figure", [gini, size_auc])
def test_what_speaks_against_the_word_does_not_count(figure):
    assert figure([3, 1, -9]) == pytest.approx(figure([3, 1, 0]))
    assert np.isnan(figure([-1, 0]))
    with pytest.raises(BadInput, match="above 0"):
        figure([1, 2], [1, 0])


def test_time_auc_is_the_area_under_the_roc_of_equal_moments():
    rng = np.random.default_rng(3)
    values, parts, inside = rng.integers(-3, 4, size=20).astype(float), rng.integers(1, 4, size=20), np.zeros(20)
    inside[6:13] = 1
    moments, truth = split(values, parts), np.repeat(inside, parts)
    assert time_auc(values, inside, parts) == pytest.approx(roc_auc_score(truth, moments))


def test_time_auc_of_a_segment_half_inside_and_of_no_reference():
    assert time_auc([2.0, 1.0], [0.5, 0.0], [1, 1]) == pytest.approx((0.5 * 0.5 * 0.5 + 0.5 * 1) / (0.5 * 1.5))
    assert np.isnan(time_auc([1, 2], [0, 0], [1, 1]))
    assert np.isnan(time_auc([1, 2], [1, 1], [1, 1]))


def test_exact_slopes_of_a_linear_stretch_have_no_infidelity():
    """BasicModel2 at (3, 1): slopes (1, -1) hold for every step that stays where it is linear."""
    toy, point = basic_model_2(), np.array([3.0, 1.0])
    taken = np.random.default_rng(0).uniform(-0.2, 0.2, size=(100, 2))
    drops = np.array([toy.function(point) - toy.function(point - step) for step in taken])
    assert infidelity(toy.derivative(point), taken, drops) == pytest.approx(0, abs=1e-24)
    assert infidelity([1.5, -0.5], taken, drops) > 1e-3
