"""Similarity of representations: golden values, scikit-learn and SciPy as oracles, and what each measure ignores."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import ortho_group, spearmanr
from sklearn.cross_decomposition import CCA
from sklearn.metrics import mutual_info_score

from otoscope.core import BadInput
from otoscope.metrics.similarity import (
    Subspace,
    canonical_correlations,
    label_information,
    linear_cka,
    pwcca,
    representational_similarity,
    svcca,
)


@pytest.fixture
def frames():
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, 6)) * [5, 3, 2, 1, 1, 0.5] + 7


@pytest.fixture
def general():
    return np.random.default_rng(1).normal(size=(6, 6))


def test_golden_values_of_invertible_maps_rotations_and_scales(frames, general):
    assert canonical_correlations(frames, frames @ general) == pytest.approx(np.ones(6), abs=1e-9)
    assert svcca(frames, frames @ general, kept=1.0) == pytest.approx(1, abs=1e-9)
    assert pwcca(frames, frames @ general) == pytest.approx(1, abs=1e-9)
    turned = ortho_group.rvs(6, random_state=2)
    assert linear_cka(frames, -3 * frames @ turned + 4) == pytest.approx(1, abs=1e-9)
    assert linear_cka(frames, frames @ general) < 0.98


def test_canonical_correlations_are_those_of_scikit_learn(frames):
    rng = np.random.default_rng(3)
    other = frames[:, :3] @ rng.normal(size=(3, 4)) + 3 * rng.normal(size=(300, 4))
    fitted = CCA(n_components=4, max_iter=5000, tol=1e-12).fit(frames, other)
    scores = fitted.transform(frames, other)
    known = [abs(np.corrcoef(a, b)[0, 1]) for a, b in zip(scores[0].T, scores[1].T, strict=True)]
    assert canonical_correlations(frames, other) == pytest.approx(known, abs=1e-5)


def test_weights_of_pwcca_follow_what_the_first_holds():
    rng = np.random.default_rng(4)
    signal, noise = rng.normal(size=(400, 2)), rng.normal(size=(400, 2))
    shared = np.column_stack([10 * signal[:, 0], 0.1 * signal[:, 1]])
    other = np.column_stack([signal[:, 0], noise[:, 0]])
    assert pwcca(shared, other) > 0.97
    assert pwcca(other, np.column_stack([signal[:, 0], noise[:, 1]])) < 0.7
    assert canonical_correlations(shared, other).mean() < 0.6


def test_svcca_leaves_small_directions_out(frames):
    rng = np.random.default_rng(5)
    noisy = [np.column_stack([frames, 1e-3 * rng.normal(size=(300, 6))]) for _ in range(2)]
    assert svcca(*noisy) == pytest.approx(1, abs=1e-6)
    assert svcca(*noisy, kept=1.0) < 0.8


def test_subspaces_worked_out_once_are_alike_as_their_components(frames, general):
    other = np.tanh(0.1 * frames @ general) + 0.2 * frames[::-1]
    a, b = Subspace.of(frames, kept=0.95), Subspace.of(other, kept=0.95)
    assert a.directions.shape[1] < 6
    mean, weighted = a.alike(b)
    assert mean == pytest.approx(svcca(frames, other, kept=0.95))
    assert weighted == pytest.approx(pwcca(a.directions * a.sizes, other, kept=1.0), abs=0.1)
    assert weighted == pytest.approx(pwcca(a.directions * a.sizes, b.directions * b.sizes))
    order = np.random.default_rng(7).permutation(300)
    assert a.reordered(order).alike(b.reordered(order)) == pytest.approx((mean, weighted))
    assert a.alike(b.reordered(order))[0] < 0.5 * mean


def test_cka_is_the_formula_of_kernels(frames, general):
    other = np.tanh(frames @ general)
    grams = [m @ m.T for m in (frames - frames.mean(0), other - other.mean(0))]
    known = (grams[0] * grams[1]).sum() / np.sqrt((grams[0] ** 2).sum() * (grams[1] ** 2).sum())
    assert linear_cka(frames, other) == pytest.approx(known)


def test_rsa_is_the_rank_correlation_of_distances(frames, general):
    other = np.tanh(0.2 * frames @ general)
    known = spearmanr(pdist(frames[:40], "correlation"), pdist(other[:40], "correlation")).statistic
    assert representational_similarity(frames[:40], other[:40]) == pytest.approx(known)
    flat = np.vstack([np.full((3, 6), 2.0), frames[:40]])
    assert representational_similarity(flat, np.vstack([other[40:43], other[:40]])) == pytest.approx(known)
    assert np.isnan(representational_similarity(flat[:5], other[:5]))


def test_information_of_labels_is_that_of_scikit_learn():
    rng = np.random.default_rng(6)
    labels = rng.integers(0, 5, 200)
    clusters = np.where(rng.random(200) < 0.6, labels, rng.integers(0, 9, 200))
    assert label_information(clusters, labels) == pytest.approx(mutual_info_score(clusters, labels))
    assert label_information(labels, labels) == pytest.approx(
        -(np.bincount(labels) / 200) @ np.log(np.bincount(labels) / 200)
    )


def test_what_cannot_be_compared_is_refused(frames):
    with pytest.raises(BadInput, match="same 3 rows"):
        linear_cka(frames, frames[1:])
    with pytest.raises(BadInput, match="does not vary"):
        canonical_correlations(frames, np.ones((300, 2)))
    with pytest.raises(BadInput, match="NaN"):
        pwcca(frames, np.full((300, 2), np.nan))
    assert np.isnan(linear_cka(frames, np.ones((300, 2))))
