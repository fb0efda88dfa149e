"""Validation finds what is wrong, names the line, and raises no false alarm on real corpora."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from otoscope.core import BadInput
from otoscope.corpora import validate
from otoscope.corpora.sound_checks import clipped_share

HEADING = "id\tpath\tspeaker\ttext\tduration_s\tsplit"


@pytest.fixture
def corpus(tmp_path, sound, write_lines):
    """Write a manifest with these rows beside a good one; returns what validation finds."""
    sound(tmp_path / "good.flac", 0.5)
    sound(tmp_path / "other.flac", 0.5)

    def check(*rows, **options):
        write_lines(tmp_path / "manifest.tsv", HEADING, "good\tgood.flac\tann\tso my\t0.5\ttrain", *rows)
        return [(f.severity, f.code, str(f).replace(f"{tmp_path}/", "")) for f in validate(tmp_path, **options)]

    check.folder = tmp_path
    return check


def test_a_good_corpus_has_no_finding(corpus, kaldi, librispeech):
    assert corpus("b\tother.flac\tbob\tdon't\t0.52\ttest") == []
    assert validate(librispeech, sound=False) == ()
    calls = []
    assert corpus(progress=lambda done, total: calls.append((done, total)), n_workers=1) == []
    assert calls == [(1, 1)]


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        ("b\tother.flac\tbob\tso\tlong\ttest", ("error", "format", "manifest.tsv:3: duration_s must be")),
        (
            "good\tother.flac\tann\tso\t.5\ttrain",
            ("error", "duplicate-id", "'good' stands at manifest.tsv:2"),
        ),
        ("b\tnone.flac\tbob\tso\t.5\ttest", ("error", "unreadable", "manifest.tsv:3: none.flac: no such file")),
        ("b\tmanifest.tsv\tbob\tso\t.5\ttest", ("error", "unreadable", "not a sound file")),
        ("b\tother.flac\tbob\tso\t0.6\ttest", ("error", "wrong-duration", "lasts 0.500 s, the corpus says 0.600 s")),
        ("b\tother.flac\tbob\t\t.5\ttest", ("error", "empty-text", "manifest.tsv:3: the text is empty")),
        ("b\tother.flac\tbob\t?!\t.5\ttest", ("error", "empty-text", "the text '?!' holds no word")),
        (
            "b\tother.flac\tann\tso\t.5\ttest",
            (
                "error",
                "speaker-in-two-splits",
                "3: speaker 'ann' stands in split test and, at manifest.tsv:2",
            ),
        ),
        (
            "b\tgood.flac\tbob\tso\t.5\ttest",
            ("error", "same-sound-in-two-splits", "'b' in split test has the samples of 'good' in split train"),
        ),
        ("b\tgood.flac\tann\tso\t.5\ttrain", ("warning", "same-sound", "'b' has the samples of 'good'")),
        ("b\tother.flac\tbob\tsmørrebrød\t.5\ttest", ("warning", "characters", "'ø' (U+00F8) is no character")),
        (
            "b\tother.flac\tbob\tthe quick brown fox jumps\t.5\ttest",
            ("warning", "text-too-long", "21 letters in 0.50 s cannot be spoken"),
        ),
    ],
)
def test_each_fault_is_found_and_named(corpus, row, finding):
    (found,) = corpus(row)
    assert found[:2] == finding[:2]
    assert finding[2] in found[2]


@pytest.mark.parametrize("nobody", ["unknown", "-", "Noise"])
def test_nobody_may_stand_in_two_splits(corpus, nobody):
    rows = (f"b\tother.flac\t{nobody}\tso\t.5\ttest", f"c\tother.flac\t{nobody}\tso\t.5\ttrain")
    assert {code for _, code, _ in corpus(*rows)} == {"same-sound-in-two-splits"}


def test_faults_of_the_sound_are_found(corpus):
    rate = 16000
    tone = np.sin(np.arange(rate) / 9)
    for name, samples, rate_hz in (
        ("silent", np.zeros(rate), rate),
        ("faint", 1e-4 * tone, rate),
        ("clipped", np.clip(1.3 * tone, -1, 1), rate),
        ("nan", np.where(np.arange(rate) == 800, np.nan, tone), rate),
        ("loud", 30 * tone, rate),
        ("short", tone[:800], rate),
        ("cd", np.stack([tone, 0.5 * tone], axis=1), 44100),
        ("phone", 0.5 * tone, 8000),
    ):
        soundfile.write(corpus.folder / f"{name}.wav", samples, rate_hz, subtype="FLOAT")
    lengths = {"short": 0.05, "cd": rate / 44100, "phone": 2.0}
    names = ("silent", "faint", "clipped", "nan", "loud", "short", "cd", "phone")
    found = corpus(*(f"{name}\t{name}.wav\tann\tso\t{lengths.get(name, 1.0)}\ttrain" for name in names))
    by_code = {}
    for _, code, text in found:
        by_code.setdefault(code, []).append(text)
    assert sorted(by_code) == sorted(
        ["silent", "clipped", "unreadable", "beyond-full-scale", "too-short", "rate", "channels"]
    )
    assert [text.split(":")[1] for text in by_code["silent"]] == ["3", "4"]
    assert "manifest.tsv:5: clipped.wav: " in by_code["clipped"][0]
    assert "NaN or infinite samples" in by_code["unreadable"][0]
    assert "reaches 30 times full scale" in by_code["beyond-full-scale"][0]
    assert "lasts 0.050 s" in by_code["too-short"][0]
    assert "1 of 8 utterances have 8000 Hz, not 16000: nothing above 4000 Hz" in by_code["rate"][0]
    assert "1 of 8 utterances have 44100 Hz, not 16000: are resampled" in by_code["rate"][1]
    assert "1 of 8 utterances have 2 channels; their mean is read" in by_code["channels"][0]
    assert [severity for severity, *_ in found] == sorted(severity for severity, *_ in found)


def test_without_sound_no_file_is_opened(corpus):
    assert corpus("b\tnone.flac\tbob\tso\t9\ttest", sound=False) == []


def test_words_outside_the_lexicon_are_counted(corpus):
    rows = ("b\tother.flac\tbob\tso zyzzyva\t.5\ttest", "c\tother.flac\tbob\tzyzzyva qua\t.5\ttest")
    (found,) = corpus(*rows, sound=False, lexicon={"so", "my"})
    assert found[:2] == ("warning", "unknown-words")
    assert "manifest.tsv:3: 2 words are not in the lexicon: zyzzyva, qua" in found[2]


def test_one_character_is_told_once(corpus):
    rows = (f"{i}\tother.flac\tbob\tø{i}ø\t.5\ttest" for i in range(3))
    (found,) = corpus(*rows, sound=False)
    assert found[2].endswith("is no character of the lexicon; in 2 more utterances")
    assert corpus("b\tother.flac\tbob\tø\t.5\ttest", sound=False, alphabet="amosyø") == []


def test_segments_and_broken_lines_of_kaldi_are_found(kaldi, write_lines):
    assert {f.code for f in validate(kaldi)} == {"empty-text", "rate"}
    write_lines(
        kaldi / "test" / "segments", "cy-1 call 0.5 1.25 0", "di-1 call 1 3.5 1", "di-2 call 2 1 1", "x who 0 1"
    )
    with (kaldi / "train" / "wav.scp").open("a") as file:
        file.write("eve-1 sox x.wav -t wav - |\n")
    found = [str(f).replace(f"{kaldi}/", "") for f in validate(kaldi) if f.severity == "error"]
    assert any("call.wav: ends at 3.000 s, the utterance lies from 1 s to 3.5 s" in line for line in found)
    assert any(line.startswith("test/segments:3: a segment must end after it begins") for line in found)
    assert any(line.startswith("test/segments:4: recording 'who' is not in wav.scp") for line in found)
    assert any(line.startswith("train/wav.scp:3: commands are not run") for line in found)


def test_a_loud_peak_is_not_clipping():
    rng = np.random.default_rng(0)
    speech = rng.standard_normal(16000).astype(np.float32)
    assert clipped_share(speech / np.abs(speech).max()) == 0
    assert clipped_share(np.clip(speech, -1.5, 1.5)) < 0.002
    quiet = np.round(speech) / 128
    assert clipped_share(quiet.astype(np.float32)) == 0


def test_what_is_no_corpus_is_refused(tmp_path, write_lines):
    with pytest.raises(BadInput, match="no kind of corpus"):
        validate(tmp_path)
    write_lines(tmp_path / "manifest.tsv", HEADING)
    with pytest.raises(BadInput, match="holds no utterance"):
        validate(tmp_path)


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("librispeech-mini", set()),
        ("speechocean762", set()),
        ("alphanumeric", set()),
        ("ljspeech-mini", set()),
        ("misc-smoke", set()),
        ("esc10-noise", set()),
        ("ami-mini", set()),
        ("nathalie-nl", set()),
        ("fsdd", {"rate"}),
        ("dspspeech-en", {"clipped"}),
    ],
)
def test_no_false_alarm_on_real_corpora(shared_data, name, codes):
    assert {finding.code for finding in validate(shared_data / name, n_workers=2)} == codes
