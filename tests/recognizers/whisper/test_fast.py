"""Whisper through CTranslate2 writes what the open recogniser writes, and says what it cannot do."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import otoscope
from otoscope.core import BadInput, MissingExtra, NotAble, NotRecorded, OtoscopeError, Recording, Target
from otoscope.recognizers.checkpoints.folder import read_checkpoint
from otoscope.recognizers.whisper.fast_model import converted

ctranslate2 = pytest.importorskip("ctranslate2")

PLAIN = {"most_tokens": 24, "least_log_prob": None, "most_compression": None}
KINDS = {
    "multilingual": {"published_size": True},
    "english": {"multilingual": False},
    "distilled": {"kind": "distil", "published_size": True},
    "large-v3": {"kind": "v3", "published_size": True},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def both(tiny_checkpoint, store, monkeypatch):
    """Open the same folder with all inside and for its text."""
    monkeypatch.setenv("OTOSCOPE_MODELS", str(store))

    def opened(kind, **options):
        folder = tiny_checkpoint("whisper", **KINDS[kind])
        fast = {"engine": "ctranslate2", "n_threads": 1}
        return otoscope.load(folder, **{**PLAIN, **options}), otoscope.load(folder, **fast, **{**PLAIN, **options})

    return opened


@pytest.mark.parametrize("options", [{"timestamps": False}, {"timestamps": True, "prompt": "one two"}])
@pytest.mark.parametrize("kind", KINDS)
def test_both_engines_write_the_same_tokens(both, babble, kind, options):
    slow, fast = both(kind, **options)
    texts = set()
    for number in range(6):
        own, other = slow.trace(babble(number)), fast.trace(babble(number))
        assert own.hypothesis.words == other.hypothesis.words
        open_facts, fast_facts = (t.provenance.parameters["heard"][0] for t in (own, other))
        for exact in ("text", "language", "skipped", "compression_ratio", "temperature"):
            assert open_facts[exact] == fast_facts[exact]
        assert open_facts["no_speech_prob"] == pytest.approx(fast_facts["no_speech_prob"], abs=1e-5)
        assert open_facts["avg_logprob"] == pytest.approx(fast_facts["avg_logprob"], abs=1e-4)
        for code, share in open_facts["languages"].items():
            assert fast_facts["languages"][code] == pytest.approx(share, abs=1e-4)
        texts.add(open_facts["text"])
    assert len(texts) > 2


def test_a_long_recording_is_heard_window_by_window_as_by_the_open_recogniser(both, babble):
    slow, fast = both("multilingual")
    sounds = [babble(number) for number in range(12)]
    long = Recording(np.tile(np.concatenate([s.samples for s in sounds]), 3)[: 16000 * 65], 16000)
    own, other = slow.trace(long), fast.trace(long)
    assert own.text == other.text
    heard = [[facts["start_s"] for facts in t.provenance.parameters["heard"]] for t in (own, other)]
    assert heard[0] == heard[1]
    assert len(heard[0]) > 2


def test_words_lie_inside_the_recording_in_order_and_say_where_their_times_come_from(both, babble):
    _, fast = both("multilingual", timestamps=False)
    trace = next(t for t in (fast.trace(babble(i)) for i in range(20)) if len(t.words) > 2)
    assert trace.alignment.words.labels == trace.hypothesis.words
    assert all(0 <= w.start_s <= w.end_s <= trace.recording.duration_s for w in trace.words)
    assert {w.origin for w in trace.words} == {"attention"}
    assert all(0 <= share <= 1 for share in trace.alignment.text_confidence)
    assert trace.alignment.time_confidence is None


def test_it_says_what_it_cannot_do_and_what_can(both, babble):
    _, fast = both("multilingual")
    trace = fast.trace(babble(0), record="text")
    for part in ("features", "steps", "attentions", "activations"):
        with pytest.raises(NotRecorded, match="engine='transformers'"):
            getattr(trace, part)
    with pytest.raises(NotRecorded, match="record='text' keeps no times"):
        _ = trace.alignment
    with pytest.raises(BadInput, match=r"cannot record attentions.*engine='transformers'"):
        fast.trace(babble(0), record=["attentions"])
    with pytest.raises(NotAble, match=r"cannot score.*engine='transformers'"):
        fast.score([babble(0)], [Target.utterance("so")])


def test_what_is_asked_for_wrongly_is_refused_in_one_line(tiny_checkpoint, store, monkeypatch):
    monkeypatch.setenv("OTOSCOPE_MODELS", str(store))
    folder = tiny_checkpoint("whisper", **KINDS["multilingual"])
    with pytest.raises(OtoscopeError, match="unknown engine 'ctranslate3'"):
        otoscope.load(folder, engine="ctranslate3")
    with pytest.raises(BadInput, match=r"compute_type 'int3' cannot be used.*float32"):
        otoscope.load(folder, engine="ctranslate2", compute_type="int3")
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(MissingExtra, match=r"otoscope\[fast\]"):
        otoscope.load(folder, engine="ctranslate2")


def test_languages_are_asked_for_where_ctranslate2_cannot_tell_them_apart(tiny_checkpoint, store, monkeypatch, babble):
    monkeypatch.setenv("OTOSCOPE_MODELS", str(store))
    folder = tiny_checkpoint("whisper")
    with pytest.raises(BadInput, match="give language="):
        otoscope.load(folder, engine="ctranslate2", **PLAIN).trace(babble(0))
    trace = otoscope.load(folder, engine="ctranslate2", language="de", **PLAIN).trace(babble(0))
    assert trace.provenance.parameters["heard"][0]["language"] == "de"


def test_a_conversion_is_kept_and_made_anew_when_the_checkpoint_changes(tiny_checkpoint, tmp_path):
    import shutil

    folder = shutil.copytree(tiny_checkpoint("whisper", **KINDS["english"]), tmp_path / "w")
    first = converted(read_checkpoint(folder), tmp_path / "store")
    made = (first / "model.bin").stat().st_mtime_ns
    assert converted(read_checkpoint(folder), tmp_path / "store") == first
    assert (first / "model.bin").stat().st_mtime_ns == made
    path = folder / "generation_config.json"
    path.write_text(path.read_text().replace('"max_length": 448', '"max_length": 440'))
    assert converted(read_checkpoint(folder), tmp_path / "store") != first
    assert not list((tmp_path / "store" / ".ctranslate2").glob(".converting*"))
