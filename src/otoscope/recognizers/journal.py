"""A recogniser that writes down each answer, so that interrupted work goes on where it stopped."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import CannotWrite, OtoscopeError, Provenance, Recording, Target, Trace
from otoscope.core.protocols import Progress, Recognizer

ABILITIES = (
    *("align", "stream", "gradient", "sites", "edited", "score_at"),
    *("weighs_language", "with_wider_search", "with_random_weights"),
)
"""What a recogniser may be able to do beyond `trace` and `score`; see `otoscope.core.protocols`."""

CHUNK = 16
"""Recordings scored between two entries: at most this many are lost by a kill."""


class Journal:
    """Wraps a recogniser; keeps its Trace and scores in a folder until the work is done.

    Use it as a context manager: the folder is removed when the body ends well, and stays when it does not, so that
    the same work started again reads the answers instead of computing them. Answers are found by the digest of the
    recording, the targets and the recogniser's provenance, never by their order.

    Parameters
    ----------
    recognizer
        Any recogniser; `trace` and `score` are written down, everything else is passed through.
    folder
        Where to keep the answers; made when the first one comes in.
    """

    def __init__(self, recognizer: Recognizer, folder: Path) -> None:
        self.recognizer = recognizer
        self.folder = folder
        self._known: dict[str, list[float]] = {}
        self._file: IO[str] | None = None
        for ability in ABILITIES:  # `isinstance` asks the instance itself for these, never `__getattr__`
            if hasattr(recognizer, ability):
                setattr(self, ability, getattr(recognizer, ability))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.recognizer, name)

    @property
    def name(self) -> str:
        """Name of the recogniser."""
        return self.recognizer.name

    @property
    def provenance(self) -> Provenance:
        """Provenance of the recogniser; answers of one with another provenance are never used."""
        return self.recognizer.provenance

    def __enter__(self) -> Journal:
        path = self.folder / "scores.jsonl"
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:  # the line that was being written when the work was killed
                    continue
                self._known[entry["key"]] = entry["scores"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if error is None or (isinstance(error, OtoscopeError) and not self._known):
            self._clear()

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        """Recognise, or read the Trace that was kept; see `Recognizer.trace`."""
        key = _digest(repr(self.provenance), recording.digest, *record)
        path = self.folder / f"trace-{key[:16]}.safetensors"
        if path.is_file():
            return Trace.load(path)
        trace = self.recognizer.trace(recording, record=record)
        self._make_folder()
        trace.save(path)
        return trace

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Score what is not yet known, in chunks that are written down; see `Recognizer.score`."""
        asked = _digest(repr(self.provenance), repr(targets))
        keys = [_digest(asked, recording.digest) for recording in recordings]
        missing = [index for index, key in enumerate(keys) if key not in self._known]
        for first in range(0, len(missing), CHUNK):
            chunk = missing[first : first + CHUNK]
            scores = self.recognizer.score([recordings[index] for index in chunk], targets)
            for index, row in zip(chunk, scores, strict=True):
                self._write(keys[index], [float(value) for value in row])
            if progress is not None:
                progress(len(recordings) - len(missing) + first + len(chunk), len(recordings))
        return np.array([self._known[key] for key in keys], dtype=np.float64).reshape(len(recordings), len(targets))

    def _clear(self) -> None:
        """Remove what a journal writes, and the folder unless somebody keeps something else in it."""
        with contextlib.suppress(OSError):
            for pattern in ("scores.jsonl", "trace-*.safetensors", ".trace-*.part"):
                for path in self.folder.glob(pattern):
                    path.unlink()
            self.folder.rmdir()

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWrite(f"cannot keep unfinished work in {self.folder}: {error.strerror}") from error

    def _write(self, key: str, scores: list[float]) -> None:
        self._known[key] = scores
        try:
            if self._file is None:
                self._make_folder()
                self._file = (self.folder / "scores.jsonl").open("a", encoding="utf-8")
            self._file.write(json.dumps({"key": key, "scores": scores}) + "\n")
            self._file.flush()
        except OSError as error:
            raise CannotWrite(f"cannot keep unfinished work in {self.folder}: {error.strerror}") from error


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
