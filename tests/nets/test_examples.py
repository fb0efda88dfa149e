"""Strings of words and batches: everything is used once, within bounds, and drawn from the seed alone."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.nets.augment import Augmentation, add_room_noise, change_gain, change_speed, mask_features, tilt_spectrum
from otoscope.nets.examples import Example, Joining, batches, join, padded


def tone(n_samples=4000, hz=440.0):
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(n_samples) / 8000)).astype(np.float32)


@pytest.fixture
def examples():
    return [Example(tone(800 + 10 * i), (f"w{i}",), f"speaker{i % 3}") for i in range(40)]


def test_each_word_is_used_once_and_speakers_are_not_mixed(examples):
    joined = join(examples, np.random.default_rng(0), how=Joining(), rate_hz=8000, augmentation=Augmentation())
    assert sorted(w for e in joined for w in e.words) == sorted(w for e in examples for w in e.words)
    assert max(len(e.words) for e in joined) > 1
    for string in joined:
        assert {f"speaker{int(w[1:]) % 3}" for w in string.words} == {string.speaker}
        assert string.samples.dtype == np.float32
        assert np.abs(string.samples).max() < 2


def test_the_generator_decides_everything(examples):
    def strings(seed):
        rng = np.random.default_rng(seed)
        return join(examples, rng, how=Joining(), rate_hz=8000, augmentation=Augmentation())

    first, again, other = strings(0), strings(0), strings(1)
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(first, again, strict=True))
    assert [e.words for e in first] != [e.words for e in other]


def test_batches_hold_everything_once_and_keep_to_the_limit():
    lengths = np.random.default_rng(0).integers(1, 50, 200).tolist()
    found = batches(lengths, most=120, rng=np.random.default_rng(1))
    assert sorted(i for batch in found for i in batch) == list(range(200))
    assert all(max(lengths[i] for i in batch) * len(batch) <= 120 for batch in found)
    assert sum(max(lengths[i] for i in batch) * len(batch) for batch in found) < 1.1 * sum(lengths)


def test_padding_is_zero_behind_each():
    assert padded([np.ones(2, np.float32), np.ones(3, np.float32)]).tolist() == [[1, 1, 0], [1, 1, 1]]


def test_noise_is_added_at_the_ratio_asked_for():
    clean = tone(80000)
    noisy = add_room_noise(clean, np.random.default_rng(0), snr_db=(7.0, 7.0))
    assert 10 * np.log10(np.square(clean).sum() / np.square(noisy - clean).sum()) == pytest.approx(7.0, abs=0.01)


def test_speed_moves_pitch_and_length_together():
    rng = np.random.default_rng(3)
    changed = change_speed(tone(8000), rng, largest=1.3)
    factor = 8000 / changed.size
    assert 1 / 1.3 <= factor <= 1.3
    assert factor != 1
    peak_hz = np.abs(np.fft.rfft(changed)).argmax() * 8000 / changed.size
    assert peak_hz == pytest.approx(440 * factor, rel=0.01)


def test_tilt_keeps_the_energy_and_gain_keeps_below_full_scale():
    rng = np.random.default_rng(0)
    tilted = tilt_spectrum(tone(), rng, largest=0.9)
    assert np.square(tilted).sum() == pytest.approx(np.square(tone()).sum(), rel=1e-4)
    assert np.abs(change_gain(tone(), rng, gain_db=(40.0, 40.0))).max() == pytest.approx(1.0)


def test_masks_hold_the_fill_and_leave_the_rest():
    features = np.random.default_rng(0).normal(size=(50, 20)).astype(np.float32)
    fill = np.full(20, 9.0, np.float32)
    masked = mask_features(features, np.random.default_rng(1), how=Augmentation(band_width=8, gap_frames=9), fill=fill)
    changed = masked != features
    assert changed.any()
    assert (masked[changed] == 9.0).all()
    assert changed.mean() < 0.9
