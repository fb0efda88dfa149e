"""κ and λ are recovered from items drawn under known ones; confidence is then right as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from otoscope.core import BadInput
from otoscope.listener.calibration import Heard, calibrate
from otoscope.metrics.calibration import reliability


def drawn(n, kappa, weight, seed=0):
    rng = np.random.default_rng(seed)
    items = []
    for _ in range(n):
        acoustic, prior = rng.normal(0, 12, 30), log_softmax(rng.normal(0, 2, 30))
        items.append(Heard(acoustic, prior, int(rng.choice(30, p=softmax(kappa * (acoustic + weight * prior))))))
    return items


def test_scales_are_recovered_and_make_confidence_right():
    found = calibrate(drawn(1500, 0.15, 4.0))
    assert found.acoustic_scale == pytest.approx(0.15, rel=0.1)
    assert found.frequency_weight == pytest.approx(4.0, rel=0.2)
    assert found.reliability.error < 0.03 < 0.2 < found.before.error


def test_a_given_weight_is_kept():
    found = calibrate(drawn(800, 0.15, 4.0), frequency_weight=4.0)
    assert found.frequency_weight == 4.0
    assert found.acoustic_scale == pytest.approx(0.15, rel=0.12)


def test_items_that_bound_nothing_are_refused():
    easy = [Heard(np.array([0.0, -1.0]), np.log([0.5, 0.5]), 0)] * 5
    with pytest.raises(BadInput, match="no finite optimum"):
        calibrate(easy)
    with pytest.raises(BadInput, match="among the candidates"):
        Heard(np.array([0.0, -np.inf]), np.zeros(2), 1)


def test_expected_calibration_error_by_hand():
    found = reliability([0.95, 0.95, 0.15, 0.15, 0.15], [1, 0, 0, 0, 1], n_bins=10)
    assert found.error == pytest.approx(2 / 5 * 0.45 + 3 / 5 * abs(1 / 3 - 0.15))
    assert found.n[[1, 9]].tolist() == [3, 2]
    assert np.isnan(found.correct[0])
