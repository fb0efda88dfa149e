"""What the store writes down of a model: where it is from, at which commit, and every file with its size and hash."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otoscope.core import BadInput, CorruptWeights
from otoscope.io.writing import write_text

RECORD = "otoscope-model.json"
"""The record's name, beside the files it describes."""

SCHEMA = 1

COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class StoredFile:
    """One file of a model.

    Parameters
    ----------
    name
        In the model's folder.
    size
        Bytes.
    sha256
        Hexadecimal digits.
    """

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class StoredModel:
    """A model in the store, complete and with its hashes checked when it was fetched.

    Parameters
    ----------
    name
        Name on the hub, `owner/name`.
    commit
        The commit it was fetched at, 40 hexadecimal digits.
    revisions
        Each revision that was asked for and meant this commit, with when (ISO 8601, UTC).
    model_type
        As its `config.json` says.
    files
        All of them.
    licence
        As its model card says; `None` where it says nothing.
    endpoint
        Address of the hub.
    folder
        Where it lies.
    """

    name: str
    commit: str
    revisions: Mapping[str, str]
    model_type: str
    files: tuple[StoredFile, ...]
    licence: str | None
    endpoint: str
    folder: Path

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files)

    @property
    def fetched(self) -> str:
        """When it was last asked for."""
        return max(self.revisions.values())

    def write(self, folder: str | os.PathLike[str]) -> None:
        """Write the record into a folder, whole or not at all; raises `CannotWrite`."""
        said = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "folder"}
        said["files"] = [dataclasses.asdict(file) for file in self.files]
        said["revisions"] = dict(self.revisions)
        text = json.dumps({"schema": SCHEMA, **said}, indent=1, ensure_ascii=False)
        write_text(Path(folder) / RECORD, text + "\n")


def read_record(folder: str | os.PathLike[str]) -> StoredModel | None:
    """Return the record in a folder, `None` where there is none.

    Raises
    ------
    CorruptWeights
        The record is damaged.
    BadInput
        A newer version wrote it.
    """
    path = Path(folder) / RECORD
    try:
        said: Any = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise CorruptWeights(f"{path} is damaged: {error}; remove that folder and get the model anew") from None
    try:
        if said["schema"] > SCHEMA:
            raise BadInput(f"{path} has schema {said['schema']}; this version reads up to {SCHEMA}: update otoscope")
        return _understood(said, Path(folder))
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptWeights(f"{path} is damaged ({error!r}); remove that folder and get the model anew") from None


def _understood(said: Mapping[str, Any], folder: Path) -> StoredModel:
    files = tuple(StoredFile(str(f["name"]), int(f["size"]), str(f["sha256"])) for f in said["files"])
    revisions = {str(name): str(date) for name, date in said["revisions"].items()}
    if not (files and revisions and COMMIT.fullmatch(said["commit"])):
        raise ValueError("no files, revisions or commit")
    if any(os.path.basename(file.name) != file.name for file in files):
        raise ValueError("a file outside its folder")
    licence = None if said["licence"] is None else str(said["licence"])
    endpoint = str(said["endpoint"])
    return StoredModel(
        str(said["name"]), said["commit"], revisions, str(said["model_type"]), files, licence, endpoint, folder
    )
