"""Synthetic speakers: each says each word once, the same way every time, and no two speak alike."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from otoscope.core import BadInput, MissingExtra
from otoscope.corpora.synthetic import UNNATURAL, synthetic_voices, synthetic_words

WORDS = ("zero", "one", "seven")


def test_each_speaker_says_each_word_once_and_sound_fills_it():
    pytest.importorskip("espeakng_loader")
    found = synthetic_words(WORDS, 3, rate_hz=8000)
    said = {speaker: sorted(u.text for u in found if u.speaker == speaker) for speaker in {u.speaker for u in found}}
    assert len(said) == 3
    assert all(words == sorted(WORDS) for words in said.values())
    assert len({u.id for u in found}) == len(found) == 9
    for utterance in found:
        recording = utterance.recording()
        assert recording.rate_hz == 8000
        assert 0.1 < recording.duration_s < 1.5
        tenths = np.array_split(np.square(recording.samples), 10)
        assert np.median([tenth.mean() for tenth in tenths]) > 1e-5
    sevens = [u for u in found if u.text == "seven"]
    assert len({u.recording().samples.tobytes() for u in sevens}) == 3


def test_the_same_seed_gives_the_same_samples():
    pytest.importorskip("espeakng_loader")
    first, again, other = (synthetic_words(WORDS, 2, seed=seed, rate_hz=8000) for seed in (0, 0, 1))
    sounds = [[u.recording().samples.tobytes() for u in found] for found in (first, again, other)]
    assert sounds[0] == sounds[1] != sounds[2]
    assert [u.text for u in first] == [u.text for u in again]


def test_voices_are_natural_and_all_used_before_one_comes_again():
    pytest.importorskip("espeakng_loader")
    voices = synthetic_voices(50)
    variants = [voice.voice.partition("+")[2] for voice in voices]
    assert len(set(variants)) == 50
    assert not any(part in name.lower() for name in variants for part in UNNATURAL)
    assert len({voice.voice.partition("+")[0] for voice in voices}) > 4
    assert synthetic_voices(20) == voices[:20]


def test_what_is_not_a_word_is_refused():
    for words in (("zero", "twenty one"), ("7",), ()):
        with pytest.raises(BadInput, match="single words of letters, got"):
            synthetic_words(words, 1)


def test_without_the_synthesiser_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(MissingExtra, match="synth"):
        synthetic_words(WORDS, 1)
