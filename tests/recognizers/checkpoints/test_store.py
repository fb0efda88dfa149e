"""The store without a network: what is in it, whether it is intact, and away with it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from otoscope.core import BadInput, CorruptWeights, UnknownName
from otoscope.recognizers import load, recognizers
from otoscope.recognizers.checkpoints import models
from otoscope.recognizers.checkpoints.derived import conversion_path, derived_from, heads_path
from otoscope.recognizers.checkpoints.folder import read_checkpoint
from otoscope.recognizers.checkpoints.record import RECORD, StoredFile, StoredModel, read_record
from otoscope.recognizers.checkpoints.store import PARTIAL, NotStored, find, store_folder

FIRST, SECOND = "a" * 40, "b" * 40


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OTOSCOPE_MODELS", str(tmp_path / "store"))
    return tmp_path / "store"


def put(
    store: Path, name: str = "ann/letters", commit: str = FIRST, *, revision: str = "main", date: str = "2026-01-01"
) -> StoredModel:
    """Put a model into the store as `get` does."""
    folder = store / name / commit
    folder.mkdir(parents=True)
    header = b'{"__metadata__": {}}'
    contents = {
        "config.json": b'{"model_type": "wav2vec2", "architectures": ["Wav2Vec2Model"]}',
        "model.safetensors": len(header).to_bytes(8, "little") + header,
    }
    for file, data in contents.items():
        (folder / file).write_bytes(data)
    files = tuple(StoredFile(file, len(data), hashlib.sha256(data).hexdigest()) for file, data in contents.items())
    model = StoredModel(name, commit, {revision: date}, "wav2vec2", files, "mit", "https://huggingface.co", folder)
    model.write(folder)
    return model


def test_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store_folder(tmp_path) == tmp_path
    monkeypatch.setenv("OTOSCOPE_MODELS", "~/models")
    assert store_folder() == Path.home() / "models"
    monkeypatch.delenv("OTOSCOPE_MODELS")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store_folder() == tmp_path / "otoscope" / "models"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert store_folder() == Path.home() / ".cache" / "otoscope" / "models"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert store_folder() == Path.home() / "Library" / "Caches" / "otoscope" / "models"


def test_an_empty_store_is_no_folder_yet(store: Path) -> None:
    assert models.list() == models.verify() == ()
    assert not store.exists()


def test_listing_is_by_name_and_the_newest_first(store: Path) -> None:
    old = put(store, date="2026-01-01")
    new = put(store, commit=SECOND, date="2026-02-01")
    other = put(store, "bob/phones")
    assert models.list() == (new, old, other)
    assert models.list(store=store) == (new, old, other)
    assert read_record(old.folder) == old


def test_what_is_fetched_by_half_is_not_there(store: Path) -> None:
    model = put(store)
    half = store / PARTIAL / "bob--phones" / SECOND
    half.mkdir(parents=True)
    (half / RECORD).write_text((model.folder / RECORD).read_text())
    unfinished = store / "eve" / "phones" / SECOND
    unfinished.mkdir(parents=True)
    (unfinished / "config.json").write_text("{}")
    assert models.list() == (model,)


def test_finding(store: Path) -> None:
    main = put(store, commit=FIRST, date="2026-01-01")
    tag = put(store, commit=SECOND, revision="v1", date="2026-02-01")
    assert find("ann/letters") == main
    assert find("ann/letters@v1") == find("ann/letters", revision="v1") == find("ann/letters@bbbbbbb") == tag
    with pytest.raises(NotStored, match=r"ann/letters@v2 is not .* \(there: main, v1\).*get ann/letters --revision v2"):
        find("ann/letters@v2")
    with pytest.raises(NotStored, match=r"@bbb is not"):
        find("ann/letters@bbb")
    with pytest.raises(UnknownName, match=r"get it with: otoscope models get bob/phones$"):
        find("bob/phones")
    with pytest.raises(BadInput, match="is no name of a model"):
        find("../elsewhere/x")


def test_without_main_the_last_one_counts(store: Path) -> None:
    put(store, commit=FIRST, revision="v1", date="2026-01-01")
    last = put(store, commit=SECOND, revision="v2", date="2026-02-01")
    assert find("ann/letters") == last


def test_verify_names_each_file_that_is_not_as_it_was(store: Path) -> None:
    good, bad = put(store), put(store, "bob/phones")
    weights = bad.folder / "model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + b" ")
    (bad.folder / "config.json").unlink()
    (bad.folder / "pytorch_model.bin").write_bytes(b"slipped in")
    steps: list[tuple[int, int]] = []
    verdicts = models.verify(progress=lambda done, total: steps.append((done, total)))
    assert [(verdict.name, verdict.intact) for verdict in verdicts] == [("ann/letters", True), ("bob/phones", False)]
    missing, changed, extra = verdicts[1].problems
    assert missing == "config.json is missing"
    assert changed.startswith("model.safetensors has SHA-256")
    assert extra == "pytorch_model.bin was not fetched"
    whole = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
    assert steps[-1] == (whole, whole)
    assert len(steps) == 5
    assert steps == sorted(steps)
    assert models.verify("ann/letters") == verdicts[:1]
    weights.write_bytes(data + b" ")
    assert f"has {len(data) + 1:,} bytes instead of {len(data):,}" in models.verify("bob/phones")[0].problems[1]
    assert good.commit == FIRST
    with pytest.raises(NotStored):
        models.verify("eve/phones")


def test_verify_sees_a_change_of_the_same_size_and_time(store: Path) -> None:
    import os

    model = put(store)
    path = model.folder / "model.safetensors"
    assert read_checkpoint(model.folder).sha256
    state = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert not models.verify("ann/letters")[0].intact


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": 1}', '{"schema": 99}'])
def test_a_damaged_record(store: Path, content: str) -> None:
    model = put(store)
    (model.folder / RECORD).write_text(content)
    assert RECORD in models.verify()[0].problems[0]
    with pytest.raises(BadInput, match=RECORD):
        models.list()


def test_a_record_that_points_elsewhere_is_damaged(store: Path) -> None:
    model = put(store)
    said = json.loads((model.folder / RECORD).read_text())
    said["files"][0]["name"] = "../../../config.json"
    (model.folder / RECORD).write_text(json.dumps(said))
    with pytest.raises(CorruptWeights, match="a file outside its folder"):
        models.list()


def test_remove(store: Path) -> None:
    first, second, other = put(store), put(store, commit=SECOND, revision="v1"), put(store, "ann/phones")
    assert models.remove("ann/letters@v1") == (second,)
    assert models.list() == (first, other)
    half = store / PARTIAL / "ann--letters" / SECOND
    half.mkdir(parents=True)
    (half / "model.safetensors.part").write_bytes(b"half")
    assert models.remove("ann/letters") == (first,)
    assert models.list() == (other,)
    assert not (store / "ann" / "letters").exists()
    assert not list((store / PARTIAL).iterdir())
    with pytest.raises(NotStored, match="ann/letters is not in the store"):
        models.remove("ann/letters")
    half.mkdir(parents=True)
    assert models.remove("ann/letters") == ()
    assert not half.exists()
    models.remove("ann/phones")
    assert not (store / "ann").exists()


def test_remove_takes_what_was_made_from_a_model_along(store: Path) -> None:
    model, other = put(store), put(store, "ann/phones")
    (other.folder / "model.safetensors").write_bytes(b"other")
    files = (other.files[0], StoredFile("model.safetensors", 5, hashlib.sha256(b"other").hexdigest()))
    dataclasses.replace(other, files=files).write(other.folder)
    kept = []
    for each in (model, read_record(other.folder)):
        assert each is not None
        said = {file.name: file.sha256 for file in each.files}
        heads = heads_path(store, said["model.safetensors"])
        made = [
            conversion_path(store, {"config.json": said["config.json"]}, said["model.safetensors"], version)
            for version in ("4.7", "4.8")
        ]
        for folder in made:
            folder.mkdir(parents=True)
            (folder / "model.bin").write_bytes(b"0")
        heads.parent.mkdir(exist_ok=True)
        heads.write_text("{}")
        assert derived_from(store, each) == (heads, *made)
        kept.append((heads, *made))
    models.remove("ann/letters")
    assert not any(path.exists() for path in kept[0])
    assert all(path.exists() for path in kept[1])
    assert not list((store / PARTIAL).iterdir())


def test_a_stored_model_knows_where_it_is_from(store: Path) -> None:
    model = put(store)
    checkpoint = read_checkpoint(model.folder)
    assert (checkpoint.name, checkpoint.revision) == ("ann/letters", FIRST)
    assert checkpoint.sha256 == model.files[1].sha256


def test_other_weights_than_were_fetched_are_refused(store: Path) -> None:
    model = put(store)
    header = b'{"__metadata__": {"a": "b"}}'
    (model.folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(CorruptWeights, match=r"is not the file that was fetched .*otoscope models get ann/letters"):
        _ = read_checkpoint(model.folder).sha256


def test_stored_models_are_listed_among_the_recognizers(store: Path) -> None:
    put(store)
    put(store, "bob/phones", SECOND, revision="v1")
    added = recognizers()[-2:]
    assert [(info.name, info.family, info.year, info.ready) for info in added] == [
        ("ann/letters", "wav2vec 2.0", 2020, True),
        ("bob/phones@bbbbbbb", "wav2vec 2.0", 2020, True),
    ]
    assert added[0].description == "From the hub at commit aaaaaaa, 0 MB, licence mit."
    assert find(added[1].name).name == "bob/phones"


def test_listing_them_imports_nothing_heavy(store: Path) -> None:
    put(store)
    script = (
        "import sys; from otoscope.recognizers import recognizers; print([i.name for i in recognizers()][-1]); "
        "heavy = 'torch', 'transformers', 'huggingface_hub', 'safetensors', 'httpx2', 'httpx', 'ssl'; "
        "print([m for m in heavy if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.splitlines() == ["ann/letters", "[]"]


def test_load_says_how_to_get_what_is_not_there(store: Path) -> None:
    with pytest.raises(UnknownName, match=r"openai/whisper-tiny is not in the store .*: otoscope models get openai/wh"):
        load("openai/whisper-tiny")
    with pytest.raises(UnknownName, match=r"otoscope models get ann/letters --revision v1"):
        load("ann/letters@v1")
    with pytest.raises(UnknownName, match="unknown recogniser 'nonsense'"):
        load("nonsense")
    with pytest.raises(UnknownName, match="unknown recogniser '/no/such/folder'"):
        load("/no/such/folder")
