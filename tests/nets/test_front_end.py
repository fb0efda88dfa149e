"""The front end's numbers against plain numpy, and its grid against an impulse."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from otoscope.core import BadInput
from otoscope.nets.front_end import FrontEndShape, LogMel, mel_edges_hz, mel_filters

SHAPES = [FrontEndShape(), FrontEndShape(8000, 40, low_hz=50), FrontEndShape(11025, 30, window_s=0.032, hop_s=0.016)]


@pytest.mark.parametrize("shape", SHAPES)
def test_numbers_equal_plain_numpy(shape):
    samples = np.random.default_rng(0).normal(0, 0.1, 3000)
    front_end = LogMel(shape).double()
    found = front_end(torch.from_numpy(samples)[None])[0].numpy()
    padded = np.pad(samples, shape.pad)
    window = np.hanning(shape.window)
    for i in (0, 3, found.shape[0] - 1):
        frame = padded[i * shape.hop : i * shape.hop + shape.window] * window
        power = np.abs(np.fft.rfft(frame, front_end.n_fft)) ** 2 / (np.square(window).sum() * shape.window)
        expected = np.log(mel_filters(shape, front_end.n_fft) @ power + shape.floor)
        np.testing.assert_allclose(found[i], expected, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_samples", [1, 79, 160, 161, 1000, 3001])
def test_there_are_as_many_frames_as_the_grid_says(shape, n_samples):
    assert LogMel(shape)(torch.zeros(1, n_samples)).shape[1] == shape.grid(n_samples).n_frames >= 1


@pytest.mark.parametrize("shape", SHAPES)
def test_an_impulse_shows_in_just_the_frames_whose_window_holds_it(shape):
    n_samples = 2000
    grid, front_end = shape.grid(n_samples), LogMel(shape)
    silent = front_end(torch.zeros(1, n_samples))[0]
    for at in (0, 137, 800, 1999):
        samples = torch.zeros(1, n_samples)
        samples[0, at] = 1.0
        changed = (front_end(samples)[0] != silent).any(-1).numpy()
        first = grid.start + grid.hop * np.arange(grid.n_frames)
        inside = (first < at) & (at < first + grid.window - 1)  # a Hann window is zero at its two ends
        np.testing.assert_array_equal(changed, inside)


def test_a_tone_is_loudest_in_its_own_filter():
    shape = FrontEndShape(8000, 40, low_hz=50)
    centres = mel_edges_hz(shape)[1:-1]
    for k in (5, 20, 35):
        tone = torch.sin(2 * np.pi * centres[k] * torch.arange(8000) / 8000)[None]
        assert int(LogMel(shape)(tone)[0, 50].argmax()) == k


def test_shapes_that_cannot_be_are_refused():
    with pytest.raises(BadInput, match="low_hz < high_hz <= 4000"):
        FrontEndShape(8000, high_hz=6000)
    with pytest.raises(BadInput, match="too narrow"):
        LogMel(FrontEndShape(16000, 400))
