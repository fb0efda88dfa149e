"""The way down: complete, falling, the fastest order where all orders can be tried."""

from itertools import permutations

import numpy as np
import pytest

from otoscope.core import Interval, Recording, Segment, Target
from otoscope.explainers import explain
from otoscope.explainers.deletion_path import DeletionPath, falling
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.testing import AdditiveRecognizer, InteractionRecognizer


@pytest.fixture
def pairs():
    recording = Recording(np.random.default_rng(0).normal(0, 0.1, 5000), 1000)
    segments = tuple(Segment(i, i + 1.0) for i in range(5))
    strengths = np.triu(np.random.default_rng(4).uniform(0, 3, size=(5, 5)), 1)
    return InteractionRecognizer(recording, segments, strengths + strengths.T), recording


def area(toy, recording, order):
    scores, samples = [], recording.samples.copy()
    for segment in order:
        samples[segment * 1000 : (segment + 1) * 1000] = 0
        scores.append(toy.score([recording.with_samples(samples.copy())], toy.trace(recording).targets()[:1])[0, 0])
    return sum(scores)


def test_the_path_is_the_order_of_least_area_and_complete(pairs):
    toy, recording = pairs
    alone = DeletionPath(width=3, n_tried=4, enough=0.0, second_fill=None)
    found = explain(toy, recording, segments=toy.segments, method=alone, checks=False)[0]
    own = area(toy, recording, np.argsort(-found.relevance, kind="stable"))
    assert own == pytest.approx(min(area(toy, recording, order) for order in permutations(range(5))), abs=1e-9)
    assert found.completeness_gap < 1e-6
    assert found.settings["exact"]


def test_additive_scores_are_explained_exactly_and_the_checks_pass():
    segments = tuple(Segment(i, i + 1.0) for i in range(30))
    weights = np.zeros(30)
    weights[7:10] = (3.0, 5.0, 4.0)
    toy = AdditiveRecognizer(segments, {"toy": weights})
    recording = Recording(np.ones(3000), 100)
    found = explain(toy, recording, segments=segments, method=DeletionPath(enough=0.0), checks=True)[0]
    np.testing.assert_allclose(found.relevance, weights, atol=1e-6)
    assert found.trust.faithfulness_correlation > 0.99
    deletion = found.trust.curves[0]
    assert deletion.auc < deletion.random_auc


def test_steps_that_cost_more_than_the_one_before_share():
    drops = falling(np.array([1.0, 4.0, 2.0, 2.5]))
    np.testing.assert_allclose(drops, [2.5, 2.5, 2.25, 2.25], atol=1e-6)
    assert (np.diff(drops) < 0).all()
    assert falling(np.zeros(0)).size == 0


def test_few_segments_and_the_least_settings(pairs):
    toy, recording = pairs
    path = DeletionPath(n_proposals=4, block=2, n_tried=1, width=1, most_steps=1)
    found = explain(toy, recording, segments=toy.segments, method=path, checks=False)[0]
    assert found.completeness_gap < 1e-6
    whole = explain(toy, recording, segments=[Segment(0, 5.0)], method="deletion-path", checks=False)[0]
    assert whole.relevance[0] == pytest.approx(whole.score - whole.baseline_score)


class Hears:
    """Hears nothing once a segment is silent; noise in its place costs a part, and so does a change of two others."""

    name = "three-cues"

    def __init__(self, recording):
        self.recording = recording

    def score(self, recordings, targets, *, progress=None):
        return np.array([[self.level(recording.samples)] for recording in recordings])

    def level(self, samples):
        inner = [slice(k * 100 + 1, k * 100 + 99) for k in range(12)]
        if samples[inner[2]].std() == 0:
            return 0.0
        same = [np.array_equal(samples[part], self.recording.samples[part]) for part in inner]
        return 4.0 * same[2] + 2.0 * same[8] + 1.0 * same[9]


def test_a_segment_that_only_a_second_fill_needs_stands_before_what_nothing_needs():
    segments = tuple(Segment(i, i + 1.0) for i in range(12))
    recording = Recording(np.random.default_rng(0).normal(0, 0.1, 1200), 100)
    score = MaskedScores(
        Hears(recording), recording, segments, [Target("word", "toy", Interval(0.0, 12.0, "toy"))], seed=0
    )
    relevance = DeletionPath().look(score, fill="silence", seed=0).relevance[:, 0]
    assert np.argsort(-relevance, kind="stable")[:3].tolist() == [2, 8, 9]
    assert relevance.sum() == pytest.approx(7.0)


def test_targets_together_have_the_maps_they_have_alone():
    segments = tuple(Segment(i, i + 1.0) for i in range(30))
    rng, words = np.random.default_rng(1), (Interval(0.0, 15.0, "one"), Interval(15.0, 30.0, "two"))
    toy = AdditiveRecognizer(segments, {"one": rng.uniform(0, 1, 30), "two": rng.uniform(0, 1, 30)}, words)
    recording = Recording(np.ones(3000), 100)
    together = explain(toy, recording, segments=segments, method="deletion-path", checks=False)
    alone = [explain(toy, recording, target=k, segments=segments, method="deletion-path", checks=False) for k in (0, 1)]
    for both, (own,) in zip(together, alone, strict=True):
        np.testing.assert_array_equal(both.relevance, own.relevance)
    assert together[0].settings["n_targets_sharing"] == 2
