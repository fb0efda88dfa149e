"""Boundary errors by hand, and the pairing against maximum bipartite matching."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from otoscope.core import BadInput, Interval, Tier
from otoscope.metrics.boundaries import (
    BoundaryDetection,
    BoundaryError,
    boundaries_of,
    boundary_detection,
    boundary_error,
)


def tier(*rows):
    return Tier("words", tuple(Interval(start, end, label) for start, end, label in rows))


SAID = tier((0.0, 0.3, "ask"), (0.3, 0.5, "not"), (0.6, 1.0, "what"))


def test_equal_tiers_have_no_error():
    error = boundary_error(SAID, SAID)
    assert (error.mean_absolute_s, error.median_absolute_s, error.bias_s, error.coverage) == (0, 0, 0, 1)
    assert set(error.within().values()) == {1.0}


def test_errors_by_hand():
    heard = tier((0.0, 0.32, "ask"), (0.32, 0.5, "not"), (0.64, 0.9, "what"))
    error = boundary_error(SAID, heard)
    assert error.offsets_s == pytest.approx([0, 0.02, 0.02, 0, 0.04, -0.1])
    assert error.mean_absolute_s == pytest.approx(0.03)
    assert error.median_absolute_s == pytest.approx(0.02)
    assert error.bias_s == pytest.approx(-0.02 / 6)
    assert dict(error.within()) == {0.01: 2 / 6, 0.025: 4 / 6, 0.05: 5 / 6, 0.1: 1.0}


def test_a_missing_word_costs_coverage_and_shifts_nothing():
    heard = tier((0.0, 0.3, "ask"), (0.6, 1.0, "what"))
    error = boundary_error(SAID, heard)
    assert (error.n_intervals, error.coverage, error.mean_absolute_s) == (2, pytest.approx(2 / 3), 0.0)


def test_nothing_in_common_is_nan_and_no_coverage():
    error = boundary_error(SAID, tier((0.0, 1.0, "no")))
    assert error.coverage == 0.0
    assert all(math.isnan(v) for v in (error.mean_absolute_s, error.median_absolute_s, error.bias_s))
    assert all(math.isnan(v) for v in error.within().values())


def test_pairing_has_as_many_pairs_as_can_be():
    rng = np.random.default_rng(0)
    for _ in range(300):
        reference, hypothesis = (np.round(rng.random(rng.integers(1, 9)), 2) for _ in range(2))
        near = np.abs(reference[:, None] - hypothesis[None]) <= 0.08 + 1e-6
        most = (maximum_bipartite_matching(csr_matrix(near), perm_type="column") >= 0).sum()
        found = boundary_detection(reference, hypothesis, tolerance_s=0.08)
        assert found.hits == most
        assert (found.recall, found.precision) == (most / reference.size, most / hypothesis.size)


def test_a_boundary_on_the_tolerance_is_a_hit_and_counts_once():
    assert boundary_detection([0.3], [0.32]).hits == 1
    assert boundary_detection([0.3], [0.321]).hits == 0
    assert boundary_detection([0.30, 0.31], [0.305]).hits == 1


def test_r_value_is_one_only_for_perfection_and_punishes_too_many():
    assert BoundaryDetection(8, 8, 8, 0.02).r_value == 1.0
    assert BoundaryDetection(0, 8, 0, 0.02).r_value == pytest.approx(1 - (math.sqrt(2) + 0) / 2)
    few, many = BoundaryDetection(8, 10, 10, 0.02), BoundaryDetection(10, 10, 20, 0.02)
    assert many.recall > few.recall
    assert many.r_value < few.r_value
    hit_rate, over = 0.8, 12 / 10 - 1
    by_hand = 1 - (math.sqrt((1 - hit_rate) ** 2 + over**2) + abs((-over + hit_rate - 1) / math.sqrt(2))) / 2
    assert BoundaryDetection(8, 10, 12, 0.02).r_value == pytest.approx(by_hand)


def test_empty_rows():
    assert boundary_detection([], []).f1 == 1.0
    assert boundary_detection([0.1], []).f1 == 0.0
    assert boundary_detection([], [0.1]).r_value == -math.inf
    assert BoundaryError(np.zeros(0), 0).coverage == 1.0


def test_boundaries_of_a_tier_count_shared_ones_once():
    assert boundaries_of(SAID).tolist() == [0.0, 0.3, 0.5, 0.6, 1.0]


@pytest.mark.parametrize(("times", "tolerance"), [([math.nan], 0.02), ([[0.1]], 0.02), ([0.1], -1), ([0.1], math.nan)])
def test_bad_boundaries_are_named(times, tolerance):
    with pytest.raises(BadInput, match=r"boundaries must be|tolerance_s must not"):
        boundary_detection(times, [0.2], tolerance_s=tolerance)
