"""Downloading one file of the hub: it goes on where it stopped, and takes its name only once its hash is right."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from otoscope.core import CorruptWeights
from otoscope.recognizers.checkpoints.hashing import fresh_sha256, git_blob_sha1
from otoscope.recognizers.checkpoints.hub import RemoteFile, Repository, request_error

PART = ".part"
"""Ending of what is not complete yet."""


def download(repository: Repository, file: RemoteFile, folder: Path, *, told: Callable[[int], None]) -> Path:
    """Download one file into a folder and return its path; a complete one is only checked.

    What came before an interruption is asked for no more (HTTP ranges). If the whole then has the wrong hash, it is
    fetched once more from its start, since what was kept may have been damaged here.

    Parameters
    ----------
    repository, file
        What to fetch.
    folder
        There already.
    told
        Called with the bytes of this file that are there.

    Raises
    ------
    CorruptWeights
        What came is not what the hub states.
    """
    target, part = folder / file.name, folder / (file.name + PART)
    if target.is_file():
        if not _difference(target, file):
            told(file.size)
            return target
        target.unlink()
    goes_on = part.is_file() and 0 < part.stat().st_size <= file.size
    while True:
        _receive(repository, file, part, told)
        if not (difference := _difference(part, file)):
            os.replace(part, target)
            return target
        part.unlink()
        if not goes_on:
            raise CorruptWeights(
                f"{file.name} of {repository.name} did not arrive as {repository.endpoint} states ({difference}); "
                "it was thrown away: try again, and distrust the way to the hub if this goes on"
            )
        goes_on = False


def _receive(repository: Repository, file: RemoteFile, part: Path, told: Callable[[int], None]) -> None:
    """Fetch what `part` lacks of a file; a connection that breaks is made anew for as long as more comes each time."""
    from huggingface_hub.file_download import http_get

    if part.is_file() and part.stat().st_size > file.size:
        part.unlink()
    while True:
        with part.open("r+b" if part.exists() else "w+b") as out:
            before = out.seek(0, os.SEEK_END)
            told(before)
            if before == file.size:
                return
            url, headers = repository.url(file.name), repository.headers()
            counted: BinaryIO = _Counted(out, told)  # type: ignore[assignment]
            try:
                http_get(url, counted, resume_size=before, headers=headers, expected_size=file.size)
            except request_error():
                out.flush()
                if out.tell() == before:
                    raise
            except OSError as error:
                if type(error) is OSError and error.errno is None:  # another length than promised: for the hash to say
                    return
                raise


class _Counted:
    """A file that tells how long it is after each write."""

    def __init__(self, file: BinaryIO, told: Callable[[int], None]) -> None:
        self.file, self.told = file, told
        self.seek, self.truncate, self.tell = file.seek, file.truncate, file.tell

    def write(self, data: bytes) -> int:
        n_bytes = self.file.write(data)
        self.told(self.file.tell())
        return n_bytes


def _difference(path: Path, file: RemoteFile) -> str:
    """Return how a file differs from what the hub states of it; empty for not at all."""
    if (size := path.stat().st_size) != file.size:
        return f"{size:,} bytes instead of {file.size:,}"
    found, stated, kind = (
        (fresh_sha256(path), file.sha256, "SHA-256") if file.sha256 else (git_blob_sha1(path), file.blob, "git's SHA-1")
    )
    return "" if found == stated else f"{kind} {found[:12]}… instead of {stated[:12]}…"


@contextmanager
def quiet_hub() -> Iterator[None]:
    """Keep huggingface_hub from drawing bars, warning of retries, and saying which other packages are installed."""
    from huggingface_hub import constants
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars, logging

    silent, level, tells = are_progress_bars_disabled(), logging.get_verbosity(), constants.HF_HUB_DISABLE_TELEMETRY
    disable_progress_bars()
    logging.set_verbosity_error()
    constants.HF_HUB_DISABLE_TELEMETRY = True
    try:
        yield
    finally:
        constants.HF_HUB_DISABLE_TELEMETRY = tells
        logging.set_verbosity(level)
        if not silent:
            enable_progress_bars()
