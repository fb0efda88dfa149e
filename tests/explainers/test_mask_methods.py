"""RISE, occlusion, bubbles and many scales: closed forms of additive scores, enumerated masks, spread over seeds."""

from itertools import pairwise, product

import numpy as np
import pytest

from otoscope.core import BadInput, Segment
from otoscope.explainers import explain, method
from otoscope.explainers.bubbles import Bubbles
from otoscope.explainers.multi_scale import MultiScale
from otoscope.explainers.occlusion import Occlusion
from otoscope.explainers.rise import Rise
from otoscope.testing import InteractionRecognizer

NAMES = ["bubbles", "multi-scale", "occlusion", "rise"]
WEIGHTS = np.random.default_rng(1).normal(size=(7, 2))


def additive(masks):
    return 2.0 + masks @ WEIGHTS


def wild(masks):
    """Interactions of all orders."""
    first, second = np.random.default_rng(4).normal(size=(2, 7, 2))
    return np.tanh(masks @ first) * 3 + (masks @ second) ** 2


def rise_expectation(game, *, keep, cell, n_segments=7):
    """E[f | kept] - E[f], by summing over all tosses and shifts, and between all heights where a mask changes."""
    n_points = (n_segments - 1) // cell + 3
    mean, together, kept_share = 0.0, 0.0, 0.0
    for shift, tosses in product(range(cell), product([0, 1], repeat=n_points)):
        chance = keep ** sum(tosses) * (1 - keep) ** (n_points - sum(tosses)) / cell
        smooth = np.interp((np.arange(n_segments) + shift) / cell, np.arange(n_points), tosses)
        edges = np.unique([0.0, 1.0, *smooth])
        for low, high in pairwise(edges):
            mask = smooth > (low + high) / 2
            value = chance * (high - low) * game(mask[None])[0]
            mean, together = mean + value, together + mask[:, None] * value
            kept_share = kept_share + chance * (high - low) * mask
    np.testing.assert_allclose(kept_share, keep)
    return together / keep - mean


@pytest.mark.parametrize(("keep", "cell"), [(0.5, 1), (0.5, 2), (0.3, 2), (0.5, 3)])
def test_rise_comes_to_the_enumerated_expectation(keep, cell):
    chosen = Rise(keep=keep, cell=cell)
    masks = chosen.plan(7, n_masks=40_002, seed=0)
    estimate = chosen.estimate(masks, wild(masks))
    exact = rise_expectation(wild, keep=keep, cell=cell)
    assert np.abs(estimate.relevance - exact).max() < 0.03 * np.abs(exact).max()
    assert masks[2:].mean(axis=0) == pytest.approx(keep, abs=0.01)


def test_rise_of_an_additive_score_by_single_tosses_is_the_weights_times_the_share_taken_away():
    np.testing.assert_allclose(rise_expectation(additive, keep=0.3, cell=1), 0.7 * WEIGHTS, atol=1e-12)
    masks = Rise(keep=0.3, cell=1).plan(7, n_masks=20_002, seed=0)
    np.testing.assert_allclose(Rise(keep=0.3).estimate(masks, additive(masks)).relevance, 0.7 * WEIGHTS, atol=0.03)


def test_pairs_of_rise_are_complements_when_half_is_kept_and_keep_neighbours_together():
    masks = Rise().plan(20, n_masks=1002, seed=0)[2:]
    np.testing.assert_array_equal(masks[0::2], ~masks[1::2])
    together = (masks[:, 1:] == masks[:, :-1]).mean()
    assert together == pytest.approx(0.75, abs=0.03), "a point of the grid for two segments"
    single = Rise(cell=1).plan(20, n_masks=1002, seed=0)[2:]
    assert (single[:, 1:] == single[:, :-1]).mean() == pytest.approx(0.5, abs=0.03)


def test_complements_of_rise_cancel_interactions_of_two_and_its_standard_error_knows():
    strengths = np.triu(np.random.default_rng(2).normal(size=(7, 7)), 1)

    def pairs(masks):
        centred = masks - 0.5
        return 5.0 + np.einsum("mi,ij,mj->m", centred, strengths, centred)[:, None]

    masks = Rise().plan(7, n_masks=62, seed=0)
    estimate = Rise().estimate(masks, pairs(masks))
    assert pairs(masks).std() > 0.1
    np.testing.assert_allclose(estimate.relevance, 0.0, atol=1e-12)
    np.testing.assert_allclose(estimate.standard_error, 0.0, atol=1e-12)


def test_rise_refuses_masks_that_tell_nothing_of_a_segment():
    masks = np.array([[1, 1], [0, 0], [1, 0], [1, 1]], dtype=bool)
    with pytest.raises(BadInput, match="ask for more masks"):
        Rise().estimate(masks, np.zeros((4, 1)))
    plan = Rise(keep=0.9, cell=1).plan(12, n_masks=10, seed=0)
    assert Rise(keep=0.9, cell=1).halves(plan) is None


@pytest.mark.parametrize("widest", [1, 2, 3, 20])
def test_occlusion_is_the_mean_drop_of_covering_windows_of_any_game(widest):
    chosen = Occlusion(widest)
    masks = chosen.plan(7, n_masks=500, seed=9)
    assert len(masks) == chosen.default_n_masks(7)
    found = chosen.estimate(masks, wild(masks))
    everything = np.ones((1, 7), dtype=bool)
    for segment in range(7):
        drops = []
        for first, last in ((a, b) for a in range(7) for b in range(a + 1, 8) if b - a <= widest):
            if first <= segment < last:
                window = everything.copy()
                window[0, first:last] = False
                drops.append(wild(everything) - wild(window))
        np.testing.assert_allclose(found.relevance[segment], np.mean(drops, axis=0)[0], atol=1e-12)
    assert found.exact
    assert found.standard_error is None


def test_occlusion_sees_what_is_there_twice_and_leave_one_out_does_not():
    def either(masks):
        return (masks[:, 2] | masks[:, 3]).astype(float)[:, None]

    single, wide = (chosen.plan(7, n_masks=100, seed=0) for chosen in (Occlusion(1), Occlusion(3)))
    assert not Occlusion(1).estimate(single, either(single)).relevance.any()
    assert Occlusion(3).estimate(wide, either(wide)).relevance[:, 0].argmax() in (2, 3)


def test_bubbles_keep_each_segment_equally_often_in_both_halves():
    chosen = Bubbles(share=0.2)
    masks = chosen.plan(11, n_masks=102, seed=0)
    for rows in chosen.halves(masks):
        np.testing.assert_array_equal(masks[rows[2:]].sum(axis=0), 10)
    assert len(chosen.plan(11, n_masks=12, seed=0)) == 12
    with pytest.raises(BadInput, match="at least 12 masks"):
        chosen.plan(11, n_masks=11, seed=0)


def test_bubbles_are_regression_and_correlation_as_numpy_has_them():
    masks = Bubbles().plan(7, n_masks=102, seed=0)
    scores = wild(masks) - 4000.0
    slope, correlation = Bubbles().estimate(masks, scores).relevance, Bubbles().correlation(masks, scores)
    for segment, target in product(range(7), range(2)):
        heard, said = masks[2:, segment].astype(float), scores[2:, target]
        assert slope[segment, target] == pytest.approx(np.polyfit(heard, said, 1)[0], abs=1e-9)
        assert correlation[segment, target] == pytest.approx(np.corrcoef(heard, said)[0, 1], abs=1e-9)


def test_bubbles_tell_what_is_enough():
    """Of two segments with the same information each is enough, though neither is missed."""

    def either(masks):
        return (masks[:, 2] | masks[:, 3]).astype(float)[:, None]

    masks = Bubbles().plan(7, n_masks=40_002, seed=0)
    relevance = Bubbles().estimate(masks, either(masks)).relevance[:, 0]
    np.testing.assert_allclose(relevance, [0, 0, 0.8, 0.8, 0, 0, 0], atol=0.02)


def test_many_scales_of_an_additive_score_are_triangular_means_of_the_weights():
    chosen, place = MultiScale((1, 2, 3)), np.arange(7)
    expected = 0.0
    for scale in chosen.scales:
        near = np.zeros((7, 7))
        for offset in range(scale):
            group = (place + offset) // scale
            near += group[:, None] == group
        expected = expected + near @ WEIGHTS / near.sum(axis=1, keepdims=True) / 3
    runs = [chosen.plan(7, n_masks=602, seed=seed) for seed in range(60)]
    mean = np.mean([chosen.estimate(masks, additive(masks)).relevance for masks in runs], axis=0)
    np.testing.assert_allclose(mean, expected, atol=0.03)


def test_rounds_of_many_scales_go_through_sizes_that_fit():
    masks = MultiScale().plan(16, n_masks=16_002, seed=0)[2:].reshape(-1, 4, 2, 16)
    np.testing.assert_array_equal(masks[:, :, 0], ~masks[:, :, 1])
    changes = (np.diff(masks[:, :, 0].astype(int), axis=-1) != 0).mean(axis=(0, 2))
    np.testing.assert_allclose(changes, [0.5, 0.25, 0.125, 0.0625], atol=0.01)
    assert len(MultiScale().plan(1, n_masks=4, seed=0)) == 4, "one segment has one scale"
    with pytest.raises(BadInput, match="rounds"):
        MultiScale().estimate(np.ones((8, 5), dtype=bool), np.zeros((8, 1)))


def expectation(name, game):
    """What a method comes to, from very many masks."""
    chosen = method(name)
    masks = chosen.plan(7, n_masks=100_002, seed=77)
    return chosen.estimate(masks, game(masks)).relevance


@pytest.mark.parametrize("name", ["bubbles", "multi-scale", "rise"])
def test_estimates_spread_over_seeds_as_their_standard_error_says(name):
    chosen, exact = method(name), expectation(name, wild)
    found = []
    for seed in range(200):
        masks = chosen.plan(7, n_masks=122, seed=seed)
        estimate = chosen.estimate(masks, wild(masks))
        assert not estimate.exact
        found.append((estimate.relevance - exact) / estimate.standard_error)
    assert 0.8 < np.sqrt(np.mean(np.square(found))) < 1.25
    assert abs(np.mean(found)) < 0.15


@pytest.mark.parametrize("name", NAMES)
def test_every_word_of_the_toy_is_found_in_its_stretch(name, toy, noise):
    """Each word of the toy lives by its own stretch and a fifth as much by the neighbours."""
    for attribution in explain(toy, noise, method=name, checks=False):
        assert attribution.top.label == attribution.target.label


@pytest.mark.parametrize(("name", "expected"), [("bubbles", 0.6), ("occlusion", 3.0), ("rise", 0.75)])
def test_a_pair_that_counts_together_only(name, expected, noise):
    """Score 3 when both are there: bubbles 3 P(other), occlusion all of it, RISE 3/2 - 3/4 (single tosses)."""
    stretches = tuple(Segment(0.4 * i, 0.4 * i + 0.4) for i in range(5))
    strengths = np.zeros((5, 5))
    strengths[0, 4] = strengths[4, 0] = 3.0
    chosen = Rise(cell=1) if name == "rise" else method(name)
    toy = InteractionRecognizer(noise, stretches, strengths)
    relevance = explain(toy, noise, segments=stretches, method=chosen, n_masks=2000, checks=False)[0].relevance
    np.testing.assert_allclose(relevance[[0, 4]], expected, atol=0.1)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Rise(keep=1.0),
        lambda: Rise(cell=0),
        lambda: Occlusion(0),
        lambda: Bubbles(0.7),
        lambda: MultiScale((2, 1)),
    ],
)
def test_parameters_that_cannot_be_are_refused(wrong):
    with pytest.raises(BadInput, match="got"):
        wrong()
