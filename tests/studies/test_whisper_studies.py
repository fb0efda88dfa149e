"""Studies of Whisper: whose words are placed how well, and what is made up for silence, noise and repeats."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from otoscope.core import BadInput, Interval, Recording

pytest.importorskip("transformers")

from otoscope.recognizers.whisper.doubts import Rule
from otoscope.studies import attention_times, too_robust
from otoscope.studies.robust_sounds import Tempting, found_in, made_noises, repeats, silences, strings
from otoscope.testing import tiny_whisper


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_whisper(tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="module")
def spoken():
    """Two halves of the sample, thrice each: enough for a calibration, and to be judged."""
    from otoscope.recognizers.whisper.calibration import _sample

    return (*_sample(), *_sample(), *_sample())


def test_word_times_are_judged_for_every_choice_of_heads(folder, spoken, monkeypatch):
    monkeypatch.setattr(attention_times, "calibration_speech", lambda: (spoken, "the sample"))
    result = attention_times.run(folder)
    assert {(row["heads"], row["by"]) for row in result.table} == {
        (heads, by)
        for heads in ("checkpoint's", "calibrated", "calibrated without truth", "last half", "all")
        for by in ("states", "dtw")
    }
    for row in result.table:
        assert row["n_words"] == 8 + 8 + 8
        assert 0 <= row["within_20_ms"] <= row["within_40_ms"] <= row["within_100_ms"] <= 1
    assert [panel.kind for panel in result.panels] == ["bars", "lines"]
    assert result.provenance["heads"]["calibrated"]["how"] == "calibrated"


def test_errors_are_those_of_starts_and_ends():
    from otoscope.core import Tier
    from otoscope.recognizers.whisper.heads import HeadChoice, Known

    centres = np.arange(100) * 0.02
    looks = np.array([np.exp(-0.5 * ((centres - m) / 0.1) ** 2) + 1e-3 for m in (0.5, 1.0, 1.8)])
    odds = np.where((np.arange(200) >= 30) & (np.arange(200) < 130), 5.0, -5.0)
    truth = Tier("words", (Interval(0.2, 0.75, "a"), Interval(0.75, 1.2, "b")))
    words = (("a", slice(0, 1)), ("b", slice(1, 2)))
    known = Known((looks / looks.sum(1, keepdims=True))[None, None], words, 2.0, truth, odds)
    errors = attention_times.errors_of(HeadChoice(((0, 0),), "given"), [known], "states")
    assert errors[0, 0] == pytest.approx(0.1, abs=0.011)  # the sound begins at 0.3, the truth says 0.2
    assert errors[1, 1] == pytest.approx(0.1, abs=0.011)
    assert abs(errors[0, 1]) < 0.05


class Spoken:
    """A corpus of single words that are tones."""

    def __init__(self, text, speaker, number):
        self.text, self.speaker = text, speaker
        t = np.arange(4000 + 800 * number) / 16000
        self.samples = 0.1 * np.sin(2 * np.pi * (200 + 50 * number) * t)

    def recording(self, *, rate_hz):
        return Recording(self.samples.astype(np.float32), rate_hz)


@pytest.fixture
def words():
    return [Spoken(str(number % 10), "ab"[number % 2], number % 10) for number in range(20)]


def test_strings_know_where_their_words_are(words):
    made = list(strings(words, 6, seed=1))
    assert len(made) == 6
    for string in made:
        assert string.kind == "real speech"
        assert 1 <= len(string.truth) <= 7
        for word in string.truth:
            inside = string.recording.samples[round(word.start_s * 16000) : round(word.end_s * 16000)]
            assert np.sqrt(np.mean(inside**2)) == pytest.approx(0.0707, rel=0.02)
        assert all(b.start_s > a.end_s for a, b in zip(string.truth, string.truth[1:], strict=False))
    again = list(strings(words, 6, seed=1))
    assert all((a.recording.samples == b.recording.samples).all() for a, b in zip(made, again, strict=True))
    with pytest.raises(BadInput, match="none in this split"):
        list(strings([], 1, seed=0))


def test_repeats_repeat_sound_and_truth(words):
    (string,) = strings(words, 1, most=2, seed=3)
    (repeated,) = repeats([string], seed=0)
    times = repeated.recording.n_samples // string.recording.n_samples
    assert times >= 3
    assert repeated.recording.duration_s <= 30
    assert len(repeated.truth) == times * len(string.truth)
    np.testing.assert_array_equal(repeated.recording.samples[: string.recording.n_samples], string.recording.samples)
    long = Tempting("real speech", Recording(np.zeros(16000 * 16, np.float32), 16000))
    assert list(repeats([long], seed=0)) == []


def test_silence_is_silent_and_noise_has_its_level():
    assert all(not sound.recording.samples.any() for sound in silences())
    made = list(made_noises(6, seed=0))
    levels = [10 * np.log10(np.mean(sound.recording.samples.astype(float) ** 2)) for sound in made]
    np.testing.assert_allclose(levels, [-60, -60, -40, -40, -20, -20], atol=0.5)
    assert {sound.kind for sound in made} == {"white noise", "pink noise"}


def test_a_true_word_stands_for_one_word_heard_only():
    truth = (Interval(0.0, 0.5, "one"), Interval(0.5, 1.0, "two"))
    heard = (Interval(0.0, 0.2, "1"), Interval(0.2, 0.5, "One"), Interval(0.6, 0.9, "two."), Interval(2, 3, "two"))
    assert found_in(heard, truth) == ("said", "made up", "said", "made up")
    assert found_in((Interval(0.0, 0.2, "six"), Interval(0.3, 0.5, "one")), truth) == ("made up", "said")
    assert found_in((Interval(0.1, 0.7, "six"), Interval(0.7, 0.9, "six")), truth) == ("misheard", "misheard")


def test_what_is_made_up_is_judged(folder, words, monkeypatch):
    monkeypatch.setattr(too_robust, "read_corpus", lambda corpus, split: words)
    whisper = too_robust.opened(folder).with_options(most_tokens=6, language="en")
    result = too_robust.run(whisper, "nowhere", limit=1)
    assert result.table[0]["evidence"] == "verdict"
    assert result.table[0]["n_made_up"] > 0
    assert result.table[0]["n_real"] > 0
    assert {row[0] for row in result.panels[1].data["rows"]} >= {"silence", "white noise", "real speech"}
    assert 0 < result.provenance["rule"]["threshold"] < 1


def test_recall_and_false_alarms_are_shares_of_words():
    from otoscope.recognizers.whisper.doubt_evidence import Evidence

    at = Interval(0.5, 0.9, "seven")
    said = Evidence(at, 0.97, 4.0, 5.0, -0.05, 0.9, 0.1, 0.2, 1, 0.4, 12.5, 0.01, 0.8)
    made_up = dataclasses.replace(said, voice=0.02)
    heard = [
        too_robust.Heard("silence", "made up", made_up),
        too_robust.Heard("silence", "made up", said),
        too_robust.Heard("repeats", "said", made_up),  # said in truth: neither
        too_robust.Heard("real speech", "said", said),
        too_robust.Heard("real speech", "made up", said),  # wrongly heard counts as real speech
        too_robust.Heard("real speech", "said", dataclasses.replace(said, voice=0.0)),
    ]
    rule = Rule({"silent": 10.0}, -5.0)
    rows = {row["evidence"]: row for row in too_robust.table(heard, rule)}
    assert rows["verdict"]["recall"] == 0.5
    assert rows["verdict"]["false_alarms"] == pytest.approx(1 / 3)
    assert rows["no voice"]["recall"] == 0.5
    assert rows["too fast"]["recall"] == 0.0
    assert too_robust.table([], rule)[0]["recall"] is None


def test_only_a_whisper_can_be_asked(monkeypatch):
    for study in (too_robust, attention_times):
        with pytest.raises(BadInput, match="is no Whisper"):
            study.opened("pocketsphinx")
