"""A run's folder: plan, history, log, corpus and machine; event files of TensorBoard."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest
from training_tasks import Signs, made

from otoscope.core import CannotWrite, MissingExtra
from otoscope.nets.training import TrainingPlan, train
from otoscope.nets.training.provenance import describe_corpus, describe_machine
from otoscope.nets.training.run_folder import RunFolder


@dataclass(frozen=True)
class Said:
    id: str
    path: Path
    text: str
    speaker: str
    duration_s: float


def test_a_folder_tells_how_a_run_went(tmp_path):
    plan = TrainingPlan(epochs=2, learning_rate=0.02)
    folder = RunFolder(tmp_path / "run")
    folder.describe({"seed": 3})
    history = train(made(), Signs(), plan, checkpoint=tmp_path / "tagger.pt", observers=[folder])
    assert json.loads((tmp_path / "run/plan-tagger.json").read_text()) == {**asdict(plan), "betas": [0.9, 0.999]}
    rows = [line.split(",") for line in (tmp_path / "run/history-tagger.csv").read_text().splitlines()]
    assert rows[0] == ["epoch", "train_loss", "valid_loss"]
    assert [float(row[1]) for row in rows[1:]] == list(history.train_losses)
    kept = json.loads((tmp_path / "run/history-tagger.json").read_text())
    assert (tuple(kept["valid_losses"]), kept["best_epoch"]) == (history.valid_losses, history.best_epoch)
    log = (tmp_path / "run/train.log").read_text()
    assert "tagger: 2 epochs of" in log
    assert "tagger: epoch 1 over, train" in log
    again = RunFolder(tmp_path / "run")
    again.describe({"seed": 4})
    told = json.loads((tmp_path / "run/run.json").read_text())
    assert (told["seed"], told["before"]) == (4, [{"seed": 3}])


def test_a_corpus_is_known_by_its_words_and_its_sound(tmp_path):
    for name in "ab":
        (tmp_path / name).write_bytes(name.encode() * 50)
    rows = [Said(name, tmp_path / name, f"says {name}", "s", 1.8) for name in "ab"]
    first = describe_corpus(rows)
    assert (first["n_utterances"], first["n_speakers"], first["hours"]) == (2, 1, pytest.approx(0.001))
    other_words = describe_corpus([rows[0], replace(rows[1], text="says c")])
    assert other_words["said_sha256"] != first["said_sha256"]
    assert other_words["sound_sha256"] == first["sound_sha256"]
    (tmp_path / "b").write_bytes(b"c" * 50)
    other_sound = describe_corpus(rows)
    assert other_sound["said_sha256"] == first["said_sha256"]
    assert other_sound["sound_sha256"] != first["sound_sha256"]


def test_the_machine_is_described():
    told = describe_machine(["otoscope", "train"])
    assert told["command"] == ["otoscope", "train"]
    assert told["versions"]["torch"]
    assert told["commit"] is None or len(told["commit"].removesuffix("+")) == 40


def test_event_files_hold_loss_and_rate(tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    plan = TrainingPlan(epochs=2, learning_rate=0.02)
    train(made(), Signs(), plan, observers=[RunFolder(tmp_path, tensorboard=True)])
    found = events.EventAccumulator(str(tmp_path / "tensorboard/network"))
    found.Reload()
    assert {"loss/running", "rate", "gradient_norm", "loss/train", "loss/valid"} <= set(found.Tags()["scalars"])
    assert len(found.Scalars("loss/train")) == 2


def test_missing_tensorboard_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtra, match=r"otoscope\[train\]"):
        RunFolder(tmp_path, tensorboard=True)


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(CannotWrite, match="a file is in the way"):
        RunFolder(tmp_path / "run")
