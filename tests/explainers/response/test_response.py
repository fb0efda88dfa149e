"""Perturbation response: listeners with known thresholds, tempo, honest ends, and how it is drawn."""

import numpy as np
import pytest

from otoscope.core import BadInput, Interval, Recording, Segment, Target, UnknownName
from otoscope.explainers.response import DIMENSIONS, changed, respond
from otoscope.explainers.response.dimensions import gated
from otoscope.explainers.response.trials import at_tempo, heard_as
from otoscope.signal.levels import active_level_db, rms_db
from otoscope.signal.vowels import steady_vowel
from otoscope.testing import AdditiveRecognizer
from otoscope.testing.hearing import score_each, toy_provenance, toy_trace
from otoscope.testing.listening import NoiseListener
from otoscope.views.figures import figure


@pytest.fixture(scope="module")
def vowel():
    return steady_vowel(500, 1500, duration_s=0.3)


class Measuring:
    """Hears its word while a measure of the recording lies within bounds."""

    name = "toy-measuring"

    def __init__(self, measure, low, high):
        self.measure, self.low, self.high = measure, low, high
        self.provenance = toy_provenance(self.name, low, high)

    def trace(self, recording, *, record=()):
        heard = self.low <= self.measure(recording) <= self.high
        words = (Interval(0, recording.duration_s, "toy"),) if heard else ()
        return toy_trace(self.provenance, recording, words)

    def score(self, recordings, targets, *, progress=None):
        return score_each(lambda rec: lambda word: self.measure(rec), recordings, targets, progress)


@pytest.mark.parametrize(("threshold", "noise"), [(-4.0, "snr-white"), (6.0, "snr")])
def test_the_threshold_of_a_listener_is_found_within_its_interval(vowel, threshold, noise):
    toy = NoiseListener(vowel, threshold, 2.0)
    levels = np.arange(-15, 17.5, 2.5)
    found = respond(toy, vowel, along=noise, levels=levels, n_trials=24, guess=0.0, seed=2)
    row = found.table[0]
    offset = rms_db(vowel) - active_level_db(vowel)
    assert row["low"] <= threshold - offset <= row["high"]
    assert row["threshold"] == pytest.approx(threshold - offset, abs=1.5)
    assert row["beyond"] == ""
    assert row["p_value"] > 0.01
    assert row["slope_low"] <= 0.125 <= row["slope_high"]


def test_a_word_heard_in_noise_alone_is_a_guess_and_a_failure(vowel):
    toy = NoiseListener(vowel, 0.0, 2.0, guess=0.5)
    found = respond(toy, vowel, n_trials=16, seed=1)
    row = found.table[0]
    assert 0.15 < row["false_alarms"] < 0.85
    assert row["guess"] == pytest.approx(row["false_alarms"])
    assert any("noise alone" in failure for failure in found.failures)


def test_no_threshold_is_claimed_beyond_what_was_tried(vowel):
    toy = NoiseListener(vowel, 60.0, 0.5)
    row = respond(toy, vowel, "toy", levels=[-10, 0, 10], n_trials=4).table[0]
    assert row["threshold"] is None
    assert row["beyond"] == "above"
    assert (row["tried_from"], row["tried_to"]) == (-10, 10)
    assert "above 10 dB, the last level tried" in respond(toy, vowel, levels=[-10, 0, 10], n_trials=4).summary


def test_two_sides_of_tempo(vowel):
    toy = Measuring(lambda rec: rec.duration_s, 0.3 / 1.4, 0.3 / 0.7)
    found = respond(toy, vowel, along="tempo", n_trials=3)
    below, above = found.table
    assert (below["side"], above["side"]) == ("below", "above")
    assert (below["low"], below["high"]) == pytest.approx((0.6, 0.8))
    assert (above["low"], above["high"]) == pytest.approx((1.25, 1.6))
    assert below["stepwise"]
    assert above["stepwise"]


def test_loudness_and_band_and_gate(vowel):
    loud = Measuring(rms_db, rms_db(vowel) - 25, 100)
    assert respond(loud, vowel, along="level", n_trials=2).table[0]["low"] == -30

    def high_share(rec):
        power = np.abs(np.fft.rfft(rec.samples)) ** 2
        hz = np.fft.rfftfreq(rec.n_samples, 1 / rec.rate_hz)
        return power[hz > 1000].sum() / power.sum()

    bright = Measuring(high_share, 0.3 * high_share(vowel), 1)
    row = respond(bright, vowel, along="low-pass", n_trials=2).table[0]
    assert 900 <= row["low"] <= row["high"] <= 2800
    long = Measuring(lambda rec: np.abs(rec.samples).argsort()[-100:].max() / rec.rate_hz, 0.18, 1)
    assert respond(long, vowel, along="gate", n_trials=2).table[0]["threshold"] == pytest.approx(0.2, abs=0.06)


def test_a_word_not_heard_as_it_is_and_a_function_that_does_not_fit_are_failures(vowel):
    toy = Measuring(lambda rec: rec.duration_s, 0.0, 0.25)
    target = Target("word", "toy", Interval(0, 0.3, "toy"), 0, ("toy",))
    assert any("unchanged" in failure for failure in respond(toy, vowel, target, along="tempo", n_trials=2).failures)
    odd = Measuring(lambda rec: round(rms_db(rec) / 10) % 2, 1, 1)
    found = respond(odd, vowel, target, along="level", n_trials=8)
    assert any("does not fit" in failure for failure in found.failures)
    assert found.panels[0].warning


@pytest.mark.parametrize("name", sorted(DIMENSIONS))
def test_every_dimension_changes_what_it_says_and_repeats_itself(vowel, name):
    axis = DIMENSIONS[name]
    level = axis.levels[1]
    once, again, other = (changed(vowel, axis, level, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(once.samples, again.samples)
    assert not np.array_equal(once.samples, other.samples)
    assert once.n_samples == (round(vowel.n_samples / level) if axis.tempo else vowel.n_samples)
    if axis.reference is not None:
        assert np.array_equal(changed(vowel, axis, axis.reference, seed=-1).samples, vowel.samples)


def test_babble_of_given_voices(vowel):
    voices = [steady_vowel(300, 2300), steady_vowel(700, 1200, f0_hz=200)]
    noisy = changed(vowel, DIMENSIONS["snr-babble"], 5.0, noise=voices, seed=1)
    own = changed(vowel, DIMENSIONS["snr-babble"], 5.0, seed=1)
    assert not np.array_equal(noisy.samples, own.samples)
    assert active_level_db(vowel) - rms_db(vowel.with_samples(noisy.samples - vowel.samples)) == pytest.approx(
        5, abs=1e-3
    )


def test_a_gate_keeps_the_length(vowel):
    heard = gated(vowel, 0.1)
    assert heard.n_samples == vowel.n_samples
    assert not heard.samples[1700:].any()
    assert np.array_equal(heard.samples[:1500], vowel.samples[:1500])


def test_words_are_looked_for_at_their_place():
    target = Target("word", "two", Interval(0.4, 0.8, "two"), 1, ("one", "two"))
    assert heard_as(target, ("one", "two")) == (True, "two")
    assert heard_as(target, ("two",))[0]
    assert heard_as(target, ("one",)) == (False, "(nothing)")
    assert at_tempo(target, 2.0).interval.start_s == pytest.approx(0.2)
    assert heard_as(Target.utterance("one two"), ("one", "two"))[0]


def test_input_that_cannot_be_used_is_refused(vowel):
    toy = AdditiveRecognizer((Segment(0, 0.3),), {"toy": (1.0,)})
    with pytest.raises(UnknownName, match="dimension"):
        respond(toy, vowel, along="snow")
    with pytest.raises(BadInput, match="two or more levels"):
        respond(toy, vowel, levels=[5])
    with pytest.raises(BadInput, match="trials a level"):
        respond(toy, vowel, n_trials=1)
    with pytest.raises(BadInput, match="hears no word"):
        respond(Measuring(rms_db, 1, 2), vowel)


def test_the_panels_are_drawn(vowel):
    toy = NoiseListener(vowel, 3.0, 2.0)
    found = respond(toy, vowel, n_trials=4)
    fig = figure(found.panels[0])
    assert fig.axes[0].get_ylabel() == "share recognised"
    assert len(fig.axes[0].lines) >= 3
    tempo = respond(Measuring(lambda rec: rec.duration_s, 0.2, 0.4), vowel, along="tempo", n_trials=2)
    assert figure(tempo.panels[0]).axes[0].get_xscale() == "log"
    assert isinstance(vowel, Recording)
