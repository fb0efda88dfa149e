"""Metrics of explanations: definitions worked by hand, peers where there are any, and edge cases."""

import numpy as np
import pytest
from scipy import stats

from otoscope.core import BadInput
from otoscope.metrics.agreement import bootstrap_interval, pearson, spearman, spearman_brown
from otoscope.metrics.faithfulness import (
    completeness_gap,
    comprehensiveness,
    faithfulness_correlation,
    infidelity,
    normalized_auc,
    perturbation_auc,
    sufficiency,
)
from otoscope.metrics.plausibility import chance_mass, pointing_hit, rank_accuracy, relevance_mass, top_k_hit


def test_correlations_equal_scipys_with_and_without_ties():
    generator = np.random.default_rng(0)
    for a, b in [generator.normal(size=(2, 30)), generator.integers(0, 4, size=(2, 30))]:
        assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)
        assert pearson(a, b) == pytest.approx(stats.pearsonr(a, b).statistic)


def test_correlation_of_what_does_not_vary_is_not_a_number():
    assert np.isnan(spearman([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]))
    with pytest.raises(BadInput, match="same length"):
        pearson([1, 2], [1, 2, 3])


def test_spearman_brown_predicts_the_full_sample():
    """Two half-samples of signal + noise: the corrected half correlation is that of two full samples."""
    generator = np.random.default_rng(0)
    signal = generator.normal(size=40000)
    halves = [signal + generator.normal(size=signal.size) for _ in range(4)]
    half = pearson(halves[0], halves[1])
    full = pearson(halves[0] + halves[1], halves[2] + halves[3])
    assert spearman_brown(half) == pytest.approx(full, abs=0.01)


def test_infidelity_equals_captums():
    captum = pytest.importorskip("captum.metrics")
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()
    x, relevance = torch.randn(2, 1, 5, dtype=torch.float64)
    taken = torch.randn(64, 5, dtype=torch.float64) * 0.3
    rows = iter(taken)

    def perturb(inputs):
        i = torch.stack([next(rows) for _ in range(len(inputs))])
        return i, inputs - i

    theirs = float(captum.infidelity(net, perturb, x, relevance, n_perturb_samples=64, target=0))
    with torch.no_grad():
        drops = (net(x) - net(x - taken)).numpy()[:, 0]
    assert infidelity(relevance.numpy()[0], taken.numpy(), drops) == pytest.approx(theirs, rel=1e-6)


def test_faithfulness_correlation_is_pearson_within_one_size():
    generator = np.random.default_rng(0)
    removed, drops = generator.normal(size=(2, 20))
    assert faithfulness_correlation(removed, drops, np.full(20, 3)) == pytest.approx(pearson(removed, drops))


def test_faithfulness_correlation_does_not_reward_size_alone():
    sizes = np.repeat([1, 5, 9], 200)
    noise = np.random.default_rng(0).normal(size=(2, sizes.size))
    removed, drops = sizes + noise
    assert pearson(removed, drops) > 0.8
    assert abs(faithfulness_correlation(removed, drops, sizes)) < 0.15


def test_faithfulness_correlation_of_a_flat_score_is_not_a_number():
    assert np.isnan(faithfulness_correlation([1.0, 2.0], [0.5, 0.5], [1, 1]))


def test_completeness_comprehensiveness_sufficiency():
    assert completeness_gap([1, 2, 3], score=10, baseline_score=3) == 1.0
    assert comprehensiveness(0.0, [-2.0, -4.0]) == 3.0
    assert sufficiency(0.0, [-1.0, 0.0]) == 0.5


def test_areas():
    fractions = np.array([0.0, 0.1, 1.0])
    assert perturbation_auc(fractions, [1.0, 0.0, 0.0]) == pytest.approx(0.05)
    assert normalized_auc(fractions, [-3.0, -7.0, -7.0]) == pytest.approx(0.05)
    assert np.isnan(normalized_auc(fractions, [1.0, 2.0, 1.0]))


def test_relevance_mass_and_its_chance():
    inside = np.array([0.0, 0.5, 1.0, 0.0])
    assert relevance_mass([1.0, 2.0, 3.0, -9.0], inside) == pytest.approx(4 / 6)
    assert np.isnan(relevance_mass([-1.0, 0.0, 0.0, 0.0], inside))
    sizes = np.array([1.0, 2.0, 2.0, 5.0])
    assert chance_mass(sizes, inside) == pytest.approx(0.3)
    assert relevance_mass(sizes, inside) == pytest.approx(chance_mass(sizes, inside))


def test_rank_accuracy_and_pointing():
    inside = np.array([1.0, 0.9, 0.0, 0.2])
    assert rank_accuracy([9.0, 1.0, 5.0, 0.0], inside) == 0.5
    assert np.isnan(rank_accuracy([1.0, 2.0], [0.0, 0.1]))
    assert not pointing_hit([1.0, 0.0, 5.0, 0.0], inside)
    assert not top_k_hit([2.0, 0.0, 5.0, 0.0], inside, k=1)
    assert top_k_hit([2.0, 0.0, 5.0, 0.0], inside, k=2)
    with pytest.raises(BadInput, match="between 0 and 1"):
        relevance_mass([1.0], [2.0])


def test_bootstrap_interval_covers_the_mean_as_often_as_it_says():
    generator = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        low, high = bootstrap_interval(generator.normal(loc=2.0, size=40), n_resamples=400, seed=seed)
        covered += low <= 2.0 <= high
    assert 0.88 <= covered / 200 <= 0.99
    assert bootstrap_interval([1.0, 2.0, 3.0], seed=1) == bootstrap_interval([1.0, 2.0, 3.0], seed=1)
