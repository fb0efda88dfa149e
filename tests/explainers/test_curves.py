"""Deletion and insertion curves and the verdicts made from them."""

from dataclasses import replace

import numpy as np
import pytest

from otoscope.core import BadInput, Interval, PerturbationCurve, Segment, Target, Trust
from otoscope.explainers.checks import Checks
from otoscope.explainers.curves import curves, order_masks, random_orders, step_counts
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.measuring import other_target_agreement
from otoscope.explainers.verdict import failures, random_interval
from otoscope.testing import AdditiveRecognizer


def test_steps_always_have_both_ends_and_change_one_segment_at_least():
    assert step_counts(40, (0.0, 0.15, 0.5)).tolist() == [0, 1, 6, 20, 40]
    assert step_counts(1, (0.0, 0.5)).tolist() == [0, 1]
    assert step_counts(2, (0.1, 0.9)).tolist() == [0, 1, 2]


def test_deletion_and_insertion_are_complements():
    order, counts = np.array([2, 0, 1]), np.array([0, 1, 2, 3])
    deletion = order_masks(order, counts, direction="deletion")
    np.testing.assert_array_equal(deletion, ~order_masks(order, counts, direction="insertion"))
    np.testing.assert_array_equal(deletion[1], [True, True, False])


def test_curves_of_an_additive_toy_are_running_sums(toy, noise, stretches):
    targets = toy.trace(noise).targets()[:2]
    score = MaskedScores(toy, noise, stretches, targets)
    relevance = np.column_stack([toy.exact_shapley(noise, t, stretches) for t in targets])
    found = curves(
        score,
        relevance,
        direction="deletion",
        fill="silence",
        fractions=np.arange(0.1, 1.0, 0.1),
        orders=random_orders(10, 4, seed=0),
    )
    for target, curve in enumerate(found):
        falls = np.sort(relevance[:, target])[::-1]
        expected = curve.scores[0] - np.concatenate([[0], np.cumsum(falls)])
        np.testing.assert_allclose(curve.scores, expected, atol=1.0)
        assert curve.auc < np.trapezoid(curve.random_scores, curve.fractions, axis=1).min()
    assert len(toy.digests) == 2 + 18 + 36 - _same_masks(relevance, random_orders(10, 4, seed=0))


def _same_masks(relevance, orders):
    """How many interior masks of the 6 curves coincide and are scored once only."""
    rows = [np.argsort(-relevance[:, t], kind="stable") for t in range(relevance.shape[1])] + list(orders)
    masks = [tuple(m) for row in rows for m in order_masks(row, np.arange(1, 10), direction="deletion")]
    return len(masks) - len(set(masks))


def test_random_orders_are_shared_by_all_targets(toy, noise):
    from otoscope.explainers import explain

    checks = Checks(deletion=(0.5,), insertion=(), n_orders=5, n_held_out=0, second_fill=None, random_weights_up_to_s=0)
    explanation = explain(toy, noise, checks=checks)
    n_extra = explanation[0].settings["n_evaluations_with_checks"] - explanation[0].n_evaluations
    assert n_extra <= 10 + 5


def curve(scores, chance):
    return PerturbationCurve("deletion", "silence", [0.0, 0.5, 1.0], scores, chance)


CHANCE = [[0.0, -5.0, -9.0], [0.0, -4.5, -9.0], [0.0, -5.5, -9.0]]
SCORES = np.array([0.0, -9.0, -3.0])


def test_verdict_of_a_good_map_is_clean():
    trust = Trust(curves=(curve([0, -8.9, -9], CHANCE),), seed_agreement=0.9, fill_agreement=0.8)
    assert failures(trust, SCORES).passed


@pytest.mark.parametrize(
    ("trust", "scores", "words"),
    [
        (Trust(curves=(curve([0.0, -5.0, -9.0], CHANCE),)), SCORES, "no more than random orders do"),
        (Trust(seed_agreement=0.3), SCORES, "another sample of masked recordings"),
        (Trust(fill_agreement=-0.1), SCORES, "depends on what fills the gaps"),
        (Trust(faithfulness_correlation=-0.2), SCORES, "does not predict"),
        (Trust(), np.array([-3.0, -2.0, -4.0]), "scores no better in the recording"),
        (Trust(), np.array([-3.0, -3.0, -3.0]), "nothing to explain"),
    ],
)
def test_each_failure_is_a_sentence(trust, scores, words):
    sentences = failures(trust, scores).failures
    assert len(sentences) == 1
    assert words in sentences[0]


def test_interval_of_random_orders_is_students():
    from scipy import stats

    chance = curve([0, 0, 0], np.random.default_rng(0).normal(size=(7, 3)))
    areas = np.trapezoid(chance.random_scores, chance.fractions, axis=1)
    expected = stats.t.interval(0.95, 6, loc=areas.mean(), scale=stats.sem(areas))
    np.testing.assert_allclose(random_interval(chance), expected)


def test_one_random_order_is_no_baseline():
    with pytest.raises(BadInput, match="at least two orders"):
        Checks(n_orders=1)


def test_the_map_of_shuffled_weights_is_counted(toy, noise):
    from otoscope.explainers import explain

    told = []
    checks = Checks(deletion=(0.5,), insertion=(), n_orders=5, n_held_out=0, second_fill=None)
    attribution = explain(toy, noise, checks=checks, progress=lambda done, total: told.append((done, total)))[0]
    n_extra = attribution.settings["n_evaluations_with_checks"] - attribution.n_evaluations
    assert attribution.n_evaluations <= n_extra <= attribution.n_evaluations + 15
    assert attribution.trust.random_weights_agreement is not None
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len({total for _, total in told}) == 1, "all that is to come is known from the beginning"
    without = explain(toy, noise, checks=replace(checks, random_weights_up_to_s=noise.duration_s / 2))[0]
    assert without.trust.random_weights_agreement is None
    assert "left out for recordings longer than" in without.trust.not_measured[0]


def test_too_few_segments_for_shuffled_weights_are_not_paid_for(toy, noise):
    from otoscope.explainers import explain

    few = tuple(Segment(i * noise.duration_s / 5, (i + 1) * noise.duration_s / 5) for i in range(5))
    coarse = AdditiveRecognizer(few, {"toy": (1.0, 5.0, 2.0, 0.0, 0.5)}, (Interval(0.0, noise.duration_s, "toy"),))
    checks = Checks(deletion=(0.5,), insertion=(), n_orders=2, n_held_out=0, second_fill=None)
    attribution = explain(coarse, noise, segments=few, checks=checks)[0]
    assert attribution.trust.random_weights_agreement is None
    assert "fewer than 8 segments" in attribution.trust.not_measured[0]
    plain = explain(coarse, noise, segments=few, checks=replace(checks, random_weights_up_to_s=0))[0]
    assert attribution.settings["n_evaluations_with_checks"] == plain.settings["n_evaluations_with_checks"]


@pytest.mark.parametrize(("r", "n_segments", "fails"), [(0.95, 20, True), (0.85, 20, False), (0.99, 7, False)])
def test_a_map_that_another_word_has_too_fails(r, n_segments, fails):
    found = failures(Trust(other_target_agreement=r), np.array([0.0, -9.0]), n_segments=n_segments).failures
    assert [("does not tell them apart" in sentence) for sentence in found] == [True] * fails


def test_only_words_that_share_no_segment_are_compared():
    segments = tuple(Segment(i, i + 1.0) for i in range(4))
    places = {"a": (0.0, 1.0), "b": (1.0, 2.0), "c": (1.5, 3.0)}
    targets = [Target("word", word, Interval(*place, word)) for word, place in places.items()]
    targets += [Target("word", "a", Interval(3.0, 4.0, "a")), Target("utterance", "a b c")]
    relevance = np.array([[4.0, 1, 1, 0], [4, 1, 1, 0], [0, 0, 4, 0], [4, 1, 1, 0], [4, 1, 1, 0]]).T
    found = other_target_agreement(targets, segments, relevance)
    assert found[0] == pytest.approx(1.0)
    assert found[1] == pytest.approx(1.0)
    assert found[2] == pytest.approx(np.corrcoef(relevance[:, 0], relevance[:, 2])[0, 1])
    assert found[4] is None
    assert other_target_agreement(targets[1:3], segments, relevance[:, 1:3]) == (None, None)
