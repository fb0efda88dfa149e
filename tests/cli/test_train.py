"""`otoscope train`: list, options, JSON, exit codes, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from otoscope.cli.train import read_options
from otoscope.core import BadInput
from otoscope.recognizers.trainers import TRAINERS

TOYS = Path(__file__).parent.parent / "recognizers"


@pytest.fixture
def toys(monkeypatch):
    monkeypatch.syspath_prepend(str(TOYS))
    import toy_trainer

    monkeypatch.setitem(TRAINERS, "toy", toy_trainer.REFERENCE)
    return toy_trainer


def test_the_presets_are_listed(run):
    result = run("train", "list")
    assert result.code == 0
    assert "speech-transformer" in result.out
    listed = json.loads(run("train", "list", "--json").out)
    assert {info["name"] for info in listed} == set(TRAINERS)
    assert [info["year"] for info in listed] == sorted(info["year"] for info in listed)


def test_the_ears_of_the_listener_are_made(run, monkeypatch, tmp_path):
    from otoscope.listener.ears import making
    from otoscope.listener.ears.ears import Ears

    asked = []

    def make(data, folder, *, aligner, seed, progress, **options):
        asked.append((data, folder, hasattr(aligner, "align"), seed, options))
        return Ears.load()

    monkeypatch.setattr(making, "make", make)
    arguments = ("train", "listener-en", "n_spoken=20", "--corpus", tmp_path, "--out", tmp_path / "x", "--seed", "4")
    told = json.loads(run(*arguments, "--from", "earlier", "--epochs", "2", "--json").out)
    assert asked == [(tmp_path, tmp_path / "x", True, 4, {"n_spoken": 20, "epochs": 2, "start": "earlier"})]
    assert told["weights_sha256"] == Ears.load().sha256
    assert str(tmp_path / "x") in run(*arguments).out
    refused = run(*arguments, "--corpus", tmp_path)
    assert refused.code == 2
    assert "one folder" in refused.err


def test_a_preset_is_trained_and_opens_by_its_folder(run, toys, talk, tmp_path):
    corpus = toys.write_corpus(tmp_path / "corpus")
    arguments = (
        "train",
        "toy",
        "learning-rate=0.02",
        "--corpus",
        corpus,
        "--out",
        "mine",
        "--epochs",
        "1",
        "--seed",
        "2",
    )
    result = run(*arguments)
    assert result.code == 0, result.err
    assert "learnt from 4 utterances" in result.out
    told = json.loads(run(*arguments, "--json").out)
    assert told["options"] == {"learning_rate": 0.02, "epochs": 1}
    assert (told["preset"], told["seed"], told["out"]) == ("toy", 2, "mine")
    assert len(told["weights_sha256"]) == 64
    assert run("transcribe", talk, "--recognizer", tmp_path / "mine").code == 0


def test_the_model_to_begin_with_reaches_the_trainer_and_the_run_s_description(run, toys, tmp_path, monkeypatch):
    begun = []

    def train(corpus, valid, folder, *, start=None, **others):
        begun.append(start)
        return toys.train(corpus, valid, folder, **others)

    monkeypatch.setattr(toys, "train_further", train, raising=False)
    monkeypatch.setitem(TRAINERS, "toy", "toy_trainer:train_further")
    corpus = toys.write_corpus(tmp_path / "corpus")
    result = run("train", "toy", "--from", "some/model", "--corpus", corpus, "--out", "mine", "--epochs", "1", "--json")
    assert result.code == 0, result.err
    assert begun == ["some/model"]
    assert json.loads(result.out)["options"] == {"epochs": 1, "start": "some/model"}


def test_bad_input_ends_in_one_line_and_code_2(run, toys, tmp_path):
    corpus = toys.write_corpus(tmp_path / "corpus")
    untrained = toys.write_corpus(tmp_path / "untrained", splits=("test",))
    for arguments, says in (
        (("toi", "--corpus", corpus, "--out", "a"), "did you mean toy?"),
        (("toy", "--out", "a"), "--corpus is missing"),
        (("toy", "--corpus", corpus), "--out is missing"),
        (("toy", "--corpus", untrained, "--out", "a"), "no split 'train' to learn from"),
        (("toy", "width", "--corpus", corpus, "--out", "a"), "write name=value"),
        (("toy", "width=3", "--corpus", corpus, "--out", "a"), "no option 'width'; it has epochs"),
        (("toy", "--from", "model", "--corpus", corpus, "--out", "a"), "no option 'start'; it has epochs"),
        (("toy", "--corpus", corpus, "--out", "/proc/none"), "cannot make the folder"),
    ):
        result = run("train", *arguments)
        assert result.code == 2, arguments
        assert says in result.err
        assert result.err.count("\n") == 1


def test_options_are_read_as_what_they_are():
    assert read_options(["a=1", "b=x y", "c=[1,2]", "d=null", "e-f=-2.5"]) == {
        "a": 1,
        "b": "x y",
        "c": [1, 2],
        "d": None,
        "e_f": -2.5,
    }
    with pytest.raises(BadInput, match="stands twice"):
        read_options(["a=1", "a=2"])


def test_ctrl_c_keeps_what_was_learnt(toys, tmp_path):
    corpus, out = toys.write_corpus(tmp_path / "corpus"), tmp_path / "run"
    program = (
        f"import sys; sys.path.insert(0, {str(TOYS)!r}); import toy_trainer\n"
        "from otoscope.recognizers.trainers import TRAINERS; TRAINERS['toy'] = toy_trainer.REFERENCE\n"
        "from otoscope.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "train", "toy", "--corpus", str(corpus), "--out", str(out)]

    def start(*options):
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [*command, *options], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    process = start("--epochs", "500", "slow_s=0.01")
    end = time.monotonic() + 120
    while not (out / "history-digits.csv").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.count("\n") == 1
    assert f"what was learnt is kept in {out}" in err
    assert not [path for path in out.iterdir() if path.name.endswith(".part")]
    done = len((out / "history-digits.csv").read_text().splitlines()) - 1
    process = start("--epochs", "500", "slow_s=0.01")
    while "goes on in epoch" not in (out / "train.log").read_text():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=60)
    assert f"goes on in epoch {done} " in (out / "train.log").read_text()
