"""Evaluating: counts against jiwer, breakdowns, subsets, what is refused, resuming, processes, latency."""

from __future__ import annotations

import json

import jiwer
import numpy as np
import pytest
from parrots import HEARD, TEXTS, StreamingParrot, hum

from otoscope.core import BadInput, OtoscopeError, Recording
from otoscope.corpora.manifest import read_manifest
from otoscope.io.audio import write_recording
from otoscope.io.jsonable import dumps
from otoscope.lexicon.normalization import normalize_words
from otoscope.recognizers.evaluation import Entrant, evaluate
from otoscope.recognizers.evaluation.hearing import CHUNK_S, delays_of
from otoscope.recognizers.evaluation.memory import peak_memory
from otoscope.recognizers.evaluation.texts import hypothesis_words, reference_words
from otoscope.signal.conditions import Condition

KEYS = {"wer", "rtf", "peak_memory_mb", "cer", "substitutions", "deletions", "insertions", "n_words", "load_s"}


def test_rates_are_those_of_jiwer(parrot, corpus):
    result = evaluate(parrot(), corpus, split="test")
    said = [" ".join(normalize_words(text)) for _, text in TEXTS.values()]
    heard = [HEARD[name] for name in TEXTS]
    theirs = jiwer.process_words(said, heard)
    assert result.wer == pytest.approx(theirs.wer)
    assert result.cer == pytest.approx(jiwer.cer(said, heard))
    row = result.as_json()
    assert (row["substitutions"], row["deletions"], row["insertions"]) == (
        theirs.substitutions,
        theirs.deletions,
        theirs.insertions,
    )
    assert row["n_words"] == sum(len(text.split()) for text in said)
    assert set(row) >= KEYS
    assert list(row)[:3] == ["wer", "rtf", "peak_memory_mb"]
    assert json.loads(dumps(row))["wer"] == result.wer


def test_both_sides_are_normalised_alike(parrot, corpus):
    shouted = {name: text.upper() for name, (_, text) in TEXTS.items()}
    assert evaluate(parrot(says=shouted), corpus).wer == 0.0


def test_breakdowns_pool_to_the_whole(parrot, corpus):
    result = evaluate(parrot(), corpus)
    for parts in result.parts.values():
        assert sum(part.n_words for part in parts) == result.words.n_reference
        assert sum(part.wer * part.n_words for part in parts) == pytest.approx(result.words.errors)
    assert [part.name for part in result.parts["by_speaker"]] == ["ann", "bob", "cid"]
    assert [part.name for part in result.parts["by_duration"]] == ["below 1 s", "1 to 2 s"]
    assert result.interval_over == "speakers"
    assert [one.utterance.id for one in result.empty] == ["u4"]
    assert result.worst(1)[0].utterance.id == "u2"


def test_what_is_refused_counts_as_heard_empty_and_is_named(parrot, corpus):
    says = {name: text for name, text in HEARD.items() if name != "u2"}
    result = evaluate(parrot(says=says), corpus)
    assert result.as_json()["refused"] == [{"id": "u2", "error": "nothing is known of u2"}]
    assert result.judged[1].rate.deletions == 7


def test_a_subset_is_drawn_by_its_seed(parrot, corpus):
    ids = [[one.utterance.id for one in evaluate(parrot(), corpus, limit=3, seed=s).judged] for s in (0, 0, 1, 2)]
    assert ids[0] == ids[1]
    assert len({tuple(each) for each in ids}) > 1
    assert all(each == sorted(each) and len(each) == 3 for each in ids)
    assert evaluate(parrot(), corpus, limit=3).n_available == 5
    with pytest.raises(BadInput, match="limit must be 1 or more"):
        evaluate(parrot(), corpus, limit=0)


def test_interrupted_work_goes_on_where_it_stopped(parrot, corpus, tmp_path):
    out = tmp_path / "kept"
    stopped = parrot(stop_after=4)  # one warms up
    with pytest.raises(KeyboardInterrupt):
        evaluate(stopped, corpus, out=out)
    with (out / "answers.jsonl").open("a", encoding="utf-8") as journal:
        journal.write('{"key": "torn')
    again = parrot()
    progress = []
    resumed = evaluate(again, corpus, out=out, progress=lambda *counts: progress.append(counts))
    assert again.n_heard == 1 + 2
    assert progress == [(4, 5), (5, 5)]
    whole = evaluate(parrot(), corpus)
    assert [one.heard.words for one in resumed.judged] == [one.heard.words for one in whole.judged]
    sessions = {
        json.loads(line)["session"] for line in (out / "answers.jsonl").read_text().split("\n") if "answer" in line
    }
    assert len(sessions) == 2
    third = parrot()
    known = evaluate(third, corpus, out=out)
    assert third.n_heard == 1
    assert known.cost.wall_s == resumed.cost.wall_s > 0


def test_answers_of_another_recogniser_or_condition_are_not_used(parrot, corpus, tmp_path):
    out = tmp_path / "kept"
    evaluate(parrot(), corpus, out=out)
    other = parrot(says=dict.fromkeys(HEARD, "so"))
    assert evaluate(other, corpus, out=out).judged[0].heard.words == ("so",)
    louder = parrot()
    evaluate(louder, corpus, out=out, condition=Condition("telephone"))
    assert louder.n_heard == 6


def test_texts_that_are_no_transcripts_are_refused(parrot, tmp_path):
    write_recording(hum(0.5, 0), tmp_path / "a.wav")
    manifest = "id\tpath\tspeaker\ttext\tduration_s\tsplit\na\ta.wav\tx\t%s\t0.5\ttest\n"
    (tmp_path / "manifest.tsv").write_text(manifest % 'orderDrink {"roast": "dark"}')
    with pytest.raises(BadInput, match="no error rate"):
        evaluate(parrot(), tmp_path)
    (tmp_path / "manifest.tsv").write_text(manifest % "…")
    with pytest.raises(BadInput, match="has a word in its text"):
        evaluate(parrot(), tmp_path)
    with pytest.raises(BadInput, match="no utterance of split 'valid'"):
        evaluate(parrot(), tmp_path, split="valid")


def test_marks_and_spoken_zeros():
    assert reference_words("digits: 1 0 5 5") == hypothesis_words("one oh double five", "digits: 1 0 5 5")
    assert hypothesis_words("oh double five", "address: 55") == ("oh", "double", "five")
    assert reference_words("address: 107 Crystal Lake Drive") == normalize_words("107 crystal lake drive")
    assert reference_words("notwake: wine glass") == ("wine", "glass")
    assert reference_words("digits: double") == ("double",)


def test_times_of_words_are_kept_where_they_match(parrot, corpus):
    judged = {one.utterance.id: one for one in evaluate(parrot(), corpus).judged}
    assert judged["u1"].heard.places[1] == pytest.approx((0.125, 0.25))
    assert all(not one.heard.places for one in evaluate(parrot(timed=False), corpus).judged)
    split = parrot(says={**HEARD, "u3": "22 ears"})
    heard = {one.utterance.id: one for one in evaluate(split, corpus).judged}["u3"].heard
    assert heard.words == ("twenty", "two", "ears")
    assert heard.places[0] == heard.places[1]


def test_delays_of_a_stream(corpus):
    utterance = read_manifest(corpus)[4]
    parrot = StreamingParrot("late", {"u5": "and so on and on"}, parameters={"whole_s": utterance.duration_s})
    found = delays_of(parrot, utterance, Condition())
    late = np.array(found.signal_delays_s)
    assert late.size == 5
    assert np.all(late[:-1] >= parrot.LATE_S - 1e-6)
    assert np.all(late[:-1] <= parrot.LATE_S + CHUNK_S + 1e-6)
    assert late[-1] == pytest.approx(0, abs=1e-6)
    assert np.all(np.array(found.delays_s) >= late)
    parrot.says = {"first": "so", **HEARD, "u5": "and so on and on"}
    assert evaluate(parrot, [utterance]).latency.summary()["n_words"] == 1


def test_a_stream_is_given_sound_at_its_own_rate(corpus):
    class Listening:
        name = "listening"
        stream_rate_hz = 8000

        def stream(self, chunks):
            self.sizes = [chunk.size for chunk in chunks]
            return iter(())

    utterance, listening = read_manifest(corpus)[4], Listening()
    delays_of(listening, utterance, Condition())
    assert listening.sizes[0] == CHUNK_S * 8000
    assert sum(listening.sizes) == pytest.approx(8000 * utterance.duration_s, abs=2)


def test_memory_of_two_processes_counts_shared_pages_once():
    import os
    import subprocess
    import sys

    code = "import numpy, sys; print('ready', flush=True); sys.stdin.read()"
    pair = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)
    ]
    try:
        for process in pair:
            process.stdout.readline()
        one, both = peak_memory([pair[0].pid]), peak_memory([process.pid for process in pair])
        assert one.shared_mb == 0
        assert both.sum_mb == pytest.approx(2 * one.sum_mb, rel=0.1)
        assert 0.05 * one.sum_mb < both.shared_mb < one.sum_mb
        assert peak_memory([os.getpid()]).needed_mb > 20
    finally:
        for process in pair:
            process.communicate()


def test_an_open_recogniser_works_alone(parrot, corpus):
    with pytest.raises(OtoscopeError, match="works in this process alone"):
        evaluate(parrot(), corpus, processes=2)
    with pytest.raises(BadInput, match="a recogniser is a name"):
        evaluate(3, corpus)
    assert Entrant.parse('x{"a": {"b": 1}}').label == "x (a b=1)"
    with pytest.raises(BadInput, match="a JSON object after the name"):
        Entrant.parse("x{a}")


def test_the_number_of_processes_changes_nothing(corpus):
    """The default digit recogniser in this process and in two of their own hears the same."""
    import otoscope

    here = evaluate(otoscope.load("ctc-digits"), corpus)
    there = evaluate("ctc-digits", corpus, processes=2)
    assert there.cost.n_processes == 2
    assert [one.heard.words for one in there.judged] == [one.heard.words for one in here.judged]
    assert there.provenance == here.provenance
    assert there.cost.peak_memory_mb > 100
    with pytest.raises(OtoscopeError, match="unknown recogniser"):
        evaluate("ctc-digit", corpus)


def test_long_recordings_are_cut_at_pauses(parrot, corpus, tmp_path):
    long = parrot(says={"long": "so"})
    recording = Recording(np.tile(hum(1.0, 0).samples, 70), 16000)
    write_recording(recording, tmp_path / "long.wav")
    manifest = "id\tpath\tspeaker\ttext\tduration_s\tsplit\nlong\tlong.wav\tx\tso so\t70\ttest\n"
    (tmp_path / "manifest.tsv").write_text(manifest)
    result = evaluate(long, tmp_path)
    assert result.judged[0].heard.words == ("so", "so")
    assert result.judged[0].heard.places[1][1] == pytest.approx(70.0)
