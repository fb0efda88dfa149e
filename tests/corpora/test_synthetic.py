"""Synthetic corpora repeat to the byte, keep timbres apart, resume, and their times are true."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import numpy as np
import pytest

from otoscope.core import BadInput, OtoscopeError
from otoscope.corpora import (
    SoundAugmentation,
    SyntheticPlan,
    cached_synthesis,
    check_speakers_disjoint,
    read_corpus,
    synthetic,
)
from otoscope.corpora import synthesize as make
from otoscope.corpora.rooms import random_rooms
from otoscope.corpora.synthetic_voices import synthetic_voices, texts_of_voices

pytest.importorskip("espeakng_loader")

TEXTS = ("The boy was there.", "seven", "a big dog, and so on")
PLAN = SyntheticPlan(n_voices=3, texts_per_voice=2, seed=4)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    make(TEXTS, folder, plan=PLAN, n_workers=1)
    return folder


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_plan_gives_the_same_bytes_with_any_number_of_workers(corpus, tmp_path):
    make(TEXTS, tmp_path / "again", plan=PLAN, n_workers=3)
    assert digests(tmp_path / "again") == digests(corpus)
    other = make(TEXTS, tmp_path / "other", plan=dataclasses.replace(PLAN, seed=5))
    assert not set(digests(tmp_path / "other").values()) & set(digests(corpus).values())
    assert len(other) == 6


def test_it_reads_back_as_any_corpus_with_words_and_phones(corpus):
    utterances = read_corpus(corpus)
    assert [u.split for u in utterances] == ["train", "train", "valid", "valid", "test", "test"]
    check_speakers_disjoint(utterances)
    for utterance in utterances:
        words, phones = utterance.tiers()
        recording = utterance.recording()
        assert (words.name, phones.name) == ("words", "phones")
        assert recording.duration_s == pytest.approx(utterance.duration_s, abs=1e-6)
        assert [word.strip(",.").lower() for word in utterance.text.split()] == [w.lower() for w in words.labels]
        assert {interval.origin for interval in (*words, *phones)} == {"synthetic"}
        assert PLAN.pad_s[0] - 0.02 <= phones[0].start_s <= PLAN.pad_s[1] + 0.15
        assert phones[-1].end_s <= recording.duration_s
    assert {u.text for u in utterances} == set(TEXTS)


def test_sound_lies_where_the_words_do(corpus):
    for utterance in read_corpus(corpus):
        recording, (words, _) = utterance.recording(), utterance.tiers()
        loud = np.sqrt(np.mean(np.square(recording.cut(words[0].start_s, words[-1].end_s).samples)))
        before = recording.cut(0, words[0].start_s - 0.02).samples
        assert np.sqrt(np.mean(np.square(before))) < 0.05 * loud
        assert np.abs(before).max() > 0


def test_effects_leave_times_as_they_are(corpus, tmp_path):
    effects = SoundAugmentation(
        speeds=(1.0,), rooms=random_rooms(2, seed=1), room_share=1.0, telephone_share=1.0, hiss_share=0.0
    )
    changed = make(TEXTS, tmp_path, plan=PLAN, effects=effects)
    for clean, heard in zip(read_corpus(corpus), changed, strict=True):
        assert heard.tiers() == clean.tiers()
        a, b = clean.recording().samples, heard.recording().samples
        n = 2 * a.size
        correlation = np.fft.irfft(np.fft.rfft(a, n).conj() * np.fft.rfft(b, n), n)
        lag = int(np.argmax(np.abs(correlation)))
        assert min(lag, n - lag) <= 0.002 * 16000
        assert not np.array_equal(a, b)
    assert json.loads((tmp_path / "recipe.json").read_text())["effects"]["rooms"]["n_rooms"] == 2


def test_interrupted_work_goes_on_and_finished_work_is_not_done_again(corpus, tmp_path, monkeypatch):
    spoken = []
    speak = synthetic.speak

    def counted(text, **settings):
        spoken.append(text)
        if len(spoken) == 4:
            raise KeyboardInterrupt
        return speak(text, **settings)

    monkeypatch.setattr(synthetic, "speak", counted)
    with pytest.raises(KeyboardInterrupt):
        make(TEXTS, tmp_path, plan=PLAN, n_workers=1)
    assert not (tmp_path / "manifest.tsv").exists()
    n_kept = len(list(tmp_path.rglob("*.json"))) - 1
    assert n_kept >= 3
    spoken.clear()
    calls = []
    spoken.extend("    ")
    make(TEXTS, tmp_path, plan=PLAN, n_workers=1, progress=lambda done, total: calls.append((done, total)))
    assert len(spoken) - 4 == 6 - n_kept
    assert calls == [(n, 6) for n in range(1, 7)]
    assert digests(tmp_path) == digests(corpus)
    spoken.clear()
    assert make(TEXTS, tmp_path, plan=PLAN) == read_corpus(tmp_path)
    assert not spoken


def test_the_cache_finds_a_corpus_by_what_it_is_made_from(tmp_path):
    plan = SyntheticPlan(n_voices=1, splits={"test": 1.0})
    first = cached_synthesis(["one"], tmp_path, plan=plan)
    assert cached_synthesis(["one"], tmp_path, plan=plan) == first
    assert len(list(tmp_path.iterdir())) == 1
    cached_synthesis(["two"], tmp_path, plan=plan)
    cached_synthesis(["one"], tmp_path, plan=plan, effects=SoundAugmentation(speeds=(1.0,)))
    assert len(list(tmp_path.iterdir())) == 3


def test_no_timbre_stands_in_two_splits():
    plan = SyntheticPlan(n_voices=200, seed=3)
    voices = synthetic_voices(plan)
    assert {s: sum(v.split == s for v in voices) for s in plan.splits} == {"train": 160, "valid": 20, "test": 20}
    splits_of = {}
    for voice in voices:
        splits_of.setdefault(voice.voice.partition("+")[2], set()).add(voice.split)
    assert len(splits_of) > 60
    assert all(len(splits) == 1 for splits in splits_of.values())
    assert len({voice.speaker for voice in voices}) == 200
    assert all(120 <= v.rate_wpm <= 210 and 15 <= v.pitch <= 85 for v in voices)
    assert not any("whisper" in v.voice or "robo" in v.voice for v in voices)


@pytest.mark.parametrize(("n_texts", "n_voices", "each"), [(10, 7, 3), (5, 4, 4), (3, 3, 1)])
def test_texts_are_spread_evenly(n_texts, n_voices, each):
    shares = texts_of_voices(n_texts, SyntheticPlan(n_voices=n_voices, texts_per_voice=each))
    assert all(len(set(share)) == each for share in shares)
    counts = np.bincount([i for share in shares for i in share], minlength=n_texts)
    assert counts.max() - counts.min() <= 1
    assert texts_of_voices(2, SyntheticPlan(n_voices=3)) == ((0, 1),) * 3


def test_a_text_that_cannot_be_spoken_stops_the_work_or_is_named(tmp_path):
    texts = ["one", "…", "two"]
    plan = SyntheticPlan(n_voices=1, splits={"test": 1.0})
    with pytest.raises(BadInput, match=r"there is no word to speak .* leave such texts out: skip_unspeakable"):
        make(texts, tmp_path / "a", plan=plan)
    made = make(texts, tmp_path / "b", plan=dataclasses.replace(plan, skip_unspeakable=True))
    assert [u.text for u in made] == ["one", "two"]
    skipped = (tmp_path / "b" / "skipped.tsv").read_text().splitlines()
    assert len(skipped) == 2
    assert skipped[1].split("\t")[1] == "…"
    with pytest.raises(BadInput, match="none of the texts can be spoken"):
        make(["…"], tmp_path / "c", plan=dataclasses.replace(plan, skip_unspeakable=True))


def test_a_folder_that_holds_something_else_is_refused(corpus, tmp_path):
    before = digests(corpus)
    with pytest.raises(BadInput, match="made from other texts or settings"):
        make(["other"], corpus, plan=PLAN)
    assert digests(corpus) == before
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(BadInput, match="holds something else already"):
        make(TEXTS, tmp_path, plan=PLAN)
    (tmp_path / "recipe.json").write_text("[]")
    with pytest.raises(BadInput, match="no recipe of a synthetic corpus"):
        make(TEXTS, tmp_path, plan=PLAN)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"splits": {"train": 0.5}}, "shares of the splits must be above 0 and sum to 1"),
        ({"n_voices": 2}, "2 voices cannot fill 3 splits"),
        ({"texts_per_voice": 0}, "texts_per_voice must be above 0"),
    ],
)
def test_bad_plans_are_refused(change, message):
    with pytest.raises(BadInput, match=message):
        SyntheticPlan(**change)


def test_bad_texts_effects_and_voices_are_refused(tmp_path):
    with pytest.raises(BadInput, match="a list of texts to speak is needed"):
        make("one", tmp_path)
    with pytest.raises(BadInput, match=r"speeds \(0.9, 1.0, 1.1\) would make the times wrong"):
        make(["one"], tmp_path, effects=SoundAugmentation())
    with pytest.raises(OtoscopeError, match="unknown voice 'gmw/xx'"):
        make(["one"], tmp_path, plan=SyntheticPlan(n_voices=3, accents=("gmw/xx",)))
