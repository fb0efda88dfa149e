"""The ratio measured is the ratio asked, and each noise has its colour."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, Recording, UnknownName
from otoscope.signal.levels import active_level_db, at_level, gain, peak_db, rms_db
from otoscope.signal.noise import NOISES, add_noise, noise_like
from otoscope.signal.stft import stft

RATE = 16000


@pytest.fixture
def speech() -> Recording:
    """A second of "speech" between two of near silence."""
    rng = np.random.default_rng(5)
    samples = 1e-4 * rng.standard_normal(3 * RATE)
    samples[RATE : 2 * RATE] += 0.2 * np.sin(np.arange(RATE) / 4) * (1 + 0.5 * np.sin(np.arange(RATE) / 700))
    return Recording(samples, RATE)


@pytest.mark.parametrize("noise", sorted(NOISES))
@pytest.mark.parametrize("snr_db", [-5, 0, 20])
def test_rms_ratio_is_the_one_asked(speech, noise, snr_db):
    noisy = add_noise(speech, noise, snr_db=snr_db, seed=2, level="rms")
    added = speech.with_samples(noisy.samples - speech.samples)
    assert rms_db(speech) - rms_db(added) == pytest.approx(snr_db, abs=0.01)


@pytest.mark.parametrize("noise", sorted(NOISES))
def test_active_ratio_leaves_pauses_out(speech, noise):
    noisy = add_noise(speech, noise, snr_db=10, seed=2)
    added = speech.with_samples(noisy.samples - speech.samples)
    assert rms_db(speech.cut(1, 2)) - rms_db(added) == pytest.approx(10, abs=0.3)


def test_a_recording_is_looped_and_resampled(speech):
    hum = Recording(np.sin(np.arange(4000) / 3), 8000)
    noisy = add_noise(speech, hum, snr_db=0, seed=1, level="rms")
    added = noisy.samples - speech.samples
    assert noisy.n_samples == speech.n_samples
    assert rms_db(speech.with_samples(added)) == pytest.approx(rms_db(speech), abs=0.01)
    # Half a second of hum, over and over: the loop repeats after 8,000 samples at 16 kHz.
    np.testing.assert_allclose(added[:30000], added[8000:38000], atol=1e-6)


def test_same_seed_same_noise(speech):
    one, again, other = (add_noise(speech, "pink", snr_db=5, seed=s).samples for s in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_white_is_flat_and_pink_falls_three_db_an_octave():
    long = Recording(np.ones(20 * RATE), RATE)
    levels = {}
    for noise in ("white", "pink"):
        power = (np.abs(stft(noise_like(long, noise)).values) ** 2).mean(axis=0)
        levels[noise] = [10 * np.log10(power[k : 2 * k].mean()) for k in (8, 16, 32, 64)]
    np.testing.assert_allclose(np.diff(levels["white"]), 0, atol=0.3)
    np.testing.assert_allclose(np.diff(levels["pink"]), -10 * np.log10(2), atol=0.3)


def test_speech_noise_has_the_spectrum_of_the_speech():
    rng = np.random.default_rng(0)
    speech = Recording(0.1 * np.convolve(rng.standard_normal(10 * RATE), [1, 1.6, 0.9], "same"), RATE)
    noise = at_level(noise_like(speech, "speech", seed=9), rms_db(speech))
    a, b = (10 * np.log10((np.abs(stft(r).values) ** 2).mean(axis=0)[4:-4]) for r in (speech, noise))
    assert np.abs((a - b).reshape(-1, 3).mean(axis=1)).max() < 1.5


def test_levels_mean_what_they_say():
    sine = Recording(np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE), RATE)
    assert rms_db(sine) == pytest.approx(-3.01, abs=0.01)
    assert peak_db(gain(sine, -6)) == pytest.approx(-6, abs=1e-4)
    assert rms_db(at_level(sine, -20)) == pytest.approx(-20, abs=1e-4)
    assert active_level_db(sine) == pytest.approx(rms_db(sine), abs=0.05)
    assert rms_db(Recording(np.zeros(9), RATE)) == -np.inf


def test_active_level_does_not_move_when_silence_is_added():
    burst = 0.3 * np.sin(np.arange(RATE) / 3)
    levels = [active_level_db(Recording(np.concatenate([burst, np.zeros(n)]), RATE)) for n in (0, RATE, 9 * RATE)]
    assert max(levels) - min(levels) < 0.1


def test_ratios_that_cannot_be_are_refused(speech):
    silence = Recording(np.zeros(100), RATE)
    with pytest.raises(BadInput, match="no signal-to-noise ratio"):
        add_noise(silence, "white", snr_db=0)
    with pytest.raises(BadInput, match="no signal-to-noise ratio"):
        add_noise(speech, silence, snr_db=0)
    with pytest.raises(BadInput, match="digital silence"):
        at_level(silence, -20)
    with pytest.raises(UnknownName, match="did you mean white"):
        add_noise(speech, "whit", snr_db=0)
    with pytest.raises(UnknownName, match="level"):
        add_noise(speech, "white", snr_db=0, level="peak")
