"""`train`: presets by name, runs that say how to repeat them, and clear words for what cannot be."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from otoscope.core import BadInput, CannotWrite, CorruptWeights, Interrupted, NotAble, UnknownName
from otoscope.core.late import resolve
from otoscope.recognizers import load
from otoscope.recognizers import trainers as trainers_module
from otoscope.recognizers import training as presets
from otoscope.recognizers.trainers import TRAINERS, trainers
from otoscope.recognizers.training import read_splits, train


@pytest.fixture
def toys(monkeypatch):
    """Register the toy family, importable by its reference."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import toy_trainer

    monkeypatch.setitem(TRAINERS, "toy", toy_trainer.REFERENCE)
    return toy_trainer


def test_every_preset_has_a_card_and_every_ready_one_a_trainer():
    infos = {info.name: info for info in trainers()}
    assert set(infos) == set(TRAINERS) == set(trainers_module._CARDS)
    for name, info in infos.items():
        assert info.description.endswith(".")
        assert info.year >= 1952
        try:
            trainer = resolve(TRAINERS[name])
        except (AttributeError, ModuleNotFoundError):
            with pytest.raises(NotAble, match="is not part of this installation"):
                presets._trainer(name)
        else:
            assert callable(trainer)
            assert info.ready


def test_a_run_leaves_what_is_needed_to_repeat_it(toys, tmp_path):
    corpus = toys.write_corpus(tmp_path / "corpus")
    recognizer = train("toy", corpus, out=tmp_path / "run", seed=3, epochs=1)
    told = json.loads((tmp_path / "run/run.json").read_text())
    assert (told["preset"], told["seed"], told["options"]) == ("toy", 3, {"epochs": 1})
    assert told["train"]["n_utterances"] == told["valid"]["n_utterances"] == 4
    assert told["weights_sha256"] == recognizer.provenance.weights_sha256
    assert told["finished"]
    assert told["versions"]["torch"]
    assert {"plan-digits.json", "history-digits.csv", "train.log"} <= {
        path.name for path in (tmp_path / "run").iterdir()
    }
    again = load(tmp_path / "run")
    assert again.provenance.weights_sha256 == recognizer.provenance.weights_sha256
    other = train("toy", corpus, out=tmp_path / "other", seed=3, epochs=1)
    assert other.provenance.weights_sha256 == recognizer.provenance.weights_sha256


def test_a_finished_run_is_opened_and_another_is_refused(toys, tmp_path, monkeypatch):
    corpus = toys.write_corpus(tmp_path / "corpus")
    first = train("toy", corpus, out=tmp_path / "run", epochs=1)
    monkeypatch.setattr(toys, "train", None)
    monkeypatch.setattr(presets, "_trainer", lambda preset: lambda corpus, valid, folder, **options: 1 / 0)
    again = train("toy", corpus, out=tmp_path / "run", epochs=1)
    assert again.provenance.weights_sha256 == first.provenance.weights_sha256
    with pytest.raises(BadInput, match="holds a run with another seed, options"):
        train("toy", corpus, out=tmp_path / "run", epochs=2, seed=1)
    (corpus / "train0.wav").write_bytes((corpus / "train1.wav").read_bytes())
    with pytest.raises(BadInput, match="with another train; name another folder"):
        train("toy", corpus, out=tmp_path / "run", epochs=1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").write_text("dear")
    with pytest.raises(BadInput, match="is not empty and holds no training run"):
        train("toy", corpus, out=tmp_path / "full", epochs=1)


def test_an_interrupted_run_goes_on_to_the_same_weights(toys, tmp_path):
    corpus = toys.write_corpus(tmp_path / "corpus")
    calm = train("toy", corpus, out=tmp_path / "calm", epochs=3)

    def press(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match=r"what was learnt is kept in .*run; the same command goes on"):
        train("toy", corpus, out=tmp_path / "run", epochs=3, progress=press)
    again = train("toy", corpus, out=tmp_path / "run", epochs=3)
    assert again.provenance.weights_sha256 == calm.provenance.weights_sha256
    kept = [(tmp_path / run / "history-digits.csv").read_text() for run in ("calm", "run")]
    assert kept[0] == kept[1]
    assert "goes on in epoch 2" in (tmp_path / "run/train.log").read_text()


def test_a_broken_checkpoint_is_named(toys, tmp_path):
    corpus = toys.write_corpus(tmp_path / "corpus")
    with pytest.raises(Interrupted):
        train(
            "toy", corpus, out=tmp_path / "run", progress=lambda done, total: (_ for _ in ()).throw(KeyboardInterrupt)
        )
    (tmp_path / "run/digits.pt").write_bytes(b"half a")
    with pytest.raises(CorruptWeights, match=r"digits.pt is not a readable checkpoint; remove it to start anew"):
        train("toy", corpus, out=tmp_path / "run")


def test_what_cannot_be_learnt_is_said_before_anything_is_written(toys, tmp_path):
    corpus = toys.write_corpus(tmp_path / "corpus")
    untrained = toys.write_corpus(tmp_path / "untrained", splits=("test",))
    no_valid = toys.write_corpus(tmp_path / "no-valid", splits=("train",))
    same = toys.write_corpus(tmp_path / "same", speaker="anna")
    out = tmp_path / "run"
    for arguments, error, says in (
        (("toi", corpus), UnknownName, "did you mean toy"),
        (
            ("toy", untrained),
            BadInput,
            r"has no split 'train' to learn from, nor 'valid' to validate on; it has 'test'",
        ),
        (("toy", no_valid), BadInput, r"validation split 'valid'; there are 'train'.* 'none' to learn without"),
        (("toy", same), BadInput, r"speaker 'anna' stands in splits"),
        (("toy", []), BadInput, "no corpus is named"),
        (("toy", tmp_path / "nowhere"), BadInput, "nowhere"),
    ):
        with pytest.raises(error, match=says):
            train(*arguments, out=out)
    with pytest.raises(BadInput, match=r"no option 'n_unit'; it has epochs, slow_s, learning_rate"):
        train("toy", corpus, out=out, n_unit=3)
    assert not out.exists()
    train("toy", [no_valid, corpus], out=out, epochs=1)
    assert len(read_splits([no_valid], valid_split="none")[1]) == 0


def test_a_full_disk_is_said_in_one_line(toys, tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(toys, "train", lambda corpus, valid, folder, *, seed, progress: full())
    with pytest.raises(CannotWrite, match="the disk is full; make room for"):
        train("toy", toys.write_corpus(tmp_path / "corpus"), out=tmp_path / "run")
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="a file is in the way"):
        train("toy", tmp_path / "corpus", out=tmp_path / "file")


def test_a_trainer_that_saves_nothing_is_found_out(toys, tmp_path, monkeypatch):
    monkeypatch.setattr(toys, "train", lambda corpus, valid, folder, *, seed, progress: None)
    with pytest.raises(BadInput, match=r"left no recognizer.json"):
        train("toy", toys.write_corpus(tmp_path / "corpus"), out=tmp_path / "run")


def test_listing_imports_no_family():
    import subprocess

    command = "from otoscope.recognizers.trainers import trainers; trainers(); import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not {"torch", "numba", "otoscope.nets", "scipy"} & loaded


def test_several_networks_have_a_history_each(toys, tmp_path):
    train("toy", toys.write_corpus(tmp_path / "corpus"), out=tmp_path / "run", epochs=2)
    rows = np.loadtxt(tmp_path / "run/history-digits.csv", delimiter=",", skiprows=1)
    assert rows.shape == (2, 3)
    assert np.isfinite(rows).all()
