"""Front ends against Kaldi's own code, and against what the numbers must mean."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, FrameGrid, Recording
from otoscope.signal.features import istft, log_mel, mfcc, spectrogram, stft, waveform
from otoscope.signal.kaldi import SIXTEEN_BIT, kaldi_fbank, kaldi_mfcc
from otoscope.signal.mel import hz_to_mel, mel_filters, mel_to_hz

RATES = [8000, 11025, 16000, 22050, 44100, 48000]


def noisy(rate_hz: int = 16000, seconds: float = 1.3) -> Recording:
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    rng = np.random.default_rng(1)
    return Recording(0.2 * np.sin(2 * np.pi * 220 * t) + 0.02 * rng.standard_normal(t.size) + 0.05, rate_hz)


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("n_mels", [23, 40, 80])
def test_log_mel_is_kaldis(rate_hz, n_mels):
    recording = noisy(rate_hz)
    ours, kaldi = log_mel(recording, n_mels=n_mels), kaldi_fbank(recording, n_mels=n_mels, full_scale=1)
    assert ours.grid == kaldi.grid
    np.testing.assert_allclose(ours.values, kaldi.values, atol=1e-3)
    np.testing.assert_allclose(ours.coefficients, kaldi.coefficients)


@pytest.mark.parametrize(("n_coeffs", "n_mels", "lifter"), [(40, 80, 0.0), (13, 23, 22.0), (40, 40, 22.0)])
def test_mfcc_is_kaldis(n_coeffs, n_mels, lifter):
    settings = {"n_coeffs": n_coeffs, "n_mels": n_mels, "lifter": lifter}
    ours, kaldi = mfcc(noisy(), **settings), kaldi_mfcc(noisy(), **settings, full_scale=1)
    np.testing.assert_allclose(ours.values, kaldi.values, atol=1e-2 if lifter else 1e-3)


def test_log_mel_is_kaldis_on_speech(shared_data):
    recording = Recording.read(next((shared_data / "librispeech-mini").rglob("*.flac")))
    np.testing.assert_allclose(log_mel(recording).values, kaldi_fbank(recording, full_scale=1).values, atol=2e-3)


def test_kaldis_scale_is_sixteen_bits():
    difference = kaldi_fbank(noisy()).values - log_mel(noisy()).values
    np.testing.assert_allclose(difference, 2 * np.log(SIXTEEN_BIT), atol=1e-3)


def test_the_four_of_the_lecture_have_their_shapes_and_grid():
    recording = noisy()
    grid = FrameGrid(16000, 0, 160, 400, 128)
    shapes = {
        f.kind: f.values.shape
        for f in (waveform(recording), spectrogram(recording), log_mel(recording), mfcc(recording))
    }
    assert shapes == {"waveform": (20800, 1), "spectrogram": (128, 256), "log_mel": (128, 80), "mfcc": (128, 40)}
    assert spectrogram(recording).grid == log_mel(recording).grid == mfcc(recording).grid == grid
    assert waveform(recording).grid.times_s()[0] == 0.5 / 16000


def test_too_short_for_a_window_is_no_frame_and_no_error():
    short = Recording(np.zeros(160), 16000)
    assert [f(short).values.shape for f in (spectrogram, log_mel, mfcc)] == [(0, 256), (0, 80), (0, 40)]


@pytest.mark.parametrize("rate_hz", RATES)
def test_stft_is_inverted(rate_hz):
    recording = noisy(rate_hz, 0.5137)
    back = istft(stft(recording))
    assert back.n_samples == recording.n_samples
    np.testing.assert_allclose(back.samples, recording.samples, atol=1e-6)


def test_stft_of_a_few_samples_is_inverted():
    recording = Recording([0.5, -0.25, 0.125], 16000)
    np.testing.assert_allclose(istft(stft(recording)).samples, recording.samples, atol=1e-6)


def test_stft_keeps_the_energy_of_each_frame():
    """Parseval: the energy of a windowed frame is that of its DFT over the DFT's length."""
    recording = noisy()
    spectrum = stft(recording)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    first = spectrum.grid.start + 20 * spectrum.grid.hop
    energy = ((recording.samples[first : first + 400] * window) ** 2).sum()
    power = np.abs(spectrum.values[20].astype(complex)) ** 2
    doubled = power[0] + power[-1] + 2 * power[1:-1].sum()
    assert doubled / spectrum.n_fft == pytest.approx(energy, rel=1e-5)


def test_stft_that_would_lose_samples_is_refused():
    with pytest.raises(BadInput, match="cannot be inverted"):
        stft(noisy(), window_s=0.02, hop_s=0.015)


def test_spectrogram_reads_full_scale_as_zero_db_and_silence_as_its_floor():
    t = np.arange(16000) / 16000
    sine = spectrogram(Recording(np.sin(2 * np.pi * 2000 * t), 16000))
    assert sine.values[40].max() == pytest.approx(0, abs=0.01)
    assert sine.coefficients[sine.values[40].argmax()] == 2000
    assert spectrogram(Recording(np.zeros(1600), 16000)).values.max() == pytest.approx(-120, abs=1e-4)


def test_log_mel_is_highest_at_the_tones_frequency():
    t = np.arange(16000) / 16000
    for tone_hz in (300, 1000, 5000):
        bands = log_mel(Recording(0.1 * np.sin(2 * np.pi * tone_hz * t), 16000))
        centre = bands.coefficients[bands.values[40].argmax()]
        assert abs(hz_to_mel(centre) - hz_to_mel(tone_hz)) < 40


def test_mel_scale_is_inverted():
    np.testing.assert_allclose(mel_to_hz(hz_to_mel([0, 440, 8000])), [0, 440, 8000], atol=1e-9)


def test_filters_that_cannot_be_are_refused():
    with pytest.raises(BadInput, match="would be empty"):
        mel_filters(300, 512, 16000, 20.0, 8000.0)
    with pytest.raises(BadInput, match="high_hz <="):
        log_mel(noisy(8000), high_hz=5000)
    with pytest.raises(BadInput, match="too few"):
        spectrogram(noisy(), n_bins=100)
