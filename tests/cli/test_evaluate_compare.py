"""`otoscope evaluate` and `compare` from the command line: JSON keys, kept answers, the page, bad input, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer

from otoscope.cli import compare, evaluate, study


@pytest.fixture(autouse=True)
def verbs(monkeypatch):
    """The verbs of this file on an application of their own."""
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    for verb in (evaluate, compare, study):
        verb.register(app)
    monkeypatch.setattr("otoscope.cli.app.app", app)


@pytest.fixture
def corpus(talk: Path, tmp_path: Path) -> Path:
    """Three pieces of the sample recording, said to be digits."""
    folder = tmp_path / "pieces"
    folder.mkdir()
    samples, rate = soundfile.read(talk, dtype="float32")
    rows = ["id\tpath\tspeaker\ttext\tduration_s\tsplit"]
    for index, text in enumerate(("1 2", "three", "four five")):
        soundfile.write(folder / f"{index}.wav", samples[index * rate // 2 :][: rate // 2], rate)
        rows.append(f"p{index}\t{index}.wav\ts{index}\t{text}\t0.5\ttest")
    (folder / "manifest.tsv").write_text("\n".join(rows) + "\n")
    return folder


def test_json_has_the_three_keys_first_and_leaves_nothing_behind(run, corpus, tmp_path):
    result = run("evaluate", "ctc-digits", "--corpus", corpus, "--split", "test", "--processes", 1, "--json")
    assert result.code == 0, result.err
    found = json.loads(result.out)
    assert list(found)[:3] == ["wer", "rtf", "peak_memory_mb"]
    assert all(isinstance(found[key], float) for key in ("wer", "rtf", "peak_memory_mb"))
    assert found["n_words"] == 5
    assert found["n_processes"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["pieces"]


@pytest.mark.slow
def test_compare_prints_its_tables_and_writes_its_page(run, corpus, tmp_path):
    import otoscope

    otoscope.load("ctc-digits").save(tmp_path / "mine")
    page, out = tmp_path / "page.html", tmp_path / "kept"
    result = run("compare", "ctc-digits", tmp_path / "mine", "--corpus", corpus, "--html", page, "--out", out)
    assert result.code == 0, result.err
    assert "They differ in 0 places of 0 utterances" in result.out
    assert "the same words everywhere" in page.read_text()
    assert json.loads((out / "comparison.json").read_text())["pairs"][0]["p_corrected"] == 1.0
    assert {path.name for path in out.iterdir()} == {"1-ctc-digits", "2-mine", "comparison.json"}


def test_bad_input_is_one_line(run, corpus, tmp_path):
    for arguments, words in (
        (("evaluate", "ctc-digit", "--corpus", corpus), "did you mean ctc-digits"),
        (("evaluate", "ctc-digits", "--corpus", corpus, "--split", "valid"), "has no utterance of split 'valid'"),
        (("evaluate", "ctc-digits", "--corpus", tmp_path / "none"), "none"),
        (("evaluate", 'ctc-digits{"a"', "--corpus", corpus), "JSON object"),
        (
            ("compare", "ctc-digits", "ctc-digits{}", "--corpus", corpus),
            "two of the recognisers are called 'ctc-digits'",
        ),
        (("compare", "ctc-digits", "--corpus", corpus), "two recognisers or more"),
        (("compare", "a", "b", "--corpus", corpus, "--html", tmp_path / "no" / "p.html"), "there is no folder"),
        (("study", "digits", "--set", "epochs"), "give NAME=VALUE"),
    ):
        result = run(*arguments)
        assert result.code == 2, arguments
        assert words in result.err
        assert result.err.count("\n") == 1
        assert result.out == ""


def test_names_and_defaults_are_those_of_the_library():
    import inspect

    from otoscope.recognizers import evaluation

    for verb in (evaluate, compare):
        name = verb.__name__.rpartition(".")[2]
        command = inspect.signature(getattr(verb, name)).parameters
        library = inspect.signature(getattr(evaluation, name)).parameters
        shared = set(command) & set(library)
        assert {"split", "limit", "seed", "processes", "out"} <= shared
        for each in shared:
            assert command[each].default == library[each].default


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_heard(spawn, tmp_path):
    """The digit recogniser over 400 noises is stopped on its way; the same command then finishes the rest."""
    folder = tmp_path / "many"
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows = ["id\tpath\tspeaker\ttext\tduration_s\tsplit"]
    for index in range(400):
        soundfile.write(folder / f"{index}.wav", 0.1 * rng.normal(size=16000), 16000)
        rows.append(f"n{index}\t{index}.wav\ts\tone\t1.0\ttest")
    (folder / "manifest.tsv").write_text("\n".join(rows) + "\n")
    code = "from otoscope.cli import evaluate, app, main; evaluate.register(app.app); raise SystemExit(main())"
    import subprocess
    import sys

    def start():
        command = [sys.executable, "-c", code, "evaluate", "ctc-digits", "--corpus", "many", "--out", "kept", "--json"]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=tmp_path
        )

    process, journal = start(), tmp_path / "kept" / "answers.jsonl"
    end = time.monotonic() + 120
    while not (journal.exists() and journal.read_text().count("\n") > 20):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "kept in kept" in err
    n_kept = journal.read_text().count('"answer"')
    assert 0 < n_kept < 400
    again = start()
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, err
    assert json.loads(out)["n_utterances"] == 400
    assert journal.read_text().count('"answer"') == 400
    assert (tmp_path / "kept" / "evaluation.json").is_file()
