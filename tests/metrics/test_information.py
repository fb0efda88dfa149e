"""Mutual information: golden values, closed forms, brute force, and sklearn as an oracle."""

from __future__ import annotations

import math

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.metrics.information import binned_information, entropy_of_counts, kde_information, pattern_codes
from otoscope.metrics.nearest_information import gaussian_information, ksg_information, ross_information


def pair(correlation: float, *, n: int = 2000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    covariance = [[1, correlation], [correlation, 1]]
    x, y = np.random.default_rng(seed).multivariate_normal([0, 0], covariance, size=n).T
    return x, y


def test_density_bounds_have_their_golden_values():
    points = np.random.default_rng(0).random((1000, 20))
    lower, upper = kde_information(points, np.arange(1000) % 2, variance=0.05)
    assert upper.input.nats == pytest.approx(6.907569, abs=5e-7)
    assert lower.input.nats == pytest.approx(5.975120, abs=5e-7)
    assert upper.input.ceiling_nats == pytest.approx(6.907755, abs=5e-7)
    assert upper.input.saturated
    assert not lower.input.saturated


def test_density_bounds_follow_their_equations():
    rng = np.random.default_rng(1)
    points, labels = rng.standard_normal((70, 3)), rng.integers(0, 3, 70)
    squares = ((points[:, None] - points) ** 2).sum(-1)
    for point, scale in zip(kde_information(points, labels, variance=0.2), (8, 2), strict=True):
        kernel = np.exp(-squares / (scale * 0.2))
        whole = -np.log(kernel.mean(1)).mean()
        within = sum(
            (labels == c).mean() * -np.log(kernel[np.ix_(labels == c, labels == c)].mean(1)).mean() for c in range(3)
        )
        assert point.input.nats == pytest.approx(whole)
        assert point.label.nats == pytest.approx(whole - within)


def test_density_bounds_enclose_the_information_of_far_apart_places():
    """Four places far apart, visited equally often: exactly ln 4, whatever the noise."""
    points = np.repeat(np.array([[0.0, 0], [50, 0], [0, 50], [50, 50]]), 25, axis=0)
    lower, upper = kde_information(points, np.repeat([0, 0, 1, 1], 25), variance=1.0)
    assert lower.input.nats == pytest.approx(math.log(4))
    assert upper.input.nats == pytest.approx(math.log(4))
    assert upper.label.nats == pytest.approx(math.log(2))


def test_density_bounds_enclose_the_truth_of_a_gaussian_channel():
    """T = X + noise, X normal: I = ln(1 + s²/σ²) / 2, up to sampling."""
    x = np.random.default_rng(2).standard_normal((4000, 1))
    for variance in (0.1, 1.0):
        lower, upper = kde_information(x, np.zeros(4000), variance=variance)
        truth = 0.5 * math.log1p(1 / variance)
        assert lower.input.nats - 0.02 <= truth <= upper.input.nats + 0.02


def test_density_bounds_stand_far_from_the_origin():
    points = np.random.default_rng(0).random((200, 4))
    near, far = (kde_information(points + shift, np.zeros(200))[1].input.nats for shift in (0.0, 1e7))
    assert far == pytest.approx(near, abs=1e-6)


def test_bins_count_patterns():
    values = np.array([[0.01, 0.01], [0.02, 0.06], [0.08, 0.01], [-0.01, 0.01]])
    assert len(set(pattern_codes(values, width=0.07))) == 3
    point = binned_information(values, [0, 0, 1, 1], width=0.07)
    assert point.input.nats == pytest.approx(entropy_of_counts([2, 1, 1]))
    assert point.label.bits == pytest.approx(1.0)
    assert point.input.ceiling_bits == pytest.approx(2.0)


def test_binned_information_of_a_table_is_exact():
    """T is y where a coin says so, else 2: I(T; Y) from the joint table."""
    t = np.array([[0.0]] * 3 + [[2.0]] * 1 + [[1.0]] * 2 + [[2.0]] * 2)
    y = [0] * 4 + [1] * 4
    joint = np.array([[3, 0, 1], [0, 2, 2]]) / 8
    expected = sum(p * math.log(p / (joint[i].sum() * joint[:, j].sum())) for (i, j), p in np.ndenumerate(joint) if p)
    assert binned_information(t, y, width=0.5).label.nats == pytest.approx(expected)


def test_bins_saturate_and_say_so():
    values = np.random.default_rng(0).standard_normal((500, 8))
    point = binned_information(values, np.arange(500) % 2, width=0.07)
    assert point.input.nats == pytest.approx(math.log(500))
    assert point.input.saturated
    assert "ln 500" in point.input.limit
    assert point.label.saturated, "labels that mean nothing reach H(Y) once every row is a pattern of its own"


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6, 0.9, 0.99])
def test_ksg_comes_near_the_closed_form(correlation):
    x, y = pair(correlation, n=3000)
    assert ksg_information(x, y, k=4).nats == pytest.approx(gaussian_information(correlation), abs=0.05)


def test_ksg_and_ross_agree_with_sklearn():
    from sklearn.feature_selection._mutual_info import _compute_mi_cc, _compute_mi_cd

    for seed, k in ((0, 3), (1, 5)):
        x, y = pair(0.7, n=400, seed=seed)
        assert ksg_information(x, y, k=k).nats == pytest.approx(_compute_mi_cc(x, y, k), abs=1e-9)
        labels = (y > 0.5).astype(int)
        assert ross_information(x, labels, k=k).nats == pytest.approx(_compute_mi_cd(x, labels, k), abs=1e-9)


def test_ksg_is_symmetric_and_takes_several_dimensions():
    x, y = pair(0.8, n=1500)
    noise = np.random.default_rng(5).standard_normal(1500)
    both = ksg_information(np.stack([x, noise], 1), y).nats
    assert ksg_information(y, np.stack([x, noise], 1)).nats == pytest.approx(both)
    assert both == pytest.approx(gaussian_information(0.8), abs=0.1)


def test_ksg_cannot_pass_its_ceiling():
    x = np.sort(np.random.default_rng(0).random(200))
    found = ksg_information(x, x, k=3)
    assert found.nats <= found.ceiling_nats + 1e-12
    assert found.ceiling_nats < math.log(200)


def test_ross_finds_what_separated_labels_say():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2, 3], 200)
    found = ross_information(labels * 100 + rng.standard_normal(800), labels)
    assert found.nats == pytest.approx(math.log(4), abs=0.01)
    assert found.saturated
    assert abs(ross_information(rng.standard_normal(800), labels).nats) < 0.05


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: binned_information([[0.0]], [0]), "two rows"),
        (lambda: binned_information([[0.0], [math.nan]], [0, 1]), "NaN"),
        (lambda: binned_information([[0.0], [1.0]], [0]), "one label for each row"),
        (lambda: binned_information([[0.0], [1.0]], [0, 1], width=0), "above 0"),
        (lambda: kde_information([[0.0], [1.0]], [0, 1], variance=-1), "above 0"),
        (lambda: ksg_information([0.0] * 9, [0.0] * 9), "equal"),
        (lambda: ksg_information([0.0, 1.0], [1.0]), "two rows|rows of y"),
        (lambda: ksg_information([0.0, 1.0], [1.0, 2.0], k=2), "between 1 and 1"),
        (lambda: ross_information(np.arange(9.0), [0] * 7 + [1] * 2), "occurs 2 times"),
        (lambda: gaussian_information(1.0), "between"),
    ],
)
def test_what_cannot_be_estimated_is_refused(call, match):
    with pytest.raises(BadInput, match=match):
        call()
