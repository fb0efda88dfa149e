"""The digit recogniser that ships: opens by its name, and hears what it was made for."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from otoscope.core import DoesNotFit, Recording
from otoscope.corpora.manifest import read_manifest
from otoscope.recognizers import load
from otoscope.recognizers.ctc import DIGITS, digits
from otoscope.studies import digits as study


@pytest.fixture(scope="module")
def recognizer():
    return digits()


def test_it_opens_by_its_name_with_its_licence_and_recipe(recognizer):
    assert load("ctc-digits").provenance == recognizer.provenance
    card = recognizer.card
    made = {"licence", "attribution", "vocabulary", "front_end", "network", "symbols"}
    assert all(getattr(card, name) == getattr(study.CARD, name) for name in made)
    assert card.training["seed"] == 0
    assert card.training["recipe"] == json.loads(json.dumps(dataclasses.asdict(study.RECIPE)))
    assert (DIGITS / "weights.safetensors").stat().st_size < 2e6
    assert "CC BY-SA 4.0" in (DIGITS / "README.md").read_text()


def test_it_hears_nothing_in_silence_and_faint_noise(recognizer):
    rng = np.random.default_rng(0)
    for level in (0.0, 1e-4, 1e-3):
        samples = (level * rng.standard_normal(16000)).astype(np.float32)
        assert recognizer.trace(Recording(samples, 16000)).text == ""


def test_it_hears_digits_of_a_speaker_it_was_not_taught(recognizer, shared_data):
    utterances = read_manifest(shared_data / "fsdd", split="valid")[::5]
    names = dict(zip("0123456789", study.DIGITS, strict=True))
    right = sum(recognizer.trace(u.recording()).text == names[u.text] for u in utterances)
    assert right / len(utterances) > 0.6


def test_it_hears_a_string_of_ten_and_places_each_digit(recognizer, shared_data):
    taught = read_manifest(shared_data / "fsdd", split="train")
    chosen = [next(u for u in taught if u.speaker == "jackson" and u.text == d) for d in "3141592653"]
    recordings = [u.recording(rate_hz=8000) for u in chosen]
    joined = study.joined_digits(recordings, np.random.default_rng(0))
    trace = recognizer.trace(joined)
    assert trace.hypothesis.words == tuple(study.DIGITS[int(u.text)] for u in chosen)
    first = 0
    gaps = np.random.default_rng(0)
    for word, recording in zip(trace.words, recordings, strict=True):
        first += round(gaps.uniform(*study.GAP_S) * 8000)
        start_s, end_s = first / 8000, (first + recording.n_samples) / 8000
        assert start_s - 0.1 < word.start_s < word.end_s < end_s + 0.1
        first += recording.n_samples
    others = [[t.rather_than(d) for d in study.DIGITS if d != t.label and len(d) <= 4] for t in trace.targets()]
    contrasts = recognizer.score([joined], [target for row in others for target in row])[0]
    assert (contrasts > 0).all()


def test_words_it_does_not_know_are_refused_by_name(recognizer):
    with pytest.raises(DoesNotFit, match="ctc-digits does not know eleven, forward; it knows zero, one"):
        recognizer.align(Recording(np.zeros(16000), 8000), "forward one eleven")


def test_no_digits_lie_on_silence(recognizer):
    sound = Recording((1e-3 * np.random.default_rng(0).standard_normal(16000)).astype(np.float32), 8000)
    with pytest.raises(DoesNotFit, match="does not fit the sound: ctc-digits hears nothing, likelier"):
        recognizer.align(sound, "three five")


def test_the_string_that_is_said_is_aligned_and_others_are_refused(recognizer, shared_data):
    taught = read_manifest(shared_data / "fsdd", split="train")
    rng = np.random.default_rng(0)
    for _ in range(6):
        chosen = [taught[i] for i in rng.integers(0, len(taught), 4)]
        joined = study.joined_digits([u.recording(rate_hz=8000) for u in chosen], rng)
        said = [study.DIGITS[int(u.text)] for u in chosen]
        assert recognizer.align(joined, " ".join(said)).words.labels == tuple(said)
        shifted = [study.DIGITS[(int(u.text) + 3) % 10] for u in chosen]
        for other in (shifted, said[1:], [*said, "two"], [*said[:2], shifted[2], said[3]]):
            with pytest.raises(DoesNotFit, match="does not fit the sound: ctc-digits hears"):
                recognizer.align(joined, " ".join(other))
