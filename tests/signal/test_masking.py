"""A mask changes what it names, nothing else, and never the length."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from otoscope.core import BadInput, Recording, Segment, UnknownName
from otoscope.signal.masking import Masker
from otoscope.signal.stft import stft

RATE = 16000
FILLS = ["silence", "mean", "noise"]


@pytest.fixture(scope="module")
def recording() -> Recording:
    """A second and a bit of changing sound, of a length no hop divides."""
    rng = np.random.default_rng(3)
    t = np.arange(17_003) / RATE
    voice = 0.3 * np.sin(2 * np.pi * 150 * t) * (1 + np.sin(2 * np.pi * 3 * t)) + 0.1 * np.sin(2 * np.pi * 3000 * t)
    return Recording(voice + 0.01 * rng.standard_normal(t.size), RATE)


def words(recording: Recording) -> list[Segment]:
    edges = [0.0, 0.21, 0.4000625, 0.77, recording.duration_s]
    return [Segment(a, b) for a, b in pairwise(edges)]


def cells(recording: Recording) -> list[Segment]:
    bands = [(0.0, 500.0), (500.0, 2000.0), (2000.0, 8000.0)]
    return [Segment(w.start_s, w.end_s, low, high) for w in words(recording) for low, high in bands]


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("segments_of", [words, cells])
def test_keeping_all_returns_the_original_samples(recording, segments_of, fill):
    masker = Masker(recording, segments_of(recording), fill=fill)
    assert masker(np.ones(masker.n_segments, bool)) is recording


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("segments_of", [words, cells])
def test_every_mask_keeps_the_exact_length_and_rate(recording, segments_of, fill):
    masker = Masker(recording, segments_of(recording), fill=fill)
    rng = np.random.default_rng(0)
    for keep in rng.random((8, masker.n_segments)) < 0.5:
        masked = masker(keep)
        assert (masked.n_samples, masked.rate_hz) == (recording.n_samples, RATE)


@pytest.mark.parametrize("fill", FILLS)
def test_word_removed_from_a_second_leaves_a_second(fill):
    """The word at 60-300 ms of a 1,000 ms clip: a peer that splices by fill returns 2,000 ms."""
    clip = Recording(np.sin(np.arange(RATE) / 3), RATE)
    masked = Masker(clip, [Segment(0.06, 0.3)], fill=fill)([False])
    assert masked.duration_s == 1.0


@pytest.mark.parametrize("fill", FILLS)
def test_time_mask_leaves_everything_outside_bit_identical(recording, fill):
    masked = Masker(recording, words(recording), fill=fill)([True, False, True, True]).samples
    first, last = round(0.21 * RATE), round(0.4000625 * RATE)
    outside = np.r_[0:first, last : recording.n_samples]
    assert masked[outside].tobytes() == recording.samples[outside].tobytes()
    assert not np.allclose(masked[first:last], recording.samples[first:last])


@pytest.mark.parametrize("fill", FILLS)
def test_cell_mask_reaches_at_most_one_window_beyond_its_cell(recording, fill):
    masker = Masker(recording, [Segment(0.4, 0.6, 500, 2000)], fill=fill)
    masked = masker([False]).samples
    reach = 0.032
    outside = np.r_[0 : round((0.4 - reach) * RATE), round((0.6 + reach) * RATE) : recording.n_samples]
    assert masked[outside].tobytes() == recording.samples[outside].tobytes()


def test_silence_is_digital_zero_between_the_ramps(recording):
    masked = Masker(recording, words(recording))([True, False, False, True]).samples
    ramp = round(0.005 * RATE)
    inner = masked[round(0.21 * RATE) + ramp : round(0.77 * RATE) - ramp]
    assert not inner.any()


def test_all_removed_in_silence_is_all_zero(recording):
    assert not Masker(recording, words(recording))(np.zeros(4)).samples.any()
    assert np.abs(Masker(recording, cells(recording))(np.zeros(12)).samples).max() < 1e-6


def test_ramp_makes_no_click():
    """Where a constant is cut out, the largest step between samples is that of a ramp, not a jump."""
    flat = Recording(np.ones(RATE) * 0.5, RATE)
    masked = Masker(flat, [Segment(0.3, 0.6)])([False]).samples
    assert np.abs(np.diff(masked)).max() < 0.5 * np.pi / 2 / (0.005 * RATE) * 1.01


def test_cell_mask_takes_its_band_and_leaves_the_others():
    t = np.arange(RATE) / RATE
    low, high = 0.3 * np.sin(2 * np.pi * 300 * t), 0.3 * np.sin(2 * np.pi * 3000 * t)
    masker = Masker(Recording(low + high, RATE), [Segment(0, 1, 0, 1000), Segment(0, 1, 1000, None)])
    inner = slice(512, -512)  # a sine that starts at once is no pure tone there
    np.testing.assert_allclose(masker([True, False]).samples[inner], low[inner], atol=2e-4)
    np.testing.assert_allclose(masker([False, True]).samples[inner], high[inner], atol=2e-4)


def test_cells_are_a_partition(recording):
    """What each single cell takes away adds up to the recording."""
    masker = Masker(recording, cells(recording))
    lost = [recording.samples - masker(np.arange(12) != i).samples for i in range(12)]
    np.testing.assert_allclose(np.sum(lost, axis=0), recording.samples, atol=1e-5)


@pytest.mark.parametrize("fill", FILLS)
def test_overlap_is_filled_when_any_cover_is_not_kept(recording, fill):
    masker = Masker(recording, [Segment(0.2, 0.6), Segment(0.4, 0.8)], fill=fill)
    whole = Masker(recording, [Segment(0.2, 0.8)], fill=fill)
    assert np.array_equal(masker([False, False]).samples, whole([False]).samples)
    first_only = Masker(recording, [Segment(0.2, 0.6)], fill=fill)
    assert np.array_equal(masker([False, True]).samples, first_only([False]).samples)


@pytest.mark.parametrize("fill", ["mean", "noise"])
def test_fill_repeats_with_its_seed_and_differs_with_another(recording, fill):
    one, again, other = (Masker(recording, words(recording), fill=fill, seed=s)(np.zeros(4)).samples for s in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_mean_fill_has_the_mean_magnitude_spectrum():
    rng = np.random.default_rng(0)
    shape = np.convolve(rng.standard_normal(5 * RATE), [1, 1.5, 0.9], mode="same") * 0.05
    recording = Recording(shape, RATE)
    filled = Masker(recording, [Segment(0, 5)], fill="mean")([False])
    before, after = (np.abs(stft(r).values).mean(axis=0)[5:-5] for r in (recording, filled))
    ratio_db = 20 * np.log10(after.reshape(-1, 13).mean(axis=1) / before.reshape(-1, 13).mean(axis=1))
    # The mean magnitude of Gaussian noise lies 1.05 dB below its root mean square: once in the measurement of the
    # recording, and once more in that of the fill.
    assert np.abs(ratio_db + 1.05).max() < 0.6


def test_noise_fill_has_the_level_of_the_quiet_frames():
    rng = np.random.default_rng(0)
    samples = 0.001 * rng.standard_normal(4 * RATE)
    samples[RATE : 3 * RATE] += 0.3 * np.sin(np.arange(2 * RATE) / 4)
    samples[:800] = 0
    filled = Masker(Recording(samples, RATE), [Segment(0, 4)], fill="noise")([False]).samples
    assert 0.0007 < filled.std() < 0.0011


def test_digital_silence_has_a_background_of_silence():
    filled = Masker(Recording(np.zeros(RATE), RATE), [Segment(0, 1)], fill="noise")([False])
    assert not filled.samples.any()


def test_ten_milliseconds_can_be_masked():
    short = Recording(np.sin(np.arange(160)), RATE)
    for segment in (Segment(0, 0.01), Segment(0, 0.01, 0, 4000)):
        assert Masker(short, [segment], fill="mean")([False]).n_samples == 160


def test_bad_input_is_named(recording):
    with pytest.raises(BadInput, match=r"shape \(4,\).*got \(3,\)"):
        Masker(recording, words(recording))([True] * 3)
    with pytest.raises(BadInput, match="holds nothing"):
        Masker(recording, [Segment(2.0, 3.0)])
    with pytest.raises(UnknownName, match="did you mean silence"):
        Masker(recording, [], fill="silent")
