"""Time-frequency maps of all words at once: orthogonal design, and agreement with cells taken one by one."""

from itertools import pairwise

import numpy as np
import pytest

from otoscope.core import BadInput, Interval, Recording
from otoscope.explainers import explain
from otoscope.explainers.cell_maps import cell_attributions
from otoscope.explainers.local_cells import cell_effects, plan_cells, windows
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.metrics.agreement import pearson, reliability
from otoscope.testing import AdditiveRecognizer


def test_main_effects_within_a_word_are_orthogonal_and_rows_are_folded(noise, words):
    plan = plan_cells(noise, words, seed=1)
    design = plan.masks[2:] * 2.0 - 1
    assert len(design) == 128
    np.testing.assert_array_equal(design[0::2], -design[1::2])
    assert (design.sum(axis=0) == 0).all()
    for group in plan.groups:
        np.testing.assert_array_equal(design[:, group].T @ design[:, group], 128 * np.eye(group.size))
    mine, next_one = design[:, plan.groups[0]], design[:, plan.groups[1]]
    assert np.abs(mine.T @ next_one / 128).max() < 0.8


def test_effects_are_differences_of_means_and_blind_to_pairwise_interactions(noise, words):
    plan = plan_cells(noise, words[:1], seed=0)
    kept = plan.masks[2:]
    weights = np.random.default_rng(0).normal(size=kept.shape[1])
    pairs = np.random.default_rng(1).normal(size=(kept.shape[1],) * 2)
    centred = kept - 0.5
    scores = kept @ weights + np.einsum("mi,ij,mj->m", centred, pairs, centred)
    effects, error = cell_effects(kept, scores)
    means = np.array([scores[kept[:, j]].mean() - scores[~kept[:, j]].mean() for j in range(kept.shape[1])])
    np.testing.assert_allclose(effects, means, atol=1e-10)
    np.testing.assert_allclose(effects, weights, atol=1e-10)
    assert (error < 1e-9).all()


@pytest.fixture
def cell_toy(noise, words):
    """Words heard by a few cells of their own, by no other; listens to noise."""
    plan = plan_cells(noise, words)
    generator = np.random.default_rng(3)
    weights = {}
    for group, word in zip(plan.groups, words, strict=True):
        row = np.zeros(len(plan.segments))
        row[generator.permutation(group)[:4]] = generator.uniform(2e4, 6e4, size=4)
        weights[word.label] = row
    return AdditiveRecognizer(plan.segments, weights, words)


def test_all_words_at_once_agree_with_cells_taken_one_by_one(cell_toy, noise, words):
    """The local shortcut: 130 recordings for ten words, against one recording for every single cell."""
    targets = cell_toy.trace(noise).targets()
    maps = cell_attributions(cell_toy, noise, targets)
    plan = plan_cells(noise, words)
    score = MaskedScores(cell_toy, noise, plan.segments, targets)
    n_cells = len(plan.segments)
    scores = score(np.vstack([np.ones((1, n_cells), dtype=bool), ~np.eye(n_cells, dtype=bool)]), fill="silence")
    one_by_one = scores[0] - scores[1:]
    agreement = []
    for index, (attribution, group) in enumerate(zip(maps, plan.groups, strict=True)):
        assert attribution.n_evaluations == 130
        assert attribution.segments == tuple(plan.segments[cell] for cell in group)
        agreement.append(pearson(attribution.relevance, one_by_one[group, index]))
    assert np.mean(agreement) > 0.9
    assert min(agreement) > 0.8


def test_cells_of_an_explanation_keep_the_order_of_its_targets(cell_toy, noise):
    explanation = explain(cell_toy, noise, target=["c", "a"], cells=True, checks=False)
    assert [a.target.label for a in explanation.cells] == ["c", "a"]
    for attribution in explanation.cells:
        word = attribution.target.interval
        assert all(s.start_s >= word.start_s - 0.051 and s.end_s <= word.end_s + 0.051 for s in attribution.segments)
        assert attribution.trust.seed_agreement is not None


def test_windows_never_meet_and_words_of_no_length_have_no_cells():
    recording = Recording(np.zeros(16000), 16000)
    words = [Interval(0.0, 0.2, "a"), Interval(0.21, 0.21, "b"), Interval(0.22, 0.5, "c"), Interval(0.9, 1.0, "d")]
    found = windows(recording, words)
    assert all(left.end_s <= right.start_s + 1e-12 for left, right in pairwise(found))
    assert found[2].end_s == pytest.approx(0.55)
    assert found[3].end_s == 1.0
    assert [group.size for group in plan_cells(recording, words).groups] == [16, 0, 24, 16]


def test_an_utterance_gets_the_cells_of_all_words(cell_toy, noise):
    from otoscope.core import Target

    word = cell_toy.trace(noise).target("a")
    whole = Target("utterance", "a")
    maps = cell_attributions(cell_toy, noise, [word, whole])
    assert len(maps[1].segments) == len(maps[0].segments)
    alone = cell_attributions(cell_toy, noise, [whole])
    assert alone[0].segments[-1].end_s == noise.duration_s


@pytest.mark.parametrize("n_masks", [60, 4, 16, 192])
def test_a_design_that_cannot_be_is_refused(noise, words, n_masks):
    with pytest.raises(BadInput, match="power of two above 16"):
        plan_cells(noise, words, n_masks=n_masks)


def test_standard_errors_tell_how_far_another_seed_lies(noise, words):
    """Effects of noisy scores over many designs spread as their standard errors say, and agree as expected."""
    generator = np.random.default_rng(0)
    plan = plan_cells(noise, words[:1])
    kept = plan.masks[2:]
    weights = generator.normal(size=kept.shape[1])
    runs = [cell_effects(kept, kept @ weights + generator.normal(scale=2.0, size=len(kept))) for _ in range(300)]
    effects, errors = (np.array(part) for part in zip(*runs, strict=True))
    np.testing.assert_allclose(np.sqrt((errors**2).mean()), effects.std(axis=0).mean(), rtol=0.05)
    expected = np.mean([reliability(e, se) for e, se in runs])
    measured = np.mean([pearson(a, b) for a, b in zip(effects[::2], effects[1::2], strict=True)])
    assert expected == pytest.approx(measured, abs=0.05)
