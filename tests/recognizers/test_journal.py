"""The journal keeps answers while work goes on, and takes away only what it wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from otoscope.core import Recording, Segment
from otoscope.recognizers.journal import Journal
from otoscope.testing import AdditiveRecognizer


@pytest.fixture
def toy() -> AdditiveRecognizer:
    return AdditiveRecognizer((Segment(0, 0.5), Segment(0.5, 1)), {"toy": (4.0, -2.0)})


@pytest.fixture
def recording() -> Recording:
    return Recording(np.ones(1000, np.float32), 1000)


def test_answers_are_read_again_after_a_failure(toy, recording, tmp_path: Path, monkeypatch):
    target = toy.trace(recording).target(0)
    cut_short = Journal(toy, tmp_path / "kept")
    first = cut_short.score([recording], [target])
    cut_short.__exit__(RuntimeError, RuntimeError("cut short"), None)
    monkeypatch.setattr(type(toy), "score", None)
    with Journal(toy, tmp_path / "kept") as engine:
        assert np.array_equal(engine.score([recording], [target]), first)
    assert not (tmp_path / "kept").exists()


def test_what_others_keep_in_the_folder_stays(toy, recording, tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    with Journal(toy, tmp_path) as engine:
        engine.score([recording], [engine.trace(recording).target(0)])
        assert (tmp_path / "scores.jsonl").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
