"""Every method as plan and estimate: closed forms, brute force, and captum on the same masks and models."""

from itertools import permutations

import numpy as np
import pytest

from otoscope.core import BadInput, UnknownName
from otoscope.explainers import EXPLAINERS, method
from otoscope.explainers.kernel_shap import KernelShap
from otoscope.explainers.lime import Lime
from otoscope.explainers.plan import all_masks
from otoscope.explainers.shapley import Shapley

ALL = sorted(EXPLAINERS)
SAMPLED = ["bubbles", "kernel-shap", "lime", "multi-scale", "rise", "shapley"]


def tanh_game(n_segments, *, n_targets=2, seed=0):
    """A set function with interactions of all orders."""
    generator = np.random.default_rng(seed)
    first, second = generator.normal(size=(2, n_segments, n_targets))
    return lambda masks: np.tanh(masks @ first) * 3 + (masks @ second) ** 2


def brute_force_shapley(game, n_segments):
    total = 0.0
    orders = list(permutations(range(n_segments)))
    for order in orders:
        chain = np.zeros((n_segments + 1, n_segments), dtype=bool)
        for step, segment in enumerate(order):
            chain[step + 1 :, segment] = True
        rises = np.diff(game(chain), axis=0)
        total = total + rises[np.argsort(order)]
    return total / len(orders)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("n_segments", [1, 2, 5, 24])
def test_plan_begins_with_everything_and_nothing_and_repeats(name, n_segments):
    chosen = method(name)
    n_masks = chosen.default_n_masks(n_segments)
    masks = chosen.plan(n_segments, n_masks=n_masks, seed=3)
    assert masks.dtype == bool
    assert masks.shape[1] == n_segments
    assert len(masks) <= n_masks
    assert masks[0].all()
    assert not masks[1].any()
    np.testing.assert_array_equal(masks, chosen.plan(n_segments, n_masks=n_masks, seed=3))


@pytest.mark.parametrize("name", SAMPLED)
def test_another_seed_gives_another_plan(name):
    chosen = method(name)
    plans = [chosen.plan(24, n_masks=200, seed=seed) for seed in (0, 1)]
    assert not np.array_equal(*plans)


@pytest.mark.parametrize("name", ["kernel-shap", "leave-one-out", "shapley"])
def test_additive_scores_are_explained_exactly(name):
    """Where every segment counts by itself, all methods must give its weight, from any plan."""
    chosen = method(name)
    weights = np.random.default_rng(1).normal(size=(24, 3))
    masks = chosen.plan(24, n_masks=chosen.default_n_masks(24), seed=0)
    estimate = chosen.estimate(masks, 2.0 + masks @ weights)
    np.testing.assert_allclose(estimate.relevance, weights, atol=1e-10)


def test_lime_tends_to_the_weights_of_an_additive_score_as_its_penalty_goes():
    weights = np.random.default_rng(1).normal(size=(12, 3))
    masks = Lime().plan(12, n_masks=200, seed=0)
    estimate = Lime(ridge=1e-9).estimate(masks, 2.0 + masks @ weights)
    np.testing.assert_allclose(estimate.relevance, weights, atol=1e-6)


@pytest.mark.parametrize("name", ["kernel-shap", "shapley"])
@pytest.mark.parametrize("n_segments", [1, 2, 3, 5])
def test_whole_enumeration_is_the_shapley_value(name, n_segments):
    game = tanh_game(n_segments)
    masks = all_masks(n_segments)
    estimate = method(name).estimate(masks, game(masks))
    assert estimate.exact
    np.testing.assert_allclose(estimate.relevance, brute_force_shapley(game, n_segments), atol=1e-9)


@pytest.mark.parametrize("name", ["kernel-shap", "shapley"])
def test_sampled_values_are_complete(name):
    game = tanh_game(15)
    masks = method(name).plan(15, n_masks=130, seed=5)
    scores = game(masks)
    relevance = method(name).estimate(masks, scores).relevance
    np.testing.assert_allclose(relevance.sum(axis=0), scores[0] - scores[1], atol=1e-9)


@pytest.mark.parametrize("name", ["kernel-shap", "shapley"])
def test_sampled_values_come_near_the_exact_ones_within_their_standard_error(name):
    chosen, game = method(name), tanh_game(8)
    exact = chosen.estimate(all_masks(8), game(all_masks(8))).relevance
    far = []
    for seed in range(20):
        masks = chosen.plan(8, n_masks=2 + 14 * 9, seed=seed)
        estimate = chosen.estimate(masks, game(masks))
        assert not estimate.exact
        far.append((estimate.relevance - exact) / estimate.standard_error)
    assert 0.4 < np.sqrt(np.mean(np.square(far))) < 2.0
    assert abs(np.mean(far)) < 0.25


def test_antithetic_orders_are_exact_for_pairs():
    """An order and its reverse cancel interactions of two segments altogether: one pair of orders is enough."""
    strengths = np.random.default_rng(2).normal(size=(9, 9))
    strengths = np.triu(strengths, 1)

    def game(masks):
        return np.einsum("mi,ij,mj->m", masks.astype(float), strengths, masks.astype(float))[:, None]

    masks = Shapley().plan(9, n_masks=2 + 16, seed=0)
    relevance = Shapley().estimate(masks, game(masks)).relevance[:, 0]
    np.testing.assert_allclose(relevance, (strengths + strengths.T).sum(axis=1) / 2, atol=1e-12)


def test_kernel_shap_draws_sizes_by_the_kernel_and_segments_in_turn():
    masks = KernelShap().plan(10, n_masks=2 + 2 * 2000, seed=0) if 2**10 > 4002 else None
    masks = KernelShap().plan(12, n_masks=4002, seed=0) if masks is None else masks
    n_segments = masks.shape[1]
    size = np.arange(1, n_segments)
    share = 1 / (size * (n_segments - size))
    counted = np.bincount(masks[2:].sum(axis=1), minlength=n_segments)[1:n_segments]
    np.testing.assert_allclose(counted / counted.sum(), share / share.sum(), atol=0.002)
    np.testing.assert_array_equal(masks[2::2], ~masks[3::2])
    drawn = masks[2::2].sum(axis=0) + masks[3::2].sum(axis=0)
    assert (drawn == 2000).all()


@pytest.mark.parametrize("name", SAMPLED)
def test_halves_share_nothing_but_the_ends(name):
    chosen = method(name)
    masks = chosen.plan(20, n_masks=chosen.default_n_masks(20), seed=0)
    first, second = chosen.halves(masks)
    assert set(first) & set(second) == {0, 1}
    assert abs(first.size - second.size) == 0
    scores = tanh_game(20)(masks)
    for half in (first, second):
        assert np.isfinite(chosen.estimate(masks[half], scores[half]).relevance).all()


def test_leave_one_out_and_enumerations_have_no_halves():
    assert method("leave-one-out").halves(np.ones((5, 3), dtype=bool)) is None
    assert Shapley().halves(all_masks(4)) is None
    assert KernelShap().halves(all_masks(4)) is None


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("bubbles", 12),
        ("kernel-shap", 50),
        ("leave-one-out", 26),
        ("lime", 4),
        ("multi-scale", 10),
        ("occlusion", 71),
        ("rise", 4),
        ("shapley", 48),
    ],
)
def test_too_few_masks_are_refused_with_the_number_needed(name, least):
    with pytest.raises(BadInput, match=f"at least {least} masks for 24 segments, got {least - 1}"):
        method(name).plan(24, n_masks=least - 1, seed=0)
    assert len(method(name).plan(24, n_masks=least, seed=0)) == least


def test_shapley_refuses_masks_that_are_no_orders():
    masks = np.random.default_rng(0).random((20, 10)) < 0.5
    with pytest.raises(BadInput, match="order"):
        Shapley().estimate(masks, np.zeros((20, 1)))


def test_unknown_method_offers_the_nearest():
    with pytest.raises(UnknownName, match="did you mean shapley"):
        method("shaply")


def test_lime_weighs_by_cosine_distance():
    """A mask of a quarter of the segments makes an angle of cosine 1/2 with the whole recording."""
    masks = np.array([[True] * 4, [True, False, False, False], [False] * 4])
    np.testing.assert_allclose(Lime(width=0.25).weights(masks), np.exp([0.0, -4.0, -16.0]))


def test_orders_and_their_reverses_put_each_segment_once_in_each_stretch_of_positions():
    n_segments, n_pairs = 24, 6
    masks = Shapley().plan(n_segments, n_masks=2 + n_pairs * 2 * (n_segments - 1), seed=0)
    chains = masks[2:].reshape(2 * n_pairs, n_segments - 1, n_segments)
    positions = (~chains).sum(axis=1)  # prefixes a segment is not in: how many stand before it
    np.testing.assert_array_equal(positions[0::2], n_segments - 1 - positions[1::2])
    mean = positions.mean(axis=0)
    np.testing.assert_allclose(mean, (n_segments - 1) / 2)
    spread = np.abs(np.sort(positions, axis=0) - np.arange(1, 4 * n_pairs, 2)[:, None])
    assert spread.mean() < 1.2, "independent orders stray by about 1.5 places, these by 1.0"
