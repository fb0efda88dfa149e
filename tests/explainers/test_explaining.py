"""`explain` end to end on toys whose answers are known."""

import numpy as np
import pytest

from otoscope.core import (
    Alignment,
    BadInput,
    Hypothesis,
    Interval,
    Recording,
    Segment,
    Target,
    Tier,
    Trace,
    UnknownName,
)
from otoscope.explainers import EXPLAINERS, Checks, explain, method
from otoscope.explainers.gradients.fine_method import FineMethod
from otoscope.testing import AdditiveRecognizer, FunctionRecognizer, InteractionRecognizer

ALL = [name for name in sorted(EXPLAINERS) if not isinstance(method(name), FineMethod)]
"""Methods that ask nothing of a recogniser but scores."""


@pytest.mark.parametrize("name", ["kernel-shap", "leave-one-out", "shapley"])
def test_additive_toy_is_explained_exactly_for_all_words(name, toy, noise, stretches):
    explanation = explain(toy, noise, method=name, checks=False)
    assert [a.target.label for a in explanation] == list("abcdefghij")
    for attribution in explanation:
        assert [s.label for s in attribution.segments] == list("abcdefghij")
        exact = toy.exact_shapley(noise, attribution.target, stretches)
        np.testing.assert_allclose(attribution.relevance, exact, rtol=0.06, atol=0.02)
        assert attribution.completeness_gap < (1.0 if name == "leave-one-out" else 1e-9)
        assert attribution.top.label == attribution.target.label


def test_all_words_cost_no_more_recordings_than_one(toy, noise):
    explain(toy, noise, target=0, checks=False)
    for_one, toy.digests = len(toy.digests), []
    explain(toy, noise, checks=False)
    assert 90 < len(toy.digests) == for_one <= 128


def test_a_word_has_the_same_map_alone_and_with_the_others(toy, noise):
    alone = explain(toy, noise, target="d", checks=False)[0]
    among = explain(toy, noise, checks=False)[3]
    np.testing.assert_allclose(alone.relevance, among.relevance, atol=1e-12)
    assert alone.settings["n_targets_sharing"] == 1
    assert among.settings["n_targets_sharing"] == 10


@pytest.mark.parametrize("name", ALL)
def test_no_recording_is_scored_twice(name, toy, noise):
    explain(toy, noise, method=name, checks=True)
    assert len(toy.digests) == len(set(toy.digests))


def test_the_same_seed_gives_the_same_explanation_and_another_another(words):
    stretches = tuple(Segment(0.2 * i, 0.2 * i + 0.2) for i in range(10))
    recording = Recording(np.random.default_rng(0).normal(scale=0.1, size=32000), 16000)
    strengths = np.random.default_rng(1).normal(size=(10, 10))
    strengths = np.triu(strengths, 1) + np.triu(strengths, 1).T
    toy = FunctionRecognizer(stretches, lambda x: float(np.tanh(1e3 * x).sum() ** 3), lambda x: x)
    runs = [explain(toy, recording, segments=stretches, seed=seed, n_masks=50) for seed in (4, 4, 5)]
    assert runs[0] == runs[1]
    assert not np.allclose(runs[0][0].relevance, runs[2][0].relevance)


def test_targets_by_index_label_interval_target_and_several(toy, noise, words):
    def labels(target):
        return [a.target.label for a in explain(toy, noise, target=target, checks=False)]

    assert labels(2) == labels("c") == labels(words[2]) == labels([2]) == ["c"]
    assert labels(["c", 0, words[5]]) == ["c", "a", "f"]
    assert labels(Target("word", "c", words[2]).rather_than("d")) == ["c"]
    with pytest.raises(BadInput, match="not among the words heard"):
        labels("zebra")
    with pytest.raises(BadInput, match="no target"):
        labels([])


def test_a_rival_is_subtracted(toy, noise, stretches):
    target = toy.trace(noise).target("c").rather_than("d")
    attribution = explain(toy, noise, target=target, checks=False)[0]
    np.testing.assert_allclose(attribution.relevance, toy.exact_shapley(noise, target, stretches), rtol=0.06, atol=0.02)


def test_nothing_heard_is_an_explanation_of_nothing(noise):
    class Deaf(AdditiveRecognizer):
        def trace(self, recording, *, record=()):
            provenance = super().trace(recording).provenance
            return Trace(recording, (Hypothesis(()),), provenance, {"alignment": Alignment(Tier("words"))})

    assert len(explain(Deaf((Segment(0, 1),), {"toy": (1.0,)}), noise, cells=True)) == 0


def test_interaction_is_shared_by_shapley_and_counted_twice_by_leaving_one_out(noise):
    stretches = (Segment(0.0, 0.8), Segment(0.8, 2.0))
    toy = InteractionRecognizer(noise, stretches, ((0, 3), (3, 0)))
    fair = explain(toy, noise, segments=stretches, checks=False)[0]
    each = explain(toy, noise, segments=stretches, method="leave-one-out", checks=False)[0]
    np.testing.assert_allclose(fair.relevance, [1.5, 1.5])
    np.testing.assert_allclose(each.relevance, [3.0, 3.0])


def test_a_good_map_passes_its_checks_and_says_how(toy, noise):
    attribution = explain(toy, noise, checks=Checks(second_fill=None))[4]
    trust = attribution.trust
    assert trust.passed, trust.failures
    assert trust.chance_mass == pytest.approx(0.1)
    assert trust.relevance_mass > 3 * trust.chance_mass
    assert trust.pointing_hit
    assert trust.seed_agreement == pytest.approx(1.0)
    assert trust.faithfulness_correlation > 0.999
    deletion = next(c for c in trust.curves if c.direction == "deletion")
    insertion = next(c for c in trust.curves if c.direction == "insertion")
    assert deletion.auc < deletion.random_auc
    assert insertion.auc > insertion.random_auc
    assert deletion.scores[0] == attribution.score == insertion.scores[-1]
    assert deletion.scores[-1] == attribution.baseline_score == insertion.scores[0]
    assert trust.fill_agreement is None


def test_a_target_that_nothing_changes_fails_with_the_reason(noise, stretches):
    toy = AdditiveRecognizer(stretches, {"toy": [0.0] * 10})
    trust = explain(toy, noise, segments=stretches)[0].trust
    assert not trust.passed
    assert "nothing to explain" in trust.failures[0]


def test_a_target_that_silence_serves_better_fails_with_the_reason(noise, stretches):
    toy = AdditiveRecognizer(stretches, {"toy": [-100.0] * 10})
    assert any("scores no better" in sentence for sentence in explain(toy, noise, segments=stretches)[0].trust.failures)


def test_few_masks_of_a_wild_score_fail_the_check_of_seeds(noise, stretches):
    generator = np.random.default_rng(0)
    toy = FunctionRecognizer(stretches, lambda x: float(generator.normal()), lambda x: x)
    trust = explain(toy, noise, segments=stretches, n_masks=40)[0].trust
    assert any("another sample" in sentence for sentence in trust.failures)


def test_settings_say_how_the_map_was_made(toy, noise):
    attribution = explain(toy, noise, n_masks=90, seed=7)[0]
    assert attribution.seed == 7
    assert attribution.settings["n_masks"] == 74
    assert attribution.n_evaluations == 72, "two masks of the orders coincide"
    assert attribution.settings["segments"] == "auto"
    assert len(attribution.settings["standard_error"]) == 10
    assert attribution.settings["n_evaluations_with_checks"] > 74


def test_max_seconds_lowers_the_masks_but_not_below_the_least(toy, noise):
    hurried = explain(toy, noise, max_seconds=1e-6, checks=False)[0]
    assert hurried.settings["n_masks"] == 20
    assert explain(toy, noise, max_seconds=1e6, checks=False)[0].settings["n_masks"] == 128


def test_progress_only_grows_and_ends_at_its_total(toy, noise):
    told = []
    explain(toy, noise, cells=True, progress=lambda done, total: told.append((done, total)))
    done = [d for d, _ in told]
    assert done == sorted(done)
    assert all(d <= t for d, t in told)
    assert told[-1][0] == told[-1][1]


def test_bad_names_are_refused_before_anything_is_scored(toy, noise):
    with pytest.raises(UnknownName, match="did you mean words"):
        explain(toy, noise, segments="wrds")
    with pytest.raises(BadInput, match="unknown fill"):
        explain(toy, noise, fill="sugar")
    with pytest.raises(BadInput, match="gives no phone times"):
        explain(toy, noise, segments="phones")
    assert toy.digests == []


def test_a_score_that_is_not_finite_is_refused_by_name(noise, stretches):
    toy = FunctionRecognizer(stretches, lambda x: -np.inf, lambda x: x)
    with pytest.raises(BadInput, match="cannot score 'toy'"):
        explain(toy, noise, segments=stretches)


def test_long_recordings_are_cut_into_phrases_and_their_checks_shared():
    """200 words: the number of recordings must not grow with the words times the steps of curves."""
    words = tuple(Interval(i / 10, (i + 1) / 10, f"w{i}") for i in range(200))
    recording = Recording(np.random.default_rng(0).normal(scale=0.1, size=20000), 1000)
    segments = tuple(Segment(w.start_s, w.end_s) for w in words)
    weights = {w.label: [1000.0 * (i == j) for j in range(200)] for i, w in enumerate(words)}
    explanation = explain(AdditiveRecognizer(segments, weights, words), recording)
    assert len(explanation) == 200
    assert len(explanation[0].segments) == 80
    assert explanation[0].segments[0].label in ("w0 w1", "w0 w1 w2")
    assert explanation[0].settings["n_evaluations_with_checks"] < 600
    assert all(a.trust.pointing_hit for a in explanation)
    sentences = [sentence for a in explanation for sentence in a.trust.failures]
    assert not any("fill silence" in sentence for sentence in sentences)
    assert sum("what fills the gaps" in sentence for sentence in sentences) > 5, (
        "noise adds energy, which this toy likes"
    )
