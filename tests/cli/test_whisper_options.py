"""`--language`, `--task` and `--prompt` reach models that know them; others say so."""

from __future__ import annotations

import json

import numpy as np
import pytest

from otoscope.core import Recording
from otoscope.core.trace import Trace

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from otoscope.testing import tiny_whisper

    return tiny_whisper(tmp_path_factory.mktemp("whisper") / "tiny")


@pytest.fixture
def heard(monkeypatch):
    """What recognisers were asked to be while they heard."""
    from otoscope.recognizers.whisper import WhisperRecognizer

    seen = []

    def note(self, recording: Recording, *, record=()) -> Trace:
        seen.append(self.options)
        return original(self.with_options(most_tokens=4), recording, record=record)

    original = WhisperRecognizer.trace
    monkeypatch.setattr(WhisperRecognizer, "trace", note)
    return seen


def test_they_reach_whisper(run, talk, folder, heard):
    told = ["--language", "german", "--task", "translate", "--prompt", "Wien, Ötscher"]
    done = run("transcribe", talk, "--recognizer", folder, "--json", *told)
    assert done.code == 0, done.err
    json.loads(done.out)
    (options,) = heard
    assert (options.language, options.task, options.prompt) == ("de", "translate", "Wien, Ötscher")


def test_without_them_a_model_does_as_it_does(run, talk, folder, heard):
    assert run("transcribe", talk, "--recognizer", folder).code == 0
    (options,) = heard
    assert (options.language, options.task, options.prompt) == (None, "transcribe", None)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (["--language", "klingon"], "unknown language 'klingon'"),
        (["--task", "sing"], "unknown task 'sing'"),
        (["--prompt", "<|en|>"], "text may not hold special tokens"),
    ],
)
def test_what_whisper_cannot_do_is_said_in_one_line(run, talk, folder, told, said):
    for verb in ("transcribe", "explain"):
        done = run(verb, talk, "--recognizer", folder, *told)
        assert done.code == 2
        assert said in done.err
        assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize("verb", ["transcribe", "explain"])
@pytest.mark.parametrize("option", ["language", "task", "prompt"])
def test_recognisers_that_know_no_such_option_say_so(run, talk, verb, option):
    done = run(verb, talk, "--recognizer", "ctc-digits", f"--{option}", "en")
    assert done.code == 2
    assert f"recogniser 'ctc-digits' takes no --{option}; leave it out, or use a Whisper model" in done.err


def test_explain_advises_to_give_the_language_that_was_detected(folder):
    from otoscope import load
    from otoscope.cli.explain_summary import language_advice

    recording = Recording(np.sin(np.arange(8000, dtype=np.float32)), 16000)
    recognizer = load(folder, most_tokens=2)
    code = recognizer.trace(recording).provenance.parameters["heard"][0]["language"]
    assert f"--language {code} keeps it the same" in language_advice(recognizer.trace(recording))
    assert language_advice(recognizer.with_options(language=code).trace(recording)) is None
