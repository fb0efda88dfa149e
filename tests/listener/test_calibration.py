"""κ and λ are recovered from items drawn under known ones; confidence is then right as often as it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from otoscope.core import BadInput
from otoscope.listener.calibration import Belief, DecidedWord, Heard, calibrate, calibrate_running
from otoscope.listener.running import SpokenForm
from otoscope.listener.slots import Slot
from otoscope.metrics.calibration import reliability


def drawn(n, kappa, weight, seed=0):
    rng = np.random.default_rng(seed)
    items = []
    for _ in range(n):
        acoustic, prior = rng.normal(0, 12, 30), log_softmax(rng.normal(0, 2, 30))
        items.append(Heard(acoustic, prior, int(rng.choice(30, p=softmax(kappa * (acoustic + weight * prior))))))
    return items


def test_scales_are_recovered_and_make_confidence_right():
    found = calibrate(drawn(1500, 0.15, 4.0))
    assert found.acoustic_scale == pytest.approx(0.15, rel=0.1)
    assert found.frequency_weight == pytest.approx(4.0, rel=0.2)
    assert found.reliability.error < 0.03 < 0.2 < found.before.error


def test_a_given_weight_is_kept():
    found = calibrate(drawn(800, 0.15, 4.0), frequency_weight=4.0)
    assert found.frequency_weight == 4.0
    assert found.acoustic_scale == pytest.approx(0.15, rel=0.12)


def test_items_that_bound_nothing_are_refused():
    easy = [Heard(np.array([0.0, -1.0]), np.log([0.5, 0.5]), 0)] * 5
    with pytest.raises(BadInput, match="no finite optimum"):
        calibrate(easy)
    with pytest.raises(BadInput, match="among the candidates"):
        Heard(np.array([0.0, -np.inf]), np.zeros(2), 1)


def test_expected_calibration_error_by_hand():
    found = reliability([0.95, 0.95, 0.15, 0.15, 0.15], [1, 0, 0, 0, 1], n_bins=10)
    assert found.error == pytest.approx(2 / 5 * 0.45 + 3 / 5 * abs(1 / 3 - 0.15))
    assert found.n[[1, 9]].tolist() == [3, 2]
    assert np.isnan(found.correct[0])


def places(n, truth, seed=0):
    """Return places of six frames and five words, the leader right as often as `truth` makes it say; three count."""
    rng, words = np.random.default_rng(seed), []
    for _ in range(n):
        rivals = -rng.uniform(0, 50) - np.r_[0.0, rng.exponential(12, 3)]
        values = np.stack([np.r_[0.0, share * rivals] for share in (9.0, 9.0, 9.0, 0.2, 0.6, 1.0)])
        ended = np.zeros(values.shape, bool), np.zeros(6, np.int64), np.zeros(6)
        slot = Slot(SpokenForm(0, 0, 6, 0.0), np.arange(5, dtype=np.int32), values, np.zeros(values.shape), *ended)
        own = np.arange(5) == 0
        peak = DecidedWord(slot, own, True).peak(scale=truth.scale, doubt=truth.doubt)
        words.append(DecidedWord(slot, own, bool(rng.random() < peak)))
    return words


def test_scale_and_doubt_of_running_speech_are_recovered():
    truth = Belief(0.12, 0.2)
    fitted, others = places(1500, truth), places(1500, truth, seed=1)
    found = calibrate_running(fitted)
    assert found.scale == pytest.approx(0.12, rel=0.25)
    assert found.doubt == pytest.approx(0.2, rel=0.3)
    careless = Belief(0.3, 0.0)
    assert found.reliability(others).error < 0.04 < 0.15 < careless.reliability(others).error
    assert found.log_loss(others) < careless.log_loss(others)
    assert found.log_loss(fitted) <= truth.log_loss(fitted), "nothing near is better"


def test_the_peak_counts_all_forms_of_a_word_in_its_best_frame():
    word = places(1, Belief(0.1, 0.0))[0]
    shares = word.slot.believed(scale=0.1, doubt=0.5)
    both = DecidedWord(word.slot, np.arange(5) < 2, True)
    assert both.peak(scale=0.1, doubt=0.5) == pytest.approx(shares[:, :2].sum(axis=1).max())
    words = [both, *places(3, Belief(0.1, 0.0), seed=2)]
    going = [replace(one.slot, going=one.slot.activations > -8, missing=np.array([0, 0, 0, 0, 3, 7]), least=np.array(
        [-np.inf, -np.inf, -np.inf, -np.inf, -20.0, 4.0])) for one in words]  # fmt: skip
    words += [DecidedWord(slot, one.own, True) for slot, one in zip(going, words, strict=True)]
    words[1].slot.activations[:, 2] = -np.inf
    words[2].slot.activations[3] = -np.inf
    many = Belief(0.07, 0.3).peaks(words)
    np.testing.assert_allclose(many, [one.peak(scale=0.07, doubt=0.3) for one in words])
    assert many[4:] == pytest.approx(np.minimum(many[:4], many[4:])), "words that were not looked at take their share"
    weights = np.exp(0.1 * word.slot.activations)
    assert shares[5, 0] == pytest.approx(1 / (weights[5].sum() + 0.5))


def test_words_that_are_all_right_bound_no_doubt():
    words = [DecidedWord(word.slot, word.own, True) for word in places(5, Belief(0.1, 0.1))]
    with pytest.raises(BadInput, match="of one kind"):
        calibrate_running(words)
