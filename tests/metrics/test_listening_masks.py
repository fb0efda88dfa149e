"""L-MAC's measures (golden D3), divergence with a zero (D2), stability and noisy linear imputation."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.metrics.imputation import imputed
from otoscope.metrics.listening_masks import (
    average_drop,
    average_gain,
    average_increase,
    divergence,
    faithfulness_on_spectra,
    input_fidelity,
    probabilities,
)
from otoscope.metrics.stability import local_lipschitz, max_sensitivity


def test_average_drop_of_logits_is_not_that_of_probabilities():
    """D3: 50 classes; a softmax of probabilities never drops by more than 1 - 1/e = 63.2 %."""
    sure, unsure = np.zeros(50), np.zeros(50)
    sure[0] = 30.0
    once = [probabilities(each)[0] for each in (sure, unsure)]
    true = average_drop([once[0]], [once[1]])
    assert true == pytest.approx(98, abs=0.01)
    whole = probabilities(sure)
    none = np.r_[0.0, np.full(49, 1 / 49)]

    def again(p):
        return np.exp(p)[0] / np.exp(p).sum()

    twice = average_drop([again(whole)], [again(none)])
    assert twice <= 100 * (1 - np.exp(-1)) + 1e-6
    assert twice < true - 30
    with pytest.raises(BadInput, match="probabilities already"):
        probabilities(whole)
    with pytest.raises(BadInput, match="no probabilities"):
        average_drop([30.0], [0.0])


def test_divergence_with_a_zero_is_finite():
    """D2."""
    assert divergence([0.0, 0.5, 0.5], [0.2, 0.4, 0.4]) == pytest.approx(np.log(1.25))
    assert divergence([0.0, 1.0], [0.0, 1.0]) == 0
    assert divergence([0.5, 0.5], [0.0, 1.0]) == np.inf


def test_a_map_that_is_everything_or_nothing():
    p = [0.3, 0.9, 1.0]
    assert (average_increase(p, p), average_drop(p, p), average_gain(p, p)) == (0, 0, 0)
    assert average_drop(p, [0, 0, 0]) == 100
    assert average_gain(p, [1, 1, 1]) == pytest.approx(200 / 3)
    assert faithfulness_on_spectra(p, [0, 0, 0]) == pytest.approx(np.mean(p))
    assert input_fidelity(np.eye(3), np.eye(3)[[0, 2, 2]]) == pytest.approx(2 / 3)


def test_stability_grows_with_the_change():
    own = np.array([1.0, 2.0, -2.0])
    assert max_sensitivity(own, own[None] * 1.5) == pytest.approx(0.5)
    assert np.isnan(max_sensitivity([0.0], [[1.0]]))
    assert local_lipschitz(own, own[None] * 1.5, [0.5]) == pytest.approx(3)
    with pytest.raises(BadInput, match="distances above 0"):
        local_lipschitz(own, own[None], [0.0])


def test_imputation_finishes_a_plane_and_leaves_the_rest():
    y, x = np.mgrid[:9, :8].astype(float)
    plane = 3 * x - 2 * y + 1
    gone = np.zeros(plane.shape, dtype=bool)
    gone[2:6, 3:6] = True
    np.testing.assert_allclose(imputed(plane, gone, noise=0.0), plane, atol=1e-9)
    noisy = imputed(plane, gone, noise=0.1, seed=1)
    np.testing.assert_array_equal(noisy[~gone], plane[~gone])
    assert 0 < np.abs(noisy - plane)[gone].mean() < plane.std()
    np.testing.assert_array_equal(noisy, imputed(plane, gone, noise=0.1, seed=1))
    gone[:] = True
    gone[0, 0] = False
    np.testing.assert_allclose(imputed(plane, gone, noise=0.0), plane[0, 0])
    gone[:] = True
    with pytest.raises(BadInput, match="nothing to guess"):
        imputed(plane, gone)
