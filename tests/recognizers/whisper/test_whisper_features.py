"""The front end equals transformers' extractor, and every frame lies where the sound that moves it lies."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from otoscope.core import BadAudio, Recording
from otoscope.recognizers.whisper.features import FrontEnd, mel_filters


def sounds():
    rng = np.random.default_rng(0)
    tone = np.sin(np.arange(40000) * 0.1)
    return {
        "noise": rng.normal(0, 0.1, 50000),
        "whole window": rng.normal(0, 1e-3, 480000),
        "silence": np.zeros(3000),
        "click": np.eye(1, 20000, 7)[0],
        "tone": np.concatenate([np.zeros(5000), tone, np.zeros(5000)]),
        "short": rng.normal(0, 0.1, 10),
    }


@pytest.mark.parametrize("n_mels", [80, 128])
def test_frames_are_those_of_transformers(n_mels):
    transformers = pytest.importorskip("transformers")
    theirs, ours = transformers.WhisperFeatureExtractor(feature_size=n_mels), FrontEnd(n_mels)
    np.testing.assert_allclose(mel_filters(n_mels), theirs.mel_filters.T, atol=1e-12)
    for name, samples in sounds().items():
        samples = samples.astype(np.float32)
        expected = theirs(samples, sampling_rate=16000, return_tensors="np").input_features[0]
        found = ours.log_mel(ours.wave(Recording(samples, 16000))[None])[0]
        assert found.shape == (3000, n_mels)
        np.testing.assert_allclose(found.numpy(), expected.T, atol=1e-6, err_msg=name)


def test_sound_of_another_rate_is_resampled_and_longer_sound_refused():
    front_end = FrontEnd()
    wave = front_end.wave(Recording(np.ones(8000, np.float32) * 0.1, 8000))
    assert wave.shape == (480000,)
    assert wave[2000:14000].numpy() == pytest.approx(0.1, abs=1e-3)
    assert not wave[16001:].any()
    front_end.wave(Recording(np.zeros(30 * 44100), 44100))
    with pytest.raises(BadAudio, match=r"talk\.wav lasts 31\.0 s"):
        front_end.wave(Recording(np.zeros(31 * 8000), 8000, source="talk.wav"))


def test_times_of_frames():
    grids = FrontEnd().grids()
    assert grids["features"].times_s()[:3].tolist() == [0.0, 0.01, 0.02]
    assert grids["encoder"].times_s()[:3].tolist() == [0.0, 0.02, 0.04]
    assert [grids[name].n_frames for name in ("features", "encoder.conv.0", "encoder.conv.1", "encoder")] == [
        3000,
        3000,
        1500,
        1500,
    ]
    assert grids["encoder"].times_s()[-1] == pytest.approx(29.98)


@pytest.mark.parametrize("place", [48000, 48001, 50079, 160000, 479000])
def test_a_click_moves_the_frames_whose_windows_hold_it_and_no_others(opened, place):
    """Noise with and without a click in it: rows that differ are those whose window, less its silent edge, has it."""
    parts = opened().parts
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.1, 480000).astype(np.float32)
    clicked = noise.copy()
    clicked[place] += 0.3
    rows = {}
    for name, samples in (("noise", noise), ("click", clicked)):
        mel = parts.front_end.log_mel(torch.from_numpy(samples)[None])
        with torch.no_grad():
            first = parts.network.encoder.conv1(mel.transpose(1, 2))
            second = parts.network.encoder.conv2(torch.nn.functional.gelu(first))
        rows[name] = {"features": mel[0], "encoder.conv.0": first[0].T, "encoder.conv.1": second[0].T}
    for site, grid in parts.front_end.grids().items():
        if site == "encoder":
            continue
        moved = torch.nonzero((rows["noise"][site] - rows["click"][site]).abs().amax(1) > 1e-4)[:, 0].numpy()
        starts = grid.start + grid.hop * np.arange(grid.n_frames)
        holding = np.flatnonzero((starts <= place) & (place < starts + grid.window))
        # A Hann window hardly sees its own edges: frames that hold the click within 30 samples of theirs may not move.
        surely = np.flatnonzero((starts + 30 <= place) & (place < starts + grid.window - 30))
        assert set(surely) <= set(moved) <= set(holding), site
        assert abs(grid.times_s()[moved].mean() - place / 16000) < grid.hop / 16000


def test_it_can_be_differentiated():
    front_end = FrontEnd(n_frames=20)
    wave = torch.randn(1, 3200, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).float()
    wave.requires_grad_(True)
    mel = front_end.log_mel(wave)
    (slope,) = torch.autograd.grad(mel[0, 10, 20], wave)
    step = 0.01 * torch.nn.functional.normalize(slope)
    with torch.no_grad():
        rise = float(front_end.log_mel(wave + step)[0, 10, 20] - front_end.log_mel(wave - step)[0, 10, 20])
    assert rise == pytest.approx(2 * float((slope * step).sum()), rel=0.02)
