"""Doubts where users see them: a tier beside the words of a file, on the command line too."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from otoscope.core import Interval, NotAble, Recording, Tier
from otoscope.io.audio import write_recording
from otoscope.recognizers.files import transcribe_file
from otoscope.recognizers.whisper.recognizer import WhisperRecognizer


@pytest.fixture
def noise(tmp_path):
    samples = 0.05 * np.random.default_rng(0).standard_normal(32000)
    path = tmp_path / "noise.wav"
    write_recording(Recording(samples.astype(np.float32), 16000), path)
    return path


@pytest.fixture(scope="module")
def recognizer(tiny_checkpoint):
    from otoscope.recognizers.checkpoints.opening import open_checkpoint

    return open_checkpoint(tiny_checkpoint("whisper"), language="en", most_tokens=12, most_no_speech=None)


def test_words_in_doubt_stand_in_a_tier_of_their_own(recognizer, noise):
    found = transcribe_file(recognizer, noise, doubts=True)
    assert [tier.name for tier in found.tiers] == ["words", "doubts"]
    words, doubts = found.tiers
    assert len(words) > 0
    assert len(doubts) > 0  # a net of random weights on noise
    for doubt in doubts:
        assert any((w.start_s, w.end_s) == (doubt.start_s, doubt.end_s) for w in words)
        assert "made up?" in doubt.label
        assert 0.0 < doubt.score <= 1.0
    assert [tier.name for tier in transcribe_file(recognizer, noise).tiers] == ["words"]


def test_who_has_no_doubts_says_so(noise):
    class Sure:
        name = "sure"

        def trace(self, recording, *, record=()):
            raise AssertionError("asked too late")

    with pytest.raises(NotAble, match="'sure' cannot doubt"):
        transcribe_file(Sure(), noise, doubts=True)


def test_command_line_writes_them_as_json(tiny_checkpoint, noise, monkeypatch):
    from typer.testing import CliRunner

    from otoscope.cli.app import app

    tier = Tier("doubts", (Interval(0.1, 0.2, "so: made up? no voice", score=0.9),))
    monkeypatch.setattr(WhisperRecognizer, "doubts", lambda self, heard: tier)
    folder = tiny_checkpoint("whisper")
    done = CliRunner().invoke(app, ["transcribe", str(noise), "--recognizer", str(folder), "--doubts", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads([line for line in done.output.splitlines() if line.startswith("{")][-1])
    assert told["tiers"][1]["intervals"][0]["label"] == "so: made up? no voice"


def test_words_in_doubt_are_an_analysis_that_can_stand_on_the_page_of_an_explanation(recognizer, noise, tmp_path):
    from otoscope.explainers.analyses import analysis, subject_of
    from otoscope.recognizers.journal import Journal
    from otoscope.views.findings import findings_html

    recording, doubts = Recording.read(noise), analysis("doubts")
    assert subject_of(doubts) == "recording"
    trace = recognizer.trace(recording)
    with Journal(recognizer, tmp_path / "journal") as kept:
        found = doubts(kept, recording)
    assert [row["word"] for row in found.table] == list(trace.hypothesis.words)
    n_made_up = sum(row["made_up"] for row in found.table)
    assert n_made_up > 0
    assert found.summary.startswith(f"{n_made_up} of {len(trace.words)} words that")
    page = findings_html([found], title="noise")
    assert "Words in doubt" in page
    assert "probability of speech there is" in page
    json.dumps(dict(found.provenance))
    with pytest.raises(NotAble, match="'sure' cannot doubt"):
        doubts(SimpleNamespace(name="sure"), recording)
