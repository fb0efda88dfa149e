"""Auditory features: causal, whatever the chunks; level and steady noise taken away."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.listener.ears.hearing import (
    N_CHANNELS,
    N_FEATURES,
    RATE_HZ,
    Hearing,
    centres_hz,
    channel_weights,
    equivalent_width_hz,
    grid_of,
)


def heard(samples):
    hearing = Hearing()
    return np.concatenate([hearing.feed(samples.astype(np.float32)), hearing.finish()])


@pytest.fixture
def sound():
    return (np.random.default_rng(0).normal(size=24000) * 0.01).astype(np.float32)


@pytest.mark.parametrize("n_samples", [0, 1, 159, 160, 161, 399, 400, 401, 1600, 24000])
def test_a_frame_for_each_ten_milliseconds(sound, n_samples):
    found = heard(sound[:n_samples])
    assert found.shape == (n_samples // 160, N_FEATURES)
    assert grid_of(n_samples).n_frames == n_samples // 160
    np.testing.assert_allclose(grid_of(1600).edges_s(), np.arange(11) * 0.01)


def test_chunks_do_not_matter(sound):
    whole, rng, hearing, parts, place = heard(sound), np.random.default_rng(1), Hearing(), [], 0
    while place < sound.size:
        n = int(rng.integers(1, 700))
        parts.append(hearing.feed(sound[place : place + n]))
        place += n
    parts.append(hearing.finish())
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-4)


def test_the_future_beyond_the_window_does_not_matter(sound):
    other = sound.copy()
    other[16000:] = 0.1
    changed = np.flatnonzero(np.abs(heard(sound) - heard(other)).max(axis=1) > 1e-6)
    assert changed[0] >= (16000 - 280) // 160


def test_a_tone_is_loudest_in_its_own_channel():
    for channel in (5, 20, 33):
        tone = 0.1 * np.sin(2 * np.pi * centres_hz()[channel] * np.arange(16000) / RATE_HZ)
        assert heard(tone)[50, :N_CHANNELS].argmax() == channel


def test_channels_cover_the_band_evenly_in_equivalent_widths():
    centres = centres_hz()
    steps = np.diff(centres) / equivalent_width_hz((centres[1:] + centres[:-1]) / 2)
    np.testing.assert_allclose(steps, steps[0], rtol=5e-3)
    np.testing.assert_allclose(channel_weights().sum(axis=0), 1, rtol=1e-5)


def test_gain_hardly_matters_once_the_level_is_known(sound):
    quiet, loud = heard(0.2 * sound)[100:], heard(4 * sound)[100:]
    assert np.abs(quiet - loud).max() < 1e-3


def test_steady_noise_fades_in_the_second_half_only(sound):
    found = heard(np.tile(sound, 4))
    first, second = found[-50:, :N_CHANNELS].mean(), found[-50:, N_CHANNELS:].mean()
    assert second < 0.85 * first
    rng = np.random.default_rng(2)
    burst = np.tile(sound, 4)
    burst[80000:82400] += 0.1 * rng.normal(size=2400)
    risen = heard(burst)[502:512] - found[502:512]
    assert risen[:, N_CHANNELS:].mean() > 2 * risen[:, :N_CHANNELS].mean()
