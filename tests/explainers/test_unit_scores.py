"""A hidden unit is explained by what drives it."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, Interval, NotAble, Recording, Segment, Target, UnknownName
from otoscope.explainers import explain
from otoscope.explainers.unit_scores import UnitScores
from otoscope.recognizers import load
from otoscope.testing import AdditiveRecognizer


@pytest.fixture(scope="module")
def digits():
    return load("ctc-digits")


@pytest.fixture
def burst():
    rng = np.random.default_rng(0)
    samples = 1e-3 * rng.standard_normal(8000)
    samples[3200:4800] += 0.3 * rng.standard_normal(1600)
    return Recording(samples, 8000)


def test_the_score_is_the_mean_activation_at_the_targets_place(digits, burst):
    site = digits.sites()[1].name
    there = digits.trace(burst, record=[site]).activations[site]
    unit = int(there.values.std(axis=0).argmax())
    asked = UnitScores(digits, site, unit)
    inside = Interval(0.4, 0.6, "burst")
    targets = [Target.utterance("anything"), Target("word", "burst", inside)]
    whole, part = asked.score([burst], targets)[0]
    assert whole == pytest.approx(there.values[:, unit].mean())
    assert part == pytest.approx(there.values[there.grid.frames_of(inside), unit].mean())
    assert whole != pytest.approx(part)


def test_a_unit_that_follows_loudness_is_explained_by_the_burst(digits, burst):
    band = 20
    asked = UnitScores(digits, "features", band)
    explained = explain(asked, burst, target=Target.utterance("?"), segments="frames", method="shapley", n_masks=200)
    top = explained[0].top
    assert 0.35 <= top.start_s <= 0.6
    assert explained[0].trust.curves


def test_what_is_not_there_is_refused(digits, burst):
    with pytest.raises(UnknownName, match="site"):
        UnitScores(digits, "nowhere", 0)
    with pytest.raises(BadInput, match="unit must be 0 to"):
        UnitScores(digits, "features", 10_000)
    with pytest.raises(NotAble, match="no units"):
        UnitScores(AdditiveRecognizer((Segment(0, 1),), {"toy": (1.0,)}), "features", 0)
    with pytest.raises(NotAble, match="no rival"):
        UnitScores(digits, "features", 0).score([burst], [Target.utterance("one").rather_than("two")])


def test_provenance_says_which_unit(digits):
    asked = UnitScores(digits, "features", 3)
    assert asked.provenance.parameters["unit"] == 3
    assert asked.provenance != digits.provenance
    assert asked.name.endswith("unit 3 of features")
