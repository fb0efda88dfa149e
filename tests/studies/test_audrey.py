"""The study `audrey` on a made-up corpus of sweeps: its rows, its counts, and that tested digits are no templates."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, Recording
from otoscope.io.audio import write_recording
from otoscope.studies import audrey

HEADING = "id\tpath\tspeaker\ttext\tduration_s\tsplit"
N_SAID = 4


def sweep(digit, rng):
    t = np.arange(int(2600 * rng.uniform(0.9, 1.1))) / 8000
    low, high = 250 + 60 * digit, 1100 + 250 * ((3 * digit) % 10)
    course = 1 + 0.3 * (digit % 3 - 1) * t / t[-1]
    sound = 0.3 * np.sin(2 * np.pi * low * t * course) + 0.15 * np.sin(2 * np.pi * high * t / course)
    return (sound * np.hanning(t.size) ** 0.2 + 0.001 * rng.standard_normal(t.size)).astype(np.float32)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("digits"), np.random.default_rng(0)
    rows = [HEADING]
    for speaker, split in (("ann", "train"), ("bob", "valid"), ("cat", "test")):
        for digit in range(10):
            for k in range(N_SAID):
                name = f"{digit}_{speaker}_{k}"
                write_recording(Recording(sweep(digit, rng), 8000), folder / f"{name}.wav")
                rows.append(f"{name}\t{name}.wav\t{speaker}\t{digit}\t0.4\t{split}")
    (folder / "manifest.tsv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def result(corpus):
    return audrey.run(corpus, n_templates=2)


def test_every_speaker_is_tested_on_what_is_no_template(result):
    main = [row for row in result.table if row["what"] == "recogniser with rejection"]
    assert [(row["speaker"], row["split"]) for row in main] == [("ann", "train"), ("bob", "valid"), ("cat", "test")]
    assert all(row["n"] == 10 * (N_SAID - 2) for row in main)
    assert all(row["right"] > 0.8 for row in main)
    assert all(row["right_low"] <= row["right"] <= row["right_high"] for row in result.table)
    singles = [r for r in result.table if r["templates_a_digit"] == 1]
    assert all(row["n"] == 10 * (N_SAID - 1) for row in singles)
    assert len(singles) == 3
    assert {row["variant"] for row in result.table} == set(audrey.VARIANTS)


def test_pictures_hold_what_was_counted(result):
    kinds = [panel.kind for panel in result.panels]
    assert kinds == ["bars", "lines", "table", "lines", *["table"] * 4]
    confusions = np.array([row[1:] for row in result.panels[2].data["rows"]])
    main = [row for row in result.table if row["what"] == "recogniser with rejection"]
    assert confusions.sum() == sum(row["n"] for row in main)
    assert np.trace(confusions) == round(sum(row["right"] * row["n"] for row in main))
    shares = np.array([[float(cell) for cell in row[1:]] for row in result.panels[4].data["rows"]])
    assert shares.sum() == pytest.approx(100, abs=5)
    assert "of 3 speakers reach 99 %" in result.summary


def test_too_few_utterances_are_named(corpus):
    with pytest.raises(BadInput, match="ann says a digit 4 times; 4 templates leave none to test"):
        audrey.run(corpus, n_templates=4)
    with pytest.raises(BadInput, match="n_templates must be 2 or more"):
        audrey.run(corpus, n_templates=1)
