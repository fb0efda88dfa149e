"""`otoscope analyze`, `diagnose` and what `explain` adds: a page and files, or one clear line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from otoscope.cli import main
from otoscope.cli.parameters import read_column
from otoscope.core import BadInput
from otoscope.corpora.manifest import manifest_text
from otoscope.corpora.sample import sample_path
from otoscope.corpora.utterance import Utterance
from otoscope.explainers.analyses import ANALYSES

DIGITS = ["--recognizer", "ctc-digits"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    samples, rate_hz = soundfile.read(sample_path())
    soundfile.write("short.wav", samples[: 2 * rate_hz], rate_hz)
    return tmp_path


@pytest.fixture
def corpus(here):
    folder = here / "corpus"
    folder.mkdir()
    shutil.copy(here / "short.wav", folder / "a.wav")
    shutil.copy(here / "short.wav", folder / "b.wav")
    rows = [Utterance(n, folder / f"{n}.wav", "one two", n, "valid", 2.0) for n in "ab"]
    (folder / "manifest.tsv").write_text(manifest_text(rows, folder), encoding="utf-8")
    return folder


def refused(capsys, *arguments: str) -> str:
    assert main([*map(str, arguments)]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("otoscope: ")
    return line


def test_the_list_names_every_analysis_and_what_can_be_set(capsys):
    assert main(["analyze", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == sorted(ANALYSES)
    assert main(["analyze", "list"]) == 0
    told = capsys.readouterr().out
    assert "progress" not in told
    assert "plan" not in told.split()


def test_labels_come_from_a_column_of_the_corpus(corpus, here):
    (corpus / "speakers.tsv").write_text("speaker\tsex\na\tf\nb\tm\nc\t\n", encoding="utf-8")
    assert read_column(corpus, "sex") == {"a": "f", "b": "m"}
    assert read_column(corpus, "speaker") == {"a": "a", "b": "b"}
    with pytest.raises(BadInput, match=r"no table of .* has a column 'age'; they have .*sex"):
        read_column(corpus, "age")


def test_an_analysis_of_a_recording_leaves_a_page_and_files(here, capsys):
    arguments = ["analyze", "lens", "short.wav", *DIGITS, "--export", "out", "--json", "--set", "reference=one two"]
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["page"] == "short.lens.html"
    assert Path("short.lens.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert {"lens.json", "lens.csv"} <= {path.name for path in Path("out").iterdir()}
    assert told["table"]


def test_a_list_may_be_given_with_commas(here, capsys):
    arguments = ["analyze", "decision-regions", "short.wav", *DIGITS, "--json", "--set", "n=2"]
    assert main([*arguments, "--set", "axes=level,snr", "--set", "labels=one, two"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["provenance"]["plane"] == "level-snr"
    assert {row["text"] for row in found["table"]} <= {"one", "two"}
    refused_line = refused(capsys, "analyze", "response", "short.wav", *DIGITS, "--set", "levels=0,loud")
    assert "levels must be numbers with commas between, got '0,loud'" in refused_line


def test_a_corrupted_recording_of_another_length_is_fitted_and_told(here, capsys):
    samples, rate_hz = soundfile.read("short.wav")
    soundfile.write("longer.wav", np.concatenate([samples[::-1], samples[:400]]), rate_hz)
    arguments = ["analyze", "activation-patching", "short.wav", *DIGITS, "--set", "corrupted=longer.wav"]
    assert main([*arguments, "--set", "stretches=2"]) == 0
    assert "corrupted: cut from" in capsys.readouterr().err


def test_a_diagnosis_of_a_corpus_counts_its_errors(corpus, capsys):
    assert main(["diagnose", str(corpus), *DIGITS, "--no-noise", "--examples", "1"]) == 0
    told = capsys.readouterr().out
    assert "word errors in 4 words" in told
    assert "<audio controls" in Path("corpus.diagnosis.html").read_text(encoding="utf-8")
    assert main(["diagnose", str(corpus), *DIGITS, "--no-noise", "--limit", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["provenance"]["n_words"] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lense", "short.wav"], "did you mean lens"),
        (["lens"], "needs an audio file"),
        (["lens", "missing.wav"], "missing.wav"),
        (["lens", "."], "needs an audio file, got the folder"),
        (["probing", "short.wav", "--set", "task=word"], "needs the folder of a corpus"),
        (["probing", "."], "needs task"),
        (["lens", "short.wav", "--set", "depth=3"], "takes no depth; it takes reference, sites, into"),
        (["lens", "short.wav", "--set", "progress=3"], "takes no progress"),
        (["lens", "short.wav", "--set", "seed=3"], "takes no seed"),
        (["lens", "short.wav", "--set", "reference=3"], "reference of lens must be None or str, got 3"),
        (["lens", "short.wav", "--set", "reference"], "give NAME=VALUE"),
        (["lens", "short.wav", "--split", "test"], "--split and --limit are for analyses of a corpus"),
        (["circuit", "short.wav"], "ctc-digits has neither attention heads"),
    ],
)
def test_what_cannot_be_done_is_one_line(here, capsys, arguments, words):
    assert words in refused(capsys, "analyze", *arguments, *DIGITS)
    assert not list(here.glob("*.html"))


def test_explain_takes_analyses_along_and_writes_files(here, capsys):
    arguments = ["explain", "short.wav", *DIGITS, "--also", "lens", "--export", "out", "--n-masks", "40", "--json"]
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert [finding["name"] for finding in told["findings"]] == ["lens"]
    assert "More about why" in Path(told["page"]).read_text(encoding="utf-8")
    names = {path.name for path in Path("out").iterdir()}
    assert {"short.json", "short.csv", "short.svg", "short.TextGrid", "lens.json"} <= names


def explained(capsys, *arguments):
    assert main(["explain", "short.wav", *DIGITS, "--n-masks", "40", "--no-listener", *arguments]) == 0
    return capsys.readouterr().out


def test_explain_takes_tokens_and_the_whole_text(here, capsys):
    heard = json.loads(explained(capsys, "--json"))["heard"]
    (token,) = json.loads(explained(capsys, "--token", "0", "--json"))["words"]
    assert token["word"] == heard[0]
    assert token["start_s"] is not None
    assert "outside" not in explained(capsys, "--utterance", "--rather-than", "nine nine")
    (whole,) = json.loads(explained(capsys, "--utterance", "--json"))["words"]
    assert (whole["word"], whole["start_s"]) == (heard, None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rather-than", "two"], "--rather-than needs one --word, --token or --utterance"),
        (["--utterance", "--token", "0"], "give one of --word, --token, --utterance and --probe"),
        (["--token", "99"], "token 99 was asked for"),
        (["--label", "x"], "--label needs --probe"),
        (["--also", "probing"], "analysis probing needs a corpus"),
        (["--methods", "lime,shapley"], "add --judge"),
        (["--judge"], "--judge compares methods"),
        (["--unit", "features"], "give SITE:NUMBER"),
        (["--unit", "features:²"], "give SITE:NUMBER"),
        (["--unit", "nowhere:0"], "unknown site 'nowhere'"),
    ],
)
def test_explain_refuses_in_one_line(here, capsys, arguments, words):
    assert words in refused(capsys, "explain", "short.wav", *DIGITS, *arguments)


def test_a_silent_file_is_refused(here, capsys):
    soundfile.write("silent.wav", np.zeros(16000), 16000)
    assert "silent" in refused(capsys, "analyze", "lens", "silent.wav", *DIGITS)
