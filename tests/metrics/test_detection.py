"""d' of yes and no."""

from __future__ import annotations

import pytest

from otoscope.core import BadInput
from otoscope.metrics.detection import d_prime


def test_chance_is_zero_and_answers_do_not_lean():
    assert d_prime(30, 60, 20, 40) == pytest.approx(0.0, abs=0.02)
    assert d_prime(80, 100, 20, 100) == pytest.approx(2 * 0.8416, abs=0.03)  # z(.8) = .8416
    assert d_prime(20, 100, 80, 100) == pytest.approx(-d_prime(80, 100, 20, 100))


def test_all_right_is_finite_and_grows_with_the_items():
    assert 2 < d_prime(10, 10, 0, 10) < d_prime(100, 100, 0, 100) < 6


@pytest.mark.parametrize("counts", [(1, 0, 0, 1), (1, 1, 0, 0), (3, 2, 0, 1), (1, 2, -1, 1)])
def test_counts_that_cannot_be(counts):
    with pytest.raises(BadInput, match="both kinds"):
        d_prime(*counts)
