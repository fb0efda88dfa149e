"""The folder of a saved recogniser: `recognizer.json` says what opens it, and names its files with their SHA-256.

A family says once what its folder holds (`SavedFormat`), hands over the bytes of its files to be written, and gets
them back checked.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otoscope.core import BadInput, CorruptWeights
from otoscope.io.writing import make_folder, write_bytes, write_text
from otoscope.recognizers.registry import CARD


@dataclass(frozen=True)
class SavedFormat:
    """What the folder of a family holds.

    Parameters
    ----------
    opened_by
        `"module:Class"` whose `load(folder)` opens it.
    keys
        What the description must hold besides schema, class and hashes.
    weights
        Name of the only other file, whose hash then stands at `weights_sha256`; `None` where there are several, whose
        hashes stand by name at `sha256`.
    schema
        Number of the layout; a higher one is refused.
    since, older
        The lowest schema that is read, and what is said of the version that wrote a lower one.
    indent
        Of the description.
    """

    opened_by: str
    keys: tuple[str, ...]
    weights: str | None = None
    schema: int = 1
    since: int = 1
    older: str = ""
    indent: int | None = 1

    def write(self, folder: str | os.PathLike[str], files: Mapping[str, bytes], fields: Mapping[str, Any]) -> None:
        """Write files by name and a description with `fields` of JSON values; the folder is made if need be.

        The description comes last, so that a save that was cut short is noticed.

        Raises
        ------
        CannotWrite
            There is no room or no permission.
        """
        path = make_folder(folder)
        for name, data in files.items():
            write_bytes(path / name, data)
        digests = {name: sha256_of(data) for name, data in files.items()}
        named: dict[str, Any] = {"sha256": digests}
        if self.weights is not None:
            named = {"weights": self.weights, "weights_sha256": digests[self.weights]}
        description = {"schema": self.schema, "class": self.opened_by, **named, **fields}
        write_text(path / CARD, json.dumps(description, indent=self.indent, ensure_ascii=False) + "\n")

    def read(self, folder: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Return the description and the files that it names, by name.

        Raises
        ------
        CorruptWeights
            A file is missing or damaged, or not the one that the description names.
        BadInput
            The folder was written by a newer version or one too old, or holds another kind of recogniser.
        """
        path = Path(folder)
        description = self._description(path / CARD)
        named = [(description["weights"], description["weights_sha256"])] if self.weights else _items(description)
        if not all(isinstance(value, str) for pair in named for value in pair):
            raise CorruptWeights(f"{path / CARD} is damaged: it names no files with their SHA-256")
        return description, {name: _checked(path / name, digest) for name, digest in named}

    def _description(self, path: Path) -> dict[str, Any]:
        try:
            description: Any = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise CorruptWeights(f"{path.parent} holds no readable {CARD}: {error.strerror}") from error
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise CorruptWeights(f"{path} is damaged: {error}") from error
        hashes = ("sha256",) if self.weights is None else ("weights", "weights_sha256")
        needed = ("schema", "class", *hashes, *self.keys)
        if missing := [key for key in needed if not (isinstance(description, dict) and key in description)]:
            raise CorruptWeights(f"{path} lacks {', '.join(missing)}")
        schema = description["schema"]
        if not isinstance(schema, int):
            raise CorruptWeights(f"{path} is damaged: its schema is {schema!r}, no number")
        if schema > self.schema:
            raise BadInput(f"{path} has schema {schema}; this version reads up to {self.schema}: update otoscope")
        if description["class"] != self.opened_by:
            raise BadInput(f"{path} describes {description['class']}, not {self.opened_by}")
        if schema < self.since:
            raise BadInput(f"{path} was saved by an earlier version{self.older}")
        return dict(description)


def _items(description: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    digests = description["sha256"]
    return list(digests.items()) if isinstance(digests, dict) else [(None, digests)]


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _checked(path: Path, digest: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorruptWeights(f"{path.parent} has no readable {path.name}: {error.strerror}") from error
    if (found := sha256_of(data)) != digest:
        raise CorruptWeights(
            f"{path} is not the file its card names (SHA-256 {found[:12]}…, expected {str(digest)[:12]}…); get it anew"
        )
    return data
