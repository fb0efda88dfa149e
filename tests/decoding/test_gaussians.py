"""Mixtures of diagonal Gaussians: densities against scipy, EM against hmmlearn's sklearn parts and its own promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.mixture import GaussianMixture

from otoscope.core import BadInput
from otoscope.decoding.gaussians import Mixtures, Occupancy, accumulate, allocate, single_gaussians, split, update

FLOOR = np.full(3, 1e-6)


def some_mixtures(rng: np.random.Generator) -> Mixtures:
    weights = np.concatenate([rng.dirichlet(np.ones(n)) for n in (2, 1, 4)])
    return Mixtures(weights, rng.normal(size=(7, 3)), rng.uniform(0.2, 2, (7, 3)), np.array([0, 2, 3, 7]))


def some_frames(rng: np.random.Generator, n_frames: int = 700) -> np.ndarray:
    centres = rng.normal(size=(4, 3)) * 2
    return (centres[rng.integers(0, 4, n_frames)] + rng.normal(size=(n_frames, 3)) * 0.7).astype(np.float32)


def test_log_likelihoods_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    mixtures, frames = some_mixtures(rng), some_frames(rng)
    single = norm.logpdf(frames[:, None], mixtures.means, np.sqrt(mixtures.variances)).sum(-1)
    weighted = single + np.log(mixtures.weights)
    expected = np.stack([logsumexp(weighted[:, a:b], axis=1) for a, b in ((0, 2), (2, 3), (3, 7))], axis=1)
    np.testing.assert_allclose(mixtures.log_likelihoods(frames), expected, atol=2e-4)
    np.testing.assert_allclose(mixtures.log_likelihoods(frames, [2, 0]), expected[:, [2, 0]], atol=2e-4)


def test_em_is_that_of_sklearn() -> None:
    rng = np.random.default_rng(1)
    frames = some_frames(rng)
    start = split(single_gaussians(frames, Occupancy.of_path(np.zeros(700, int), 1), floor=FLOOR)[0], np.array([4]))
    ours = start
    occupancy = Occupancy.of_path(np.zeros(700, int), 1)
    for _ in range(5):
        ours = update(ours, accumulate(ours, frames, occupancy), floor=FLOOR)
    theirs = GaussianMixture(4, covariance_type="diag", max_iter=5, tol=0, reg_covar=0, init_params="random")
    theirs.weights_init, theirs.means_init = start.weights, start.means
    theirs.precisions_init = 1 / start.variances
    with pytest.warns(UserWarning, match="converge"):
        theirs.fit(frames.astype(np.float64))
    np.testing.assert_allclose(ours.weights, theirs.weights_, rtol=1e-6)
    np.testing.assert_allclose(ours.means, theirs.means_, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(ours.variances, theirs.covariances_, rtol=1e-5)


def test_em_never_lowers_the_likelihood() -> None:
    rng = np.random.default_rng(2)
    mixtures, frames = some_mixtures(rng), some_frames(rng)
    shares = rng.uniform(0.1, 1, 700)
    occupancy = Occupancy.of_entries(np.arange(700), rng.integers(0, 3, 700), shares, 3)
    seen = []
    for _ in range(12):
        statistics = accumulate(mixtures, frames, occupancy)
        seen.append(statistics.log_likelihood)
        mixtures = update(mixtures, statistics, floor=FLOOR)
    assert np.diff(seen).min() > -1e-8
    assert seen[-1] > seen[0] + 10


def test_a_frame_shared_between_states_counts_as_much_as_it_is_shared() -> None:
    rng = np.random.default_rng(3)
    mixtures, frames = some_mixtures(rng), some_frames(rng, 40)
    twice = Occupancy.of_entries(np.repeat(np.arange(40), 2), np.tile([0, 2], 40), np.tile([0.25, 0.75], 40), 3)
    found = accumulate(mixtures, frames, twice)
    one = accumulate(mixtures, frames, Occupancy.of_path(np.zeros(40, int), 3))
    two = accumulate(mixtures, frames, Occupancy.of_path(np.full(40, 2), 3))
    np.testing.assert_allclose(found.sums, 0.25 * one.sums + 0.75 * two.sums, rtol=1e-12)
    np.testing.assert_allclose(found.counts.sum(), 40)
    assert found.log_likelihood == pytest.approx(0.25 * one.log_likelihood + 0.75 * two.log_likelihood)
    np.testing.assert_allclose(twice.counts(), [10, 0, 30])


def test_an_unseen_state_stays_and_a_light_gaussian_is_dropped() -> None:
    rng = np.random.default_rng(4)
    mixtures, frames = some_mixtures(rng), some_frames(rng)
    statistics = accumulate(mixtures, frames, Occupancy.of_path(np.full(700, 2), 3))
    least = float(np.sort(statistics.counts[3:])[1]) + 1e-9
    updated = update(mixtures, statistics, floor=FLOOR, least_count=least)
    np.testing.assert_allclose(updated.means[:3], mixtures.means[:3])
    assert updated.n_components.tolist() == [2, 1, 2]
    np.testing.assert_allclose(np.add.reduceat(updated.weights, updated.first[:-1]), 1)


def test_splitting_keeps_mass_and_mean_and_allocation_keeps_to_the_frames() -> None:
    mixtures = some_mixtures(np.random.default_rng(5))
    wider = split(mixtures, np.array([3, 4, 1]))
    assert wider.n_components.tolist() == [3, 4, 4]
    for a, b in zip(range(3), range(3), strict=True):
        ours, theirs = slice(*wider.first[a : a + 2]), slice(*mixtures.first[b : b + 2])
        np.testing.assert_allclose(
            wider.weights[ours] @ wider.means[ours], mixtures.weights[theirs] @ mixtures.means[theirs]
        )
    found = allocate(np.array([5000.0, 300.0, 10.0, 0.0]), 40, least_frames=50)
    assert found.sum() == 40
    assert found[1:].tolist() == [6, 1, 1]


def test_faulty_parts_are_refused() -> None:
    mixtures = some_mixtures(np.random.default_rng(6))
    with pytest.raises(BadInput, match=r"frames must be \(n_frames, 3\)"):
        mixtures.log_likelihoods(np.zeros((4, 2)))
    with pytest.raises(BadInput, match="at least one Gaussian a state"):
        Mixtures(mixtures.weights, mixtures.means, mixtures.variances, np.array([0, 2, 2, 7]))
    with pytest.raises(BadInput, match="above 0"):
        Mixtures(mixtures.weights, mixtures.means, 0 * mixtures.variances, mixtures.first)
    with pytest.raises(BadInput, match="states run from 0 to 3; there are 3"):
        Occupancy.of_path([0, 3], 3)
