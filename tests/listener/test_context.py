"""Priors from n-grams, cloze tables and repetition."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.core.errors import UnknownName
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.ngram.estimation import estimate
from otoscope.listener.context import cloze_priors, form_priors, interpolated, ngram_priors, repetition_priors


@pytest.fixture(scope="module")
def lexicon():
    said = ((("K", "AE", "T"),), (("D", "AO", "G"),), (("S", "IY"),), (("S", "IY"),), (("Y", "AE", "K"),))
    return MentalLexicon(("cat", "dog", "sea", "see", "yak"), said, np.array([40.0, 60.0, 10.0, 80.0, 1.0]))


@pytest.fixture(scope="module")
def model():
    return estimate([s.split() for s in ["the cat", "the cat", "the dog", "i see", "i see", "a dog"]], order=2,
                    smoothing="witten-bell")  # fmt: skip


def test_an_ngram_gives_sums_of_one_and_its_own_ratios(lexicon, model):
    priors = ngram_priors(lexicon, model, ["the"])
    assert np.exp(priors).sum() == pytest.approx(1)
    alone = [model.log_prob(["the", w], eos=False) for w in ("cat", "dog")]
    assert priors[0] - priors[1] == pytest.approx(alone[0] - alone[1], abs=1e-5)
    assert priors[0] > priors[1]
    assert ngram_priors(lexicon, model, ["a"])[1] > ngram_priors(lexicon, model, ["a"])[0]
    assert np.isfinite(priors).all()  # sea and yak share what the unknown word has
    assert priors[2] - priors[4] == pytest.approx(np.log(10))


def test_a_cloze_table_keeps_its_shares(lexicon):
    priors = np.exp(cloze_priors(lexicon, {"yak": 0.7, "cat": 0.1}))
    assert priors[[4, 0]] == pytest.approx([0.7, 0.1])
    assert priors.sum() == pytest.approx(1)
    assert priors[3] / priors[2] == pytest.approx(8)
    with pytest.raises(UnknownName, match="gnu"):
        cloze_priors(lexicon, {"gnu": 0.5})
    with pytest.raises(BadInput, match="sum to 1"):
        cloze_priors(lexicon, {"yak": 0.7, "cat": 0.7})


def test_repetition_fades(lexicon):
    def gain(heard):
        priors = repetition_priors(lexicon, heard, boost=2.0, half_life=1.0) - lexicon.log_priors
        return priors[4] - priors[0]

    assert [gain(heard) for heard in (["yak"], ["yak", "dog"], [])] == pytest.approx([2, 1, 0])
    fresh = repetition_priors(lexicon, ["yak"], boost=2.0)
    assert fresh[4] - fresh[0] == pytest.approx(lexicon.log_priors[4] - lexicon.log_priors[0] + 2)


def test_mixing_and_homophones(lexicon):
    context = cloze_priors(lexicon, {"yak": 1.0})
    assert interpolated(lexicon, context, weight=0) == pytest.approx(lexicon.log_priors)
    half = np.exp(interpolated(lexicon, context, weight=0.5))
    assert half == pytest.approx((np.exp(lexicon.log_priors) + np.eye(5)[4]) / 2)
    forms = form_priors(lexicon, lexicon.log_priors)
    assert forms == pytest.approx(lexicon.forms.log_prior)
    assert forms.size == 4
    with pytest.raises(BadInput, match="each of 5 words"):
        form_priors(lexicon, np.zeros(3))
