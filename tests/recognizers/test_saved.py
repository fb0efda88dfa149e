"""The folder format that all families share: what was written comes back, what is damaged is refused by name."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from otoscope.core import BadInput, CannotWrite, CorruptWeights
from otoscope.recognizers import saved
from otoscope.recognizers.saved import SavedFormat, sha256_of

ONE = SavedFormat("otoscope.somewhere:One", ("card",), "weights.bin")
MANY = SavedFormat("otoscope.somewhere:Many", ("card", "phones"), indent=None)
FILES = {"a.bin": b"\x00heard", "b.txt": "gehört".encode()}
FIELDS = {"card": {"name": "ü"}, "phones": ["AH"]}


def test_one_file_and_its_hash_come_back(tmp_path: Path) -> None:
    ONE.write(tmp_path / "new" / "folder", {"weights.bin": b"weights"}, {"card": {"name": "x"}})
    description, files = ONE.read(tmp_path / "new" / "folder")
    assert files == {"weights.bin": b"weights"}
    assert list(description) == ["schema", "class", "weights", "weights_sha256", "card"]
    assert description["weights_sha256"] == hashlib.sha256(b"weights").hexdigest() == sha256_of(b"weights")


def test_several_files_come_back_by_name(tmp_path: Path) -> None:
    MANY.write(tmp_path, FILES, FIELDS)
    description, files = MANY.read(os.fspath(tmp_path))
    assert files == FILES
    assert description == {
        "schema": 1,
        "class": "otoscope.somewhere:Many",
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()},
        **FIELDS,
    }


def test_the_same_recogniser_gives_the_same_bytes(tmp_path: Path) -> None:
    MANY.write(tmp_path, FILES, FIELDS)
    first = (tmp_path / "recognizer.json").read_bytes()
    assert first.count(b"\n") == 1
    assert "ü".encode() in first
    MANY.write(tmp_path, FILES, FIELDS)
    assert (tmp_path / "recognizer.json").read_bytes() == first


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"schema": 2}, BadInput, "has schema 2; this version reads up to 1: update otoscope"),
        ({"schema": "2"}, CorruptWeights, "is damaged: its schema is '2', no number"),
        (
            {"class": "otoscope.somewhere:One"},
            BadInput,
            "describes otoscope.somewhere:One, not otoscope.somewhere:Many",
        ),
        (
            {"sha256": {"a.bin": "0" * 64}},
            CorruptWeights,
            r"a.bin is not the file its card names \(SHA-256 .*expected 0",
        ),
        ({"sha256": 5}, CorruptWeights, "is damaged: it names no files with their SHA-256"),
        ({"sha256": {"a.bin": None}}, CorruptWeights, "is damaged: it names no files with their SHA-256"),
        ({"sha256": {"c.bin": "0"}}, CorruptWeights, "has no readable c.bin: No such file"),
    ],
)
def test_another_description_is_refused(tmp_path: Path, change: dict[str, Any], error: Any, message: str) -> None:
    MANY.write(tmp_path, FILES, FIELDS)
    path = tmp_path / "recognizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(error, match=message):
        MANY.read(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "holds no readable recognizer.json: No such file"),
        (b"{", "recognizer.json is damaged"),
        (b"\xff", "recognizer.json is damaged"),
        (b"5", "lacks schema, class, sha256, card, phones"),
        (b'["schema"]', "lacks schema, class, sha256, card, phones"),
        (b'{"schema": 1, "class": "x", "card": 0}', "lacks sha256, phones"),
    ],
)
def test_a_damaged_description_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "recognizer.json").write_bytes(content)
    with pytest.raises(CorruptWeights, match=message) as caught:
        MANY.read(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("weights", [None, ["weights.bin"]])
def test_weights_without_a_name_are_refused(tmp_path: Path, weights: Any) -> None:
    ONE.write(tmp_path, {"weights.bin": b"weights"}, {"card": {}})
    path = tmp_path / "recognizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "weights": weights}))
    with pytest.raises(CorruptWeights, match="names no files"):
        ONE.read(tmp_path)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(CannotWrite, match="a file is in the way"):
        MANY.write(tmp_path / "taken", FILES, FIELDS)


def test_a_save_cut_short_leaves_no_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise CannotWrite(f"no room for {path}")

    monkeypatch.setattr(saved, "write_bytes", full)
    with pytest.raises(CannotWrite, match="no room"):
        MANY.write(tmp_path, FILES, FIELDS)
    assert not (tmp_path / "recognizer.json").exists()


def test_a_version_too_old_is_refused_with_the_reason(tmp_path: Path) -> None:
    MANY.write(tmp_path, FILES, FIELDS)
    now = dataclasses.replace(MANY, schema=3, since=2, older=" that did otherwise")
    with pytest.raises(BadInput, match="was saved by an earlier version that did otherwise"):
        now.read(tmp_path)
    assert dataclasses.replace(now, since=1).read(tmp_path)[1] == FILES
