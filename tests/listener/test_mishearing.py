"""Mishearing: where it never pays nothing changes, and one wrong phone costs what it may cost at most."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.listener.confusions import CONSONANTS, consonant_confusions
from otoscope.listener.mishearing import activations_misheard
from otoscope.listener.paths import form_path

NEVER = {"rate": 1e-30, "acoustic_scale": 1e-3}
FORMS = [("A",), ("B",), ("A", "B"), ("C", "A"), ("B", "C", "C")]


@pytest.mark.parametrize("seed", range(4))
def test_where_it_never_pays_each_word_has_its_best_path(evidence, seed):
    heard = evidence(12, seed=seed)
    partial = activations_misheard(heard, FORMS, **NEVER)[-1]
    whole = activations_misheard(heard, FORMS, offset_s=0.0, **NEVER)[-1]
    assert partial == pytest.approx([form_path(heard, form, whole=False).score for form in FORMS])
    assert whole == pytest.approx([form_path(heard, form).score for form in FORMS])


def test_every_frame_is_that_of_a_shorter_recording(evidence):
    scores = evidence(9, seed=5).scores
    found = activations_misheard(evidence(9, scores=scores), FORMS, rate=0.1)
    early = activations_misheard(evidence(6, scores=scores[:6]), FORMS, rate=0.1)
    assert found[:6] == pytest.approx(early)


def test_a_wrong_phone_costs_a_mishearing_and_no_more(evidence):
    """B said where the word has A: the rest fits, so the word is behind by log rate over scale, or less."""
    said = [2] * 4 + [3] * 2 + [4] * 2
    scores = np.full((8, 7), -60.0)
    scores[np.arange(8), said] = 0.0
    heard = evidence(8, scores=scores)
    right, wrong, both = activations_misheard(heard, [("B", "C"), ("A", "C"), ("A", "B")], rate=0.05, offset_s=0.0)[-1]
    assert right - wrong == pytest.approx(-np.log(0.05))
    assert right - both > right - wrong + 2
    scaled = activations_misheard(heard, [("B", "C"), ("A", "C")], rate=0.05, acoustic_scale=0.25, offset_s=0.0)[-1]
    assert scaled[0] - scaled[1] == pytest.approx(-np.log(0.05) / 0.25)


def test_a_wrong_phone_costs_what_its_pair_is_misheard(evidence):
    said = [2] * 4 + [3] * 2 + [4] * 2
    scores = np.full((8, 7), -60.0)
    scores[np.arange(8), said] = 0.0
    heard = evidence(8, scores=scores)
    forms = [("B", "C"), ("A", "C"), ("C", "C")]
    found = activations_misheard(heard, forms, rate=0.06, offset_s=0.0, confusions={("A", "B"): 0.2})[-1]
    assert found[0] - found[1] == pytest.approx(-np.log(0.2))
    assert found[0] - found[2] >= -np.log(0.03) - 1e-6  # C for B is not told: an even share of the two others


def test_consonants_are_taken_for_their_likes():
    rates = consonant_confusions()
    total = {said: sum(rate for (first, _), rate in rates.items() if first == said) for said in CONSONANTS}
    assert all(0.1 < each < 0.8 for each in total.values())
    assert sum(total.values()) / len(total) == pytest.approx(0.30, abs=0.01)
    assert rates["K", "P"] == pytest.approx(71 / 933)
    assert rates["P", "K"] > rates["P", "Z"]
    assert rates["ZH", "JH"] > rates["ZH", "P"]
    assert len(rates) == 16 * 15


def test_refusals(evidence):
    for wrong in ({"rate": 0.0}, {"rate": 1.5}, {"acoustic_scale": 0.0}):
        with pytest.raises(BadInput, match="rate above 0"):
            activations_misheard(evidence(4), [("A",)], **wrong)
    with pytest.raises(BadInput, match="without phones"):
        activations_misheard(evidence(4), [()])
