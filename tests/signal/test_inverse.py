"""Back from features: exact where it can be, near where it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, Features, FrameGrid, Recording
from otoscope.signal.features import log_mel, mfcc, spectrogram, waveform
from otoscope.signal.inverse import log_mel_of, recording_of, spectrogram_of


@pytest.fixture(scope="module")
def sound() -> Recording:
    """Half a second of a gliding complex tone."""
    t = np.arange(8000) / 16000
    phase = 2 * np.pi * (150 * t + 40 * t**2)
    return Recording(sum(0.2 / k * np.sin(k * phase) for k in range(1, 20)), 16000)


def test_waveform_comes_back_exactly(sound):
    assert np.array_equal(recording_of(waveform(sound)).samples, sound.samples)


def test_mfcc_with_all_coefficients_loses_nothing(sound):
    bands = log_mel(sound)
    back = log_mel_of(mfcc(sound, n_coeffs=80))
    np.testing.assert_allclose(back.values, bands.values, atol=1e-4)
    np.testing.assert_allclose(back.coefficients, bands.coefficients)


def test_mfcc_with_half_of_them_is_the_smoothed_bands(sound):
    """What is lost is at right angles to what is kept (the DCT is orthonormal)."""
    bands, back = log_mel(sound).values, log_mel_of(mfcc(sound)).values
    lost = bands - back
    assert 0.05 < np.abs(lost).mean() < 1
    np.testing.assert_allclose((lost * back).sum(axis=1), 0, atol=0.05)


def test_spectrogram_of_bands_has_those_bands(sound):
    there = spectrogram(sound).values
    back = spectrogram_of(log_mel(sound)).values
    loud = there > -50
    assert back.shape == there.shape
    assert np.abs(back[loud] - there[loud]).mean() < 6


@pytest.mark.parametrize(("front_end", "limit_db"), [(spectrogram, 1.5), (log_mel, 6.0), (mfcc, 8.0)])
def test_sound_made_of_features_has_their_spectrogram(sound, front_end, limit_db):
    made = recording_of(front_end(sound))
    assert abs(made.n_samples - sound.n_samples) < 160
    there, here = (spectrogram(r).values for r in (sound, made))
    loud = there > -45
    assert np.abs(here[loud] - there[loud]).mean() < limit_db


def test_same_seed_same_sound(sound):
    one, again = (recording_of(mfcc(sound), n_iterations=3, seed=4) for _ in range(2))
    assert one == again


def test_silence_stays_silent():
    assert np.abs(recording_of(spectrogram(Recording(np.zeros(4000), 16000)), n_iterations=2).samples).max() == 0


def test_what_has_no_inverse_is_refused(sound):
    grid = FrameGrid(16000, 0, 160, 400, 1)
    with pytest.raises(BadInput, match="no sound can be made of 'pitch'"):
        recording_of(Features([[1.0]], grid, "pitch", "Hz"))
    with pytest.raises(BadInput, match="no frame"):
        recording_of(log_mel(Recording(np.zeros(100), 16000)))
    with pytest.raises(BadInput, match="made of mfcc"):
        log_mel_of(log_mel(sound))
    with pytest.raises(BadInput, match="made of log_mel"):
        spectrogram_of(mfcc(sound))
