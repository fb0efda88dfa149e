"""Steadiness, deletion by imputation and the L-MAC set of maps whose goodness is known."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import NotAble, Recording, Segment
from otoscope.explainers import method
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.steadiness import mask_measures, road, steadiness
from otoscope.testing import AdditiveRecognizer
from otoscope.testing.functions import FunctionRecognizer

QUARTERS = tuple(Segment(0.25 * i, 0.25 * i + 0.25) for i in range(4))


@pytest.fixture
def additive():
    toy = AdditiveRecognizer(QUARTERS, {"toy": (9.0, 0.0, -2.0, 1.0)})
    recording = Recording(np.ones(1000, dtype=np.float32), 1000)
    return MaskedScores(toy, recording, QUARTERS, toy.trace(recording).targets())


def test_a_steady_map_moves_as_little_as_the_sound(additive):
    asked = method("leave-one-out")
    masks = asked.plan(4, n_masks=6, seed=0)
    relevance = asked.estimate(masks, additive(masks, fill="silence")).relevance
    near = steadiness(additive, asked, masks, relevance, fill="silence", seed=0)
    loud = steadiness(additive, asked, masks, relevance, fill="silence", seed=0, snr_db=10.0)
    assert 0 <= near.max_sensitivity[0] < loud.max_sensitivity[0]
    again = steadiness(additive, asked, masks, relevance, fill="silence", seed=0)
    np.testing.assert_array_equal(near.lipschitz, again.lipschitz)


def test_imputation_of_what_matters_costs_more_than_of_anything():
    weights = np.array([8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5])
    eighths = tuple(Segment(0.125 * i, 0.125 * i + 0.125) for i in range(8))
    toy = FunctionRecognizer(eighths, lambda x: float(weights @ x), lambda x: weights, name="toy-sum")
    recording = toy.recording_of((3, 0, 0, 0, 0, 0, 0, 1), rate_hz=1000)
    score = MaskedScores(toy, recording, eighths, toy.trace(recording).targets()[:1])
    trace_like = weights[:, None] * toy.levels(recording)[:, None]
    with pytest.raises(NotAble, match="road"):
        road(MaskedScores(_Deaf(), recording, eighths, score.targets), trace_like)
    good, bad = road(score, trace_like), road(score, -trace_like)
    assert good.scores[0, 0] == pytest.approx(24.5, abs=0.1)
    assert good.gain[0] > 0
    assert good.gain[0] > bad.gain[0]


class _Deaf:
    name = "deaf"


def test_listening_masks_of_a_good_map_and_of_its_opposite(additive):
    relevance = np.array([[9.0], [0.0], [-2.0], [1.0]])
    good = mask_measures(additive, relevance, fill="silence", share=0.25)
    bad = mask_measures(additive, -relevance, fill="silence", share=0.25)
    assert good["average_increase"][0] == 100
    assert good["average_drop"][0] == 0
    assert bad["average_drop"][0] > 50
    assert good["faithfulness_on_spectra"][0] > bad["faithfulness_on_spectra"][0]
