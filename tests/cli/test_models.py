"""`otoscope models`: the same names and defaults as the library, JSON, one line for whatever goes wrong."""

from __future__ import annotations

import ast
import inspect
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from otoscope.cli import models as verbs
from otoscope.recognizers.checkpoints import downloading, models
from otoscope.testing.hub import LocalHub, local_hub

VERBS = ("get", "list", "verify", "remove")
WEIGHTS = "model.safetensors"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A hub on this machine with one model, and a store of the test's own; for other processes too."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OTOSCOPE_MODELS", str(tmp_path / "store"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(downloading, "PAUSES_S", ())
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "wav2vec2", "architectures": ["Wav2Vec2ForCTC"]}')
    (folder / "vocab.json").write_text('{"a": 0}')
    save_file({"head.weight": np.random.default_rng(0).standard_normal(100_000)}, folder / WEIGHTS)
    with local_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        running.publish("ann/letters", folder)
        yield running


@pytest.mark.parametrize("verb", VERBS)
def test_same_defaults_as_the_library(verb):
    library = inspect.signature(getattr(models, verb)).parameters
    command = inspect.signature(getattr(verbs, verb)).parameters
    shared = [name for name in command if name in library]
    assert shared
    for name in shared:
        assert command[name].default == library[name].default, name


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_json_and_help(run, verb):
    result = run("models", verb, "--help")
    assert result.code == 0
    assert "--json" in result.out
    assert "--store" in result.out
    assert verb in run("models", "--help").out
    assert "models" in run("--help").out


def test_get_list_verify_remove(run, hub):
    result = run("models", "get", "ann/letters")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("ann/letters at commit ")
    assert "0.8 MB, mit: " in result.out
    listed = run("models", "list")
    assert (listed.code, listed.err) == (0, "")
    assert "ann/letters" in listed.out
    assert "wav2vec2" in listed.out
    verified = run("models", "verify")
    assert (verified.code, verified.err) == (0, "")
    assert verified.out.splitlines()[-1] == "1 models, 0 damaged"
    removed = run("models", "remove", "ann/letters")
    assert (removed.code, removed.err) == (0, "")
    assert removed.out.startswith("removed ann/letters at commit")
    assert "no models in" in run("models", "list").out


def test_json(run, hub, tmp_path):
    got = json.loads(run("models", "get", "ann/letters@main", "--store", tmp_path / "own", "--json").out)
    assert (got["name"], got["model_type"], list(got["revisions"])) == ("ann/letters", "wav2vec2", ["main"])
    assert {file["name"] for file in got["files"]} == {"config.json", "vocab.json", WEIGHTS}
    assert got["size"] == sum(file["size"] for file in got["files"])
    assert json.loads(run("models", "list", "--store", tmp_path / "own", "--json").out) == [got]
    assert json.loads(run("models", "list", "--json").out) == []
    [verdict] = json.loads(run("models", "verify", "ann/letters", "--store", tmp_path / "own", "--json").out)
    assert (verdict["intact"], verdict["problems"]) == (True, [])
    assert json.loads(run("models", "remove", "ann/letters", "--store", tmp_path / "own", "--json").out) == [got]


def test_a_damaged_model_is_exit_code_1(run, hub):
    run("models", "get", "ann/letters")
    [path] = Path(os.environ["OTOSCOPE_MODELS"]).rglob(WEIGHTS)
    path.write_bytes(path.read_bytes()[:-1])
    result = run("models", "verify")
    assert result.code == 1
    assert f"{WEIGHTS} has " in result.out
    assert result.out.splitlines()[-1] == "1 models, 1 damaged"
    told = run("models", "verify", "ann/letters", "--json")
    assert told.code == 1
    assert json.loads(told.out)[0]["intact"] is False
    assert run("models", "get", "ann/letters").code == 0
    assert run("models", "verify").code == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["get", "bob/letters"], "has no model 'bob/letters'"),
        (["get", "ann/letters", "--revision", "v9"], "has no revision 'v9'"),
        (["get", "letters"], "is no name of a model on the hub"),
        (["get", "ann/letters", "--language", "fra"], "has no adapters of languages"),
        (["verify", "ann/letters"], "otoscope models get ann/letters"),
        (["remove", "ann/letters"], "is not in the store"),
    ],
)
def test_one_line_and_exit_code_2(run, hub, arguments, why):
    result = run("models", *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert why in result.err


@pytest.mark.parametrize("trouble", ["gate", "spoil", "answer", "cut", "dead"])
def test_whatever_goes_wrong_nothing_is_listed(run, hub, monkeypatch, trouble):
    if trouble == "gate":
        hub.gate.add("ann/letters")
    elif trouble == "spoil":
        hub.spoil.add(WEIGHTS)
    elif trouble == "answer":
        hub.answer = 500
    elif trouble == "cut":
        hub.cut[WEIGHTS] = [300_000, 0]
    else:
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    result = run("models", "get", "ann/letters")
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert json.loads(run("models", "list", "--json").out) == []


def test_ctrl_c_is_exit_code_130_and_the_same_command_goes_on(run, spawn, hub):
    hub.stall[WEIGHTS] = 300_000
    process = spawn("models", "get", "ann/letters")
    store = Path(os.environ["OTOSCOPE_MODELS"])
    deadline = time.monotonic() + 60
    while not any(part.stat().st_size == 300_000 for part in store.rglob("*.part")):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert (
        err == "otoscope: interrupted; what was fetched of ann/letters is kept; the same command goes on from there\n"
    )
    hub.release.set()
    assert "no models in" in run("models", "list").out
    hub.requests.clear()
    assert run("models", "get", "ann/letters").code == 0
    assert hub.asked_for(WEIGHTS) == ["bytes=300000-", "bytes=300000-"]
    assert run("models", "verify").code == 0


def test_only_get_reaches_the_network_and_only_the_hub(hub):
    script = (
        "import sys\nreached = set()\n"
        "def note(event, found):\n"
        "    if event == 'socket.connect': reached.add(found[1][:2])\n"
        "sys.addaudithook(note)\n"
        "from otoscope.cli import main\n"
        "for arguments in (['list'], ['get', 'ann/letters'], ['list'], ['verify'], ['remove', 'ann/letters']):\n"
        "    reached.clear()\n"
        "    code = main(['models', *arguments])\n"
        "    print(arguments[0], code, sorted(reached), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    told = [line.split(" ", 2) for line in done.stderr.splitlines()]
    assert [(verb, code) for verb, code, _ in told] == [(v, "0") for v in ("list", "get", "list", "verify", "remove")]
    port = int(hub.address.rpartition(":")[2])
    assert set(ast.literal_eval(told[1][2])) <= {("127.0.0.1", port), ("::1", port)}
    assert told[1][2] != "[]"
    assert all(reached == "[]" for verb, _, reached in told if verb != "get")


def test_stored_models_are_among_the_recognizers(run, hub):
    run("models", "get", "ann/letters")
    assert "ann/letters" in [row["name"] for row in json.loads(run("recognizers", "--json").out)]
