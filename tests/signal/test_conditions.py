"""Listening conditions, and the guess of how noisy a recording is."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, Recording
from otoscope.corpora.sample import sample_path
from otoscope.io.audio import write_recording
from otoscope.signal.conditions import Condition, sped
from otoscope.signal.levels import active_level_db, rms_db
from otoscope.signal.noise import add_noise
from otoscope.signal.snr import MOST_DB, estimated_snr_db


@pytest.fixture(scope="module")
def speech() -> Recording:
    return Recording.read(sample_path())


def spectrum_share(recording: Recording, low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(recording.samples)) ** 2
    hz = np.fft.rfftfreq(recording.n_samples, 1 / recording.rate_hz)
    return float(power[(hz >= low_hz) & (hz < high_hz)].sum() / power.sum())


def test_noise_has_the_ratio_and_repeats(speech, tmp_path):
    write_recording(Recording(np.random.default_rng(0).normal(scale=0.1, size=9000), 16000), tmp_path / "n.wav")
    condition = Condition("noise", 5.0, (str(tmp_path / "n.wav"), "white"), seed=3)
    noisy = condition.apply(speech, "one")
    added = speech.with_samples(noisy.samples - speech.samples)
    assert active_level_db(speech) - rms_db(added) == pytest.approx(5.0, abs=0.01)
    assert np.array_equal(noisy.samples, condition.apply(speech, "one").samples)
    assert not np.array_equal(noisy.samples, condition.apply(speech, "two").samples)
    other = Condition("noise", 5.0, condition.noises, seed=4)
    assert not np.array_equal(noisy.samples, other.apply(speech, "one").samples)


def test_the_other_conditions_do_what_they_say(speech):
    assert Condition().apply(speech) is speech
    assert spectrum_share(Condition("telephone").apply(speech), 0, 200) < 0.02 * spectrum_share(speech, 0, 200)
    room = Condition("reverb", 0.5).apply(speech)
    assert room.n_samples == speech.n_samples
    assert not np.allclose(room.samples, speech.samples, atol=1e-3)
    fast = Condition("speed", 1.25).apply(speech)
    assert fast.duration_s == pytest.approx(speech.duration_s / 1.25, abs=1e-3)


def test_speed_moves_pitch_with_it():
    tone = Recording(0.5 * np.sin(2 * np.pi * 400 * np.arange(16000) / 16000), 16000)
    faster = sped(tone, 1.25)
    spectrum = np.abs(np.fft.rfft(faster.samples * np.hanning(faster.n_samples)))
    assert np.argmax(spectrum) * faster.rate_hz / faster.n_samples == pytest.approx(500, abs=2)


def test_conditions_are_sent_and_checked():
    condition = Condition("noise", 0.0, ("white",), 7)
    assert Condition.of_json(condition.as_json()) == condition
    for wrong, why in (
        ({"kind": "loud"}, "unknown condition"),
        ({"kind": "noise", "noises": ("white",)}, "needs a value"),
        ({"kind": "clean", "value": 3.0}, "takes no value"),
        ({"kind": "noise", "value": 3.0}, "needs noises"),
        ({"kind": "speed", "value": 9.0}, "speed must be"),
    ):
        with pytest.raises(BadInput, match=why):
            Condition(**wrong)


@pytest.mark.parametrize("snr_db", [0.0, 5.0, 10.0, 15.0, 20.0])
def test_the_guess_is_near_the_truth_for_lasting_noise(speech, snr_db):
    noisy = add_noise(speech, "white", snr_db=snr_db, seed=1)
    assert estimated_snr_db(noisy) == pytest.approx(snr_db, abs=2.5)


def test_silence_and_clean_synthetic_sound_have_bounds():
    assert estimated_snr_db(Recording(np.zeros(8000), 16000)) == 0.0
    tone = np.sin(np.arange(16000) / 5) * np.repeat([1.0, 0.0], 8000)
    assert estimated_snr_db(Recording(tone, 16000)) == pytest.approx(MOST_DB)
