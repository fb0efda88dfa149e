"""Times of answering, against scipy's exponentially modified normal."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import exponnorm

from otoscope.core import BadInput
from otoscope.listener.execution import Constant, ExGaussian


def test_density_is_that_of_scipy():
    made, x = ExGaussian(0.3, 0.04, 0.1), np.linspace(0.1, 1.5, 40)
    assert made.log_density(x) == pytest.approx(exponnorm(0.1 / 0.04, loc=0.3, scale=0.04).logpdf(x), abs=1e-9)


def test_parameters_are_recovered():
    true = ExGaussian(0.3, 0.04, 0.1)
    x = true.draw(4000, np.random.default_rng(3))
    found = ExGaussian.fitted(x)
    assert x.mean() == pytest.approx(true.mean_s, rel=0.02)
    assert (found.mu_s, found.sigma_s, found.tau_s) == pytest.approx((0.3, 0.04, 0.1), rel=0.1)


def test_constant_and_refusals():
    assert Constant(0.25).draw(3, np.random.default_rng(0)).tolist() == [0.25] * 3
    assert Constant(0.25).mean_s == 0.25
    with pytest.raises(BadInput, match="10 or more"):
        ExGaussian.fitted(np.ones(20))
    with pytest.raises(BadInput, match="above 0"):
        ExGaussian(0.1, 0, 1)
