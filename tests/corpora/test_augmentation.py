"""Augmented training sound: each part does what it says, repeats with the seed, and keeps times where promised."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from otoscope.core import BadInput, Recording
from otoscope.corpora.augmentation import SoundAugmentation, change_level, change_speed, hiss, mix, telephone_line
from otoscope.corpora.rooms import random_rooms
from otoscope.corpora.sample import sample_recording
from otoscope.corpora.sound_bank import SoundBank, folder_bank, noise_bank, speech_bank
from otoscope.signal.companding import mu_law
from otoscope.signal.levels import active_level_db, rms_db
from otoscope.signal.noise import add_noise

RATE = 16000
OFF = {"speeds": (1.0,), "noise_share": 0.0, "babble_share": 0.0, "hiss_share": 0.0, "room_share": 0.0}
NOTHING = SoundAugmentation(**OFF, telephone_share=0.0, gain_db=(0.0, 0.0))


@pytest.fixture(scope="module")
def speech():
    return sample_recording().samples


@pytest.fixture(scope="module")
def rooms():
    return random_rooms(4, seed=3)


def tone(hz, n=RATE, rate=RATE):
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(n) / rate)).astype(np.float32)


def noise_sounds():
    rng = np.random.default_rng(5)
    return SoundBank(tuple(rng.standard_normal(n).astype(np.float32) for n in (3000, 40000)))


def spectrum_peak_hz(samples):
    return np.argmax(np.abs(np.fft.rfft(samples))) * RATE / samples.size


def test_with_everything_off_nothing_changes(speech):
    assert np.array_equal(NOTHING(speech, RATE, np.random.default_rng(0)), speech)


def test_the_same_seed_gives_the_same_samples_also_after_pickling(speech, rooms):
    shares = {f"{name}_share": 1.0 for name in ("noise", "babble", "hiss", "room", "telephone")}
    augmentation = SoundAugmentation(noise=noise_sounds(), babble=SoundBank((speech,)), rooms=rooms, **shares)
    first = augmentation(speech, RATE, np.random.default_rng(7))
    again = pickle.loads(pickle.dumps(augmentation))(speech, RATE, np.random.default_rng(7))
    other = augmentation(speech, RATE, np.random.default_rng(8))
    assert first.dtype == np.float32
    assert np.array_equal(first, again)
    assert first.size != other.size or not np.array_equal(first, other)
    assert np.abs(first).max() <= 1 + 1e-6


@pytest.mark.parametrize("factor", [0.9, 1.1, 1.25])
def test_speed_moves_length_and_pitch_by_the_factor(factor):
    changed = change_speed(tone(1000), factor)
    assert changed.size == pytest.approx(RATE / factor, abs=1)
    assert spectrum_peak_hz(changed) == pytest.approx(1000 * factor, rel=2e-3)


def test_each_speed_is_drawn(speech):
    augmentation = SoundAugmentation(**{**OFF, "speeds": (0.9, 1.0, 1.1)}, telephone_share=0.0)
    rng = np.random.default_rng(0)
    sizes = {augmentation(speech, RATE, rng).size for _ in range(40)}
    assert sizes == {change_speed(speech, factor).size for factor in (0.9, 1.0, 1.1)}


def test_mixing_is_add_noise_on_samples(speech):
    source = noise_sounds().sounds[1]
    recording = Recording(speech, RATE)
    expected = add_noise(recording, Recording(source, RATE), snr_db=7.0, seed=0).samples
    added = expected - speech
    assert np.allclose(mix(speech, added, RATE, snr_db=7.0), expected, atol=1e-5)
    ratio = active_level_db(recording) - rms_db(recording.with_samples(mix(speech, added, RATE, snr_db=3.0) - speech))
    assert ratio == pytest.approx(3.0, abs=1e-3)


def test_silence_gets_no_noise_and_silent_noise_adds_none(speech):
    silent = np.zeros(2000, np.float32)
    assert not mix(silent, hiss(2000, np.random.default_rng(0)), RATE, snr_db=0).any()
    assert np.array_equal(mix(speech, np.zeros_like(speech), RATE, snr_db=0), speech)


def test_noise_snr_is_drawn_from_its_bounds(speech):
    augmentation = SoundAugmentation(
        **{**OFF, "noise_share": 1.0},
        noise=noise_sounds(),
        noise_snr_db=(10.0, 12.0),
        telephone_share=0.0,
        gain_db=(0, 0),
    )
    signal_db = active_level_db(Recording(speech, RATE))
    rng = np.random.default_rng(2)
    for _ in range(5):
        changed = augmentation(speech, RATE, rng)
        scale = min(1.0, 1 / float(np.abs(changed).max()))
        assert 9.9 < signal_db - rms_db(Recording(changed / scale - speech, RATE)) < 12.1


def test_babble_sums_talkers_of_equal_loudness():
    loud, faint = tone(500), 0.01 * tone(1500)
    babble = SoundBank((loud, faint)).babble(RATE, np.random.default_rng(1), n_talkers=6)
    spectrum = np.abs(np.fft.rfft(babble)) / RATE
    assert spectrum[500] > 0.3
    assert spectrum[1500] > 0.3
    assert np.count_nonzero(spectrum > 0.05) == 2


def test_a_stretch_longer_than_its_sound_loops():
    bank = SoundBank((np.arange(1, 6, dtype=np.float32),))
    stretch = bank.stretch(12, np.random.default_rng(0))
    assert np.array_equal((stretch[1:] - stretch[:-1]) % 5, np.ones(11))


def test_rooms_keep_the_time_and_level_of_the_direct_sound(rooms):
    click = np.zeros(8000, np.float32)
    click[1000] = 1.0
    for seed in range(6):
        heard = rooms.reverberant(click, np.random.default_rng(seed))
        assert heard.shape == click.shape
        assert np.abs(heard[:990]).max() < 0.2
        assert abs(int(np.argmax(np.abs(heard[:1040]))) - 1000) <= 1
        assert np.abs(heard[1050:]).max() > 0.01
    assert len(random_rooms(2, seed=1)) == 2
    assert np.array_equal(random_rooms(2, seed=1).responses[1], random_rooms(2, seed=1).responses[1])


def test_a_telephone_passes_its_band_only():
    rng = np.random.default_rng(0)
    for _ in range(4):
        inside, low, high = (telephone_line(tone(hz), RATE, rng)[2000:-2000] for hz in (1000, 50, 5500))
        assert np.std(inside) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)
        assert np.std(low) < 0.02
        assert np.std(high) < 0.02
    narrow = telephone_line(tone(1000, 8000, 8000), 8000, rng)
    assert narrow.size == 8000


def test_mu_law_has_8_bits_and_is_finer_for_small_samples():
    line = np.linspace(-1, 1, 20001)
    coded = mu_law(line)
    assert np.unique(coded).size == 255
    assert np.array_equal(coded, -coded[::-1])
    error = np.abs(coded - line)
    assert error[np.abs(line) > 0.9].max() > 20 * error[np.abs(line) < 0.01].max()
    assert np.array_equal(mu_law(coded), coded)


@pytest.mark.parametrize(("gain_db", "peak"), [(-20.0, 0.03), (6.0, 0.3 * 10**0.3), (60.0, 1.0)])
def test_level_stops_at_full_scale(gain_db, peak):
    assert np.abs(change_level(tone(400), gain_db)).max() == pytest.approx(peak, rel=1e-3)


def test_what_cannot_be_is_refused(speech):
    with pytest.raises(BadInput, match="noise_share is a probability"):
        SoundAugmentation(noise_share=1.5)
    with pytest.raises(BadInput, match="speeds must be factors above 0"):
        SoundAugmentation(speeds=(0.0,))
    with pytest.raises(BadInput, match="a speed must be above 0"):
        change_speed(speech, -1.0)
    with pytest.raises(BadInput, match="not silent, got 1 sounds"):
        SoundBank((np.zeros(5, np.float32),))
    with pytest.raises(BadInput, match="noise has 16000 Hz, the samples 8000 Hz"):
        SoundAugmentation(noise=noise_sounds())(speech, 8000, np.random.default_rng(0))


def test_settings_are_json(rooms):
    described = SoundAugmentation(noise=noise_sounds(), rooms=rooms).describe()
    noise = json.loads(json.dumps(described))["noise"]
    assert (noise["n_sounds"], noise["duration_s"], noise["rate_hz"]) == (2, 2.688, 16000)
    assert noise["sha256"] != SoundBank((sample_recording().samples,)).describe()["sha256"]
    assert described["rooms"]["n_rooms"] == 4


def test_banks_of_real_noise_and_speech(shared_data):
    from otoscope.corpora.manifest import read_manifest

    noises = noise_bank(shared_data / "esc10-noise")
    assert len(noises) == 44
    files = sorted((shared_data / "esc10-noise" / "test").glob("*.flac"))
    assert len(folder_bank(files)) == 11
    utterances = read_manifest(shared_data / "librispeech-mini", split="valid")
    talkers = speech_bank(utterances, longest_s=20.0, seed=1)
    assert 20 <= talkers.duration_s < 60
