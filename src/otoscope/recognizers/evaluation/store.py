"""Answers written down as they come, so that interrupted work goes on where it stopped.

A folder holds `answers.jsonl`, a line an answer. Answers are found by a key made of everything they depend on, never by
their order; a line torn by a kill is passed over.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from otoscope.core import CannotWrite, Provenance
from otoscope.corpora.utterance import Utterance
from otoscope.io.jsonable import dumps
from otoscope.io.writing import make_folder
from otoscope.signal.conditions import Condition

ANSWERS = "answers.jsonl"


class Store:
    """Keeps answers in a folder, or in memory alone where `folder` is `None`; use it as a context manager.

    Parameters
    ----------
    folder
        Made when the first answer comes.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._entries: dict[str, dict[str, Any]] = {}
        self._file: IO[str] | None = None
        self._session = secrets.token_hex(6)
        self._began = time.perf_counter()

    def __enter__(self) -> Store:
        if self.folder is not None and (self.folder / ANSWERS).is_file():
            for line in (self.folder / ANSWERS).read_text(encoding="utf-8").splitlines():
                try:
                    entry = json.loads(line)
                    self._entries[entry["key"]] = entry
                except (ValueError, KeyError, TypeError):  # torn by a kill
                    continue
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def start_clock(self) -> None:
        """Begin to count the time of this run."""
        self._began = time.perf_counter()

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def get(self, key: str) -> dict[str, Any]:
        """Return a kept answer."""
        answer: dict[str, Any] = self._entries[key]["answer"]
        return answer

    def put(self, key: str, answer: dict[str, Any]) -> None:
        """Write an answer down, with the time this run has taken so far.

        Raises
        ------
        CannotWrite
            The folder cannot be written to.
        """
        elapsed_s = time.perf_counter() - self._began
        self._entries[key] = {"key": key, "answer": answer, "session": self._session, "elapsed_s": elapsed_s}
        if self.folder is None:
            return
        try:
            if self._file is None:
                make_folder(self.folder)
                self._file = (self.folder / ANSWERS).open("a", encoding="utf-8")
                self._file.write("\n")  # whatever was torn before ends here
            self._file.write(dumps(self._entries[key], indent=None))
            self._file.flush()
        except OSError as error:
            raise CannotWrite(f"cannot keep finished work in {self.folder}: {error.strerror}") from error

    def wall_s(self, keys: Sequence[str]) -> float:
        """Return wall-clock seconds, summed over the runs that gave these answers.

        The time of a run is that from its start to the last of these answers.
        """
        ends_s: dict[str, float] = {}
        for entry in (self._entries[key] for key in keys):
            ends_s[entry["session"]] = max(ends_s.get(entry["session"], 0.0), entry["elapsed_s"])
        return sum(ends_s.values())

    def clear(self) -> None:
        """Remove what was kept, and the folder unless somebody keeps something else in it."""
        self.__exit__(None, None, None)
        if self.folder is not None:
            with contextlib.suppress(OSError):
                (self.folder / ANSWERS).unlink(missing_ok=True)
                self.folder.rmdir()


def key_of(kind: str, provenance: Provenance, utterance: Utterance, condition: Condition) -> str:
    """Return the key of an answer: recogniser, utterance with its file's size and date, condition.

    `seconds` and delays depend on the machine too: do not carry a folder to another one.
    """
    try:
        status = utterance.path.stat()
        file = [str(utterance.path.resolve()), status.st_size, status.st_mtime_ns]
    except OSError:
        file = [str(utterance.path)]
    place = [utterance.start_s, utterance.end_s, utterance.channel]
    asked = [utterance.id, utterance.text, *place]
    parts = [kind, dumps(provenance, indent=None), *asked, *file, condition.as_json()]
    return hashlib.sha256(dumps(parts, indent=None).encode()).hexdigest()
