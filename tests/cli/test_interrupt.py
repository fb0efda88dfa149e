"""Ctrl-C: exit code 130, one line, and what was finished before is kept."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
import soundfile


def interrupt_when(process, condition, *, within_s: float = 60.0) -> tuple[str, str]:
    """Send what Ctrl-C sends, to the whole foreground group, once `condition` holds."""
    end = time.monotonic() + within_s
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "the moment to interrupt never came"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    return process.communicate(timeout=60)


def test_finished_transcripts_stay(spawn, talk, tmp_path: Path):
    samples, rate = soundfile.read(talk)
    files = [tmp_path / f"{index}.wav" for index in range(40)]
    for path in files:
        soundfile.write(path, samples, rate)
    output = tmp_path / "out"
    output.mkdir()
    process = spawn("transcribe", *files, "--output", output)
    _, err = interrupt_when(process, (output / "0.txt").exists)
    assert process.returncode == 130
    assert err.count("\n") == 1
    assert "interrupted" in err
    assert "kept" in err
    assert (output / "0.txt").read_text().strip()
    assert len(list(output.iterdir())) < len(files)


def test_an_interrupted_explanation_goes_on_where_it_stopped(spawn, talk, tmp_path: Path):
    arguments = ("explain", talk, "--n-masks", "64", "--segments", "words")
    journal = tmp_path / "talk.explain.partial" / "scores.jsonl"
    process = spawn(*arguments, cwd=tmp_path)
    _, err = interrupt_when(process, lambda: journal.exists() and journal.stat().st_size > 0, within_s=120)
    assert process.returncode == 130, err
    assert err.count("\n") == 1, err
    kept = journal.read_text()
    assert not (tmp_path / "talk.explain.html").exists()

    finished = spawn(*arguments, cwd=tmp_path)
    _, err = finished.communicate(timeout=300)
    assert finished.returncode == 0, err
    assert kept.startswith("{")
    assert (tmp_path / "talk.explain.html").stat().st_size > 10_000
    assert not journal.parent.exists(), "nothing unfinished is left once the page is written"


def test_an_interrupted_experiment_goes_on_where_it_stopped(spawn, tmp_path: Path):
    pytest.importorskip("espeakng_loader", reason="speech is synthesised with the extra synth")
    lexicon = tmp_path / "small.tsv"
    lexicon.write_text("word\tphones\tper_million\nseven\tS EH V AH N\t50\nsad\tS AE D\t20\n", "utf-8")
    items = tmp_path / "items.csv"
    items.write_text("item,word\n" + "".join(f"{n},{('seven', 'sad')[n % 2]}\n" for n in range(60)), "utf-8")
    arguments = ("experiment", "noise", items, "--lexicon", lexicon, "-o", tmp_path / "out")
    journal = tmp_path / "out" / "trials.jsonl"
    process = spawn(*arguments)
    _, err = interrupt_when(process, lambda: journal.exists() and journal.stat().st_size > 0, within_s=120)
    assert process.returncode == 130, err
    assert err.count("\n") == 1, err
    assert "are kept in" in err
    kept = journal.read_text("utf-8")
    n_kept = len(kept.splitlines())
    assert n_kept < 60
    assert not (tmp_path / "out" / "index.html").exists()

    finished = spawn(*arguments)
    _, err = finished.communicate(timeout=300)
    assert finished.returncode == 0, err
    assert len((tmp_path / "out" / "trials.csv").read_text("utf-8").splitlines()) == 1 + 60 * 5
    assert journal.read_text("utf-8").startswith(kept[: kept.rindex("\n") + 1])
