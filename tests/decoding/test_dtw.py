"""Dynamic time warping against all paths, scipy and published properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from otoscope.core import BadInput, DoesNotFit, UnknownName
from otoscope.decoding.dtw import PATTERNS, dtw, dtw_distance, local_costs, warp, warp_distance


def every_path(costs, pattern, allowed=lambda i, j: True):
    """Yield (cost, pairs) of all paths, forwards from the first pair."""
    n_x, n_y = costs.shape
    steps = PATTERNS[pattern]

    def onward(i, j, cost, pairs):
        if (i, j) == (n_x - 1, n_y - 1):
            yield cost, tuple(pairs)
        for move, (di, dj) in zip(steps.moves, steps.origins, strict=True):
            a, b = i + di, j + dj
            cells = [(a - x, b - y) for x, y, _ in move]
            if a < n_x and b < n_y and all(allowed(*cell) for cell in cells):
                more = sum(w * costs[cell] for cell, (_, _, w) in zip(cells, move, strict=True))
                yield from onward(a, b, cost + more, [*pairs, *cells])

    yield from onward(0, 0, steps.first_weight * costs[0, 0], [(0, 0)])


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_path_is_better_than_the_one_found(pattern):
    rng = np.random.default_rng(0)
    for _ in range(250):
        costs = rng.integers(0, 4, size=rng.integers(1, 6, size=2)).astype(float)
        paths = dict(reversed(item) for item in every_path(costs, pattern))
        if not paths:
            with pytest.raises(DoesNotFit, match=f"no {pattern} path"):
                warp(costs, pattern=pattern)
            continue
        found = warp(costs, pattern=pattern)
        assert found.distance == warp_distance(costs, pattern=pattern) == min(paths.values())
        assert paths[tuple(map(tuple, found.pairs.tolist()))] == found.distance


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("band", [0, 1, 2])
def test_band_keeps_the_path_near_the_straight_line(pattern, band):
    rng = np.random.default_rng(1)
    for _ in range(120):
        costs = rng.integers(0, 4, size=rng.integers(2, 6, size=2)).astype(float)
        slope = (costs.shape[1] - 1) / (costs.shape[0] - 1)

        def allowed(i, j, slope=slope):
            return abs(j - i * slope) <= band + 1e-9

        best = min((cost for cost, _ in every_path(costs, pattern, allowed)), default=math.inf)
        if best == math.inf:
            with pytest.raises(DoesNotFit, match=f"within a band of {band}"):
                warp(costs, pattern=pattern, band=band)
            continue
        found = warp(costs, pattern=pattern, band=band)
        assert found.distance == warp_distance(costs, pattern=pattern, band=band) == best
        assert all(allowed(i, j) for i, j in found.pairs.tolist())


@pytest.mark.parametrize("pattern", [name for name, p in PATTERNS.items() if p.normalised])
def test_weights_of_normalised_patterns_sum_to_both_lengths(pattern):
    for n_x, n_y in ((1, 1), (4, 4), (5, 4), (3, 4)):
        found = warp(np.ones((n_x, n_y)), pattern=pattern)
        assert found.distance == n_x + n_y
        assert found.normalised_distance == 1.0


def test_a_sequence_is_at_distance_zero_from_itself_and_from_itself_slowed_down():
    x = np.random.default_rng(2).normal(size=(60, 13)) + 100.0
    assert dtw_distance(x, x) == 0.0
    assert dtw(x, x).pairs.tolist() == [[i, i] for i in range(60)]
    slow = np.repeat(x, 2, axis=0)
    path = dtw(x, slow)
    assert path.distance == 0.0
    assert (path.pairs[:, 1] // 2 == path.pairs[:, 0]).all()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_swapping_changes_no_distance_nor_does_turning_round_where_all_weights_are_one(pattern):
    x, y = (np.random.default_rng(s).normal(size=(n, 3)) for s, n in ((3, 40), (4, 50)))
    there = dtw_distance(x, y, pattern=pattern)
    assert dtw_distance(y, x, pattern=pattern) == pytest.approx(there)
    if pattern == "symmetric1":  # the others weigh a diagonal step by the pair it ends in
        assert dtw_distance(x[::-1], y[::-1], pattern=pattern) == pytest.approx(there)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_local_costs_equal_scipy(metric):
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(30, 7)), rng.normal(size=(20, 7))
    y[:5] = x[:5] * (1 + 1e-9)
    assert local_costs(x, y, metric=metric) == pytest.approx(cdist(x, y, metric), rel=1e-6, abs=1e-15)


def test_small_distances_of_large_vectors_keep_their_digits():
    x = np.full((1, 3), 1e6)
    y = x + np.array([[3e-4, 4e-4, 0.0]])
    assert local_costs(x, y)[0, 0] == pytest.approx(5e-4, rel=1e-5)
    assert local_costs(x, x)[0, 0] == 0.0


def test_cosine_of_silent_frames():
    costs = local_costs(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 0.0], [-1.0, 0.0]]), metric="cosine")
    assert costs.tolist() == [[0.0, 1.0], [1.0, 2.0]]


def test_infinite_costs_bar_the_way():
    costs = np.zeros((3, 3))
    costs[1, 1] = np.inf
    assert [1, 1] not in warp(costs).pairs.tolist()
    costs[1] = np.inf
    with pytest.raises(DoesNotFit):
        warp(costs)


@pytest.mark.parametrize("costs", [np.full((2, 2), np.nan), np.full((2, 2), -1.0), np.zeros(3), np.zeros((0, 2))])
def test_bad_costs_are_named(costs):
    for function in (warp, warp_distance):
        with pytest.raises(BadInput, match="costs"):
            function(costs)


def test_unknown_names_and_bad_features_are_named():
    with pytest.raises(UnknownName, match="did you mean symmetric2"):
        warp(np.zeros((2, 2)), pattern="symmetric")
    with pytest.raises(UnknownName, match="euclidean"):
        dtw([0.0], [0.0], metric="euclid")
    with pytest.raises(BadInput, match="x has 2 coefficients a frame, y has 3"):
        dtw(np.zeros((4, 2)), np.zeros((4, 3)))
    with pytest.raises(BadInput, match="y holds NaN"):
        dtw([0.0], [np.nan])
    with pytest.raises(BadInput, match="band must not be negative"):
        warp(np.zeros((2, 2)), band=-1)
