"""Files that a run makes once: each with a note beside it that holds the fingerprint of all it was made from.

A run that was stopped finds what it had finished; one on other data or with other settings is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otoscope.core import BadInput, CorruptWeights
from otoscope.io.writing import make_folder, write_bytes, write_text
from otoscope.recognizers.saved import sha256_of


@dataclass(frozen=True)
class KeptFiles:
    """The finished steps of the run in a folder, in `stages/` there."""

    folder: Path

    def path(self, name: str) -> Path:
        """Return where the file of a step lies."""
        return self.folder / "stages" / name

    def kept(self, name: str, made_from: Mapping[str, Any], make: Callable[[], bytes]) -> bytes:
        """Return the bytes of a file of the run, made and written down first if it is not finished.

        Parameters
        ----------
        made_from
            JSON values that name all that the file depends on.

        Raises
        ------
        BadInput
            The file was made from something else.
        CorruptWeights
            It is damaged.
        """
        path, note = self.path(name), self.path(f"{name}.made")
        if not note.exists():
            data = make()
            make_folder(path.parent)
            write_bytes(path, data)
            write_text(note, json.dumps({"fingerprint": fingerprint(made_from), "sha256": sha256_of(data)}) + "\n")
        try:
            found, data = json.loads(note.read_text(encoding="utf-8")), path.read_bytes()
            other, damaged = found["fingerprint"] != fingerprint(made_from), found["sha256"] != sha256_of(data)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CorruptWeights(f"{path} is damaged: {error}; remove {note}, and it is made again") from error
        if other:
            raise BadInput(
                f"{path} is of a run on other data or with other settings; name another folder, or remove {self.folder}"
            )
        if damaged:
            raise CorruptWeights(f"{path} is damaged: it is not what was written; remove {note}, and it is made again")
        return data


def fingerprint(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 of JSON values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
