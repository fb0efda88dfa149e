"""Tempo, pitch, formants, vowels, babble, morphs: exact lengths, and what changes and what does not."""

import numpy as np
import pytest

from otoscope.core import BadInput, Recording, Segment
from otoscope.signal.babble import babble, own_babble
from otoscope.signal.levels import active_level_db
from otoscope.signal.masking import Masker
from otoscope.signal.morphing import morphed
from otoscope.signal.stft import stft
from otoscope.signal.tempo import fitted_to, stretched, warped
from otoscope.signal.voice_changes import envelopes, formants_scaled, pitch_shifted
from otoscope.signal.vowels import steady_vowel


@pytest.fixture(scope="module")
def vowel():
    return steady_vowel(500, 1500, duration_s=0.5)


def pitch_hz(recording):
    samples = recording.samples.astype(float)[recording.n_samples // 4 : 3 * recording.n_samples // 4]
    likeness = np.correlate(samples, samples, "full")[samples.size - 1 :]
    low, high = recording.rate_hz // 400, recording.rate_hz // 60
    return recording.rate_hz / (low + np.argmax(likeness[low:high]))


def envelope(recording):
    return envelopes(stft(recording, window_s=0.032, hop_s=0.008)).mean(axis=0)


def peak_hz(recording, low_hz, high_hz):
    """Formant from a long spectrum: the harmonic-weighted centre of power in a band."""
    power = np.abs(np.fft.rfft(recording.samples * np.hanning(recording.n_samples))) ** 2
    hz = np.fft.rfftfreq(recording.n_samples, 1 / recording.rate_hz)
    inside = (hz > low_hz) & (hz < high_hz)
    return float((power[inside] * hz[inside]).sum() / power[inside].sum())


@pytest.mark.parametrize("tempo", [0.2, 0.37, 0.8, 1.0, 1.7, 5.0])
def test_tempo_gives_exact_lengths_and_keeps_the_pitch(vowel, tempo):
    changed = stretched(vowel, tempo)
    assert changed.n_samples == round(vowel.n_samples / tempo)
    if changed.duration_s > 0.2:
        assert pitch_hz(changed) == pytest.approx(pitch_hz(vowel), rel=0.01)


def test_time_that_runs_as_before_changes_no_sample(vowel):
    assert fitted_to(vowel, vowel.n_samples) is vowel
    nearly = warped(vowel, [0, 0.25, 0.5], [0, 0.2500001, 0.5], n_samples=vowel.n_samples)
    assert np.abs(nearly.samples - vowel.samples).max() < 1e-6


def test_a_course_of_time_puts_moments_where_it_says():
    samples = np.zeros(16000)
    samples[4000:4800] = np.sin(np.arange(800) / 3)
    moved = warped(Recording(samples, 16000), [0, 0.5, 1.0], [0, 0.25, 1.0], n_samples=16000)
    middle = np.sum(np.arange(16000) * moved.samples**2) / np.sum(moved.samples**2) / 16000
    assert middle == pytest.approx(0.53, abs=0.03)


def test_tempo_beyond_its_range_and_falling_time_are_refused(vowel):
    with pytest.raises(BadInput, match=r"0\.2 to 5"):
        stretched(vowel, 6)
    with pytest.raises(BadInput, match="do not fall"):
        warped(vowel, [0, 1, 0.5], [0, 0.2, 0.5], n_samples=10)


@pytest.mark.parametrize("semitones", [-7, -3, 4, 12])
@pytest.mark.parametrize("keep", [True, False])
def test_pitch_moves_by_semitones_and_nothing_in_time(vowel, semitones, keep):
    changed = pitch_shifted(vowel, semitones, keep_formants=keep)
    assert changed.n_samples == vowel.n_samples
    assert pitch_hz(changed) == pytest.approx(120 * 2 ** (semitones / 12), rel=0.015)


def test_formants_stay_when_pitch_moves_and_move_when_they_are_scaled():
    vowel = steady_vowel(600, 1400, f0_hz=100, duration_s=0.5)
    moved, scaled = pitch_shifted(vowel, 5), formants_scaled(vowel, 1.3)
    free = pitch_shifted(vowel, 5, keep_formants=False)
    first = peak_hz(vowel, 200, 1000)
    assert abs(peak_hz(moved, 200, 1000) - first) < abs(peak_hz(free, 200, 1100) - first)
    assert peak_hz(scaled, 200, 1100) > first + 45
    assert pitch_hz(scaled) == pytest.approx(100, rel=0.01)
    assert scaled.n_samples == vowel.n_samples
    assert formants_scaled(vowel, 1.0) is vowel
    assert pitch_shifted(vowel, 0) is vowel


def test_a_vowel_has_the_formants_it_was_given():
    for f1, f2 in ((300, 2300), (700, 1200), (320, 900)):
        vowel = steady_vowel(f1, f2, f0_hz=60, duration_s=1.0)
        assert peak_hz(vowel, f1 - 150, f1 + 150) == pytest.approx(f1, abs=50)
        assert peak_hz(vowel, f2 - 200, f2 + 200) == pytest.approx(f2, abs=70)
        assert pitch_hz(vowel) == pytest.approx(60, rel=0.02)
    with pytest.raises(BadInput, match="below F2"):
        steady_vowel(900, 800)


def test_a_morph_begins_and_ends_with_its_recordings_and_its_length_lies_between(vowel):
    other = steady_vowel(300, 2300, duration_s=0.3)
    assert morphed([vowel, other], [1, 0]) is vowel
    assert morphed([vowel, other], [0, 1]) is other
    lengths = [morphed([vowel, other], [1 - share, share]).n_samples for share in (0.25, 0.5, 0.75)]
    assert lengths == [7200, 6400, 5600]
    way = [peak_hz(morphed([vowel, other], [1 - s, s]), 150, 800) for s in (0.02, 0.5, 0.98)]
    assert way[0] > way[1] > way[2]
    with pytest.raises(BadInput, match="add to 1"):
        morphed([vowel, other], [0.5, 0.6])


def test_babble_is_as_long_as_asked_and_its_voices_equally_loud(vowel):
    loud = vowel.with_samples(vowel.samples * 10)
    heard = babble([vowel, loud], 12345, seed=1)
    assert heard.n_samples == 12345
    assert np.array_equal(heard.samples, babble([vowel, loud], 12345, seed=1).samples)
    assert not np.array_equal(heard.samples, babble([vowel, loud], 12345, seed=2).samples)
    assert babble([loud], 8000, seed=1).samples == pytest.approx(babble([vowel], 8000, seed=1).samples, abs=1e-6)
    assert own_babble(vowel).n_samples == vowel.n_samples
    assert active_level_db(own_babble(vowel)) > -60
    with pytest.raises(BadInput, match="silence"):
        babble([Recording(np.zeros(1000), 16000)], 100)


def test_a_masker_takes_a_fill_of_ones_own(vowel):
    other = np.full(vowel.n_samples, 0.25, np.float32)
    filled = Masker(vowel, [Segment(0.1, 0.2)], fill=other)([False])
    assert filled.samples[2400] == pytest.approx(0.25)
    assert filled.samples[4000] == vowel.samples[4000]
    with pytest.raises(BadInput, match="as many as the recording"):
        Masker(vowel, [Segment(0.1, 0.2)], fill=other[:-1])
