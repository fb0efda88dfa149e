"""Methods are judged alike: on a toy whose answer is known the right ones pass, and who cannot serve says why."""

import numpy as np
import pytest

from otoscope.core import Alignment, BadInput, Hypothesis, NotAble, Tier, Trace
from otoscope.explainers import judge, method
from otoscope.explainers.direct import estimate_of
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.randomizing import random_weights_agreement

METHODS = ("leave-one-out", "shapley", "saliency")


@pytest.fixture
def finding(toy, noise, stretches):
    return judge(toy.recognizer, noise, methods=METHODS, segments=stretches)


def test_exact_methods_of_an_additive_toy_pass_with_nothing_unfaithful(finding):
    rows = {row["method"]: row for row in finding.table}
    for name in ("leave-one-out", "shapley"):
        row = rows[name]
        assert row["share_passed"] == 1
        assert row["gain"] > 0.2
        assert row["infidelity"] < 1e-3 * row["chance_infidelity"]  # ramps: neighbours share theirs when both go
        assert row["deletion"] < row["random_deletion"]
        assert row["insertion"] > row["random_insertion"]
        assert row["comprehensiveness"] > row["random_comprehensiveness"]
        assert row["random_weights_agreement"] < 0.5
        assert row["relevance_mass"] > row["chance_mass"]


def test_steadiness_and_what_the_strongest_segments_are_worth_alone(finding):
    rows = {row["method"]: row for row in finding.table}
    for name in ("leave-one-out", "shapley"):
        row = rows[name]
        assert 0 <= row["max_sensitivity"] < 0.2
        assert row["lipschitz"] >= 0
        assert 0 <= row["average_drop"] <= 100
        assert 0 <= row["average_gain"] <= 100
        assert row["road_gain"] is None
        assert "additive" in row["note"], "a toy without features cannot be asked about other features"


def test_who_cannot_serve_comes_last_with_the_reason(finding):
    last = finding.table[-1]
    assert last["method"] == "saliency"
    assert last["share_passed"] is None
    assert last["note"]


def test_the_panels_and_the_rule_go_along(finding):
    assert [panel.kind for panel in finding.panels] == ["bars", "table"]
    assert "ranked by" in finding.summary
    assert finding.provenance["rule"] in finding.summary


def test_silence_cannot_be_judged(toy, noise):
    class Deaf(type(toy.recognizer)):
        def trace(self, recording, *, record=()):
            provenance = super().trace(recording).provenance
            return Trace(recording, (Hypothesis(()),), provenance, {"alignment": Alignment(Tier("words"))})

    old = toy.recognizer
    with pytest.raises(BadInput, match="no word"):
        judge(Deaf(old.segments, old.weights, old.words), noise, methods=("shapley",))


def test_shuffled_weights_give_another_map_and_leave_the_toy_as_it_was(toy, noise, stretches, words):
    targets = [toy.trace(noise).target(word) for word in words]
    score = MaskedScores(toy.recognizer, noise, stretches, targets)
    loo = method("leave-one-out")
    masks = loo.plan(len(stretches), n_masks=len(stretches) + 2, seed=0)
    relevance = estimate_of(loo, score, masks, fill="silence", seed=0).relevance
    found = random_weights_agreement(score, loo, masks, relevance, fill="silence", seed=0)
    assert np.mean(found) < 0.5
    assert estimate_of(loo, score, masks, fill="silence", seed=0).relevance == pytest.approx(relevance)


def test_a_recogniser_that_forgets_nothing_is_caught(toy, noise, stretches, words):
    class Stubborn(type(toy.recognizer)):
        def with_random_weights(self, *, seed, share=1.0):
            return self

    old = toy.recognizer
    stubborn = Stubborn(old.segments, old.weights, old.words, bias=old.bias)
    row = judge(stubborn, noise, methods=("leave-one-out",), segments=stretches).table[0]
    assert row["random_weights_agreement"] == pytest.approx(1)
    assert row["share_passed"] == 0


def test_without_random_weights_the_reason_is_told(noise, stretches, words, toy):
    class Plain:
        name, provenance = "plain", toy.provenance
        trace, score = toy.recognizer.trace, toy.recognizer.score

    loo = method("leave-one-out")
    score = MaskedScores(Plain(), noise, stretches, [toy.trace(noise).target(words[0])])
    with pytest.raises(NotAble, match="plain cannot"):
        random_weights_agreement(score, loo, loo.plan(10, n_masks=12, seed=0), np.ones((10, 1)), fill="silence", seed=0)
