"""Downloading one file of the hub: it goes on where it stopped, and takes its name only once its hash is right."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from otoscope.core import CorruptWeights
from otoscope.recognizers.checkpoints.hashing import fresh_sha256, git_blob_sha1
from otoscope.recognizers.checkpoints.hub import RemoteFile, Repository, request_error

PAUSES_S = (1.0, 2.0, 4.0)
"""How long to wait before a connection that brought nothing is tried again."""

SILENCE_S = 30.0
"""After so long without a byte a connection counts as broken."""

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
    """Fetch what `part` lacks of a file; a broken connection is made anew, at once if something came over it."""
    pauses = iter(PAUSES_S)
    while True:
        there = _length(part)
        if there > file.size:
            part.unlink()
            there = 0
        told(there)
        if there == file.size:
            part.touch()
            return
        try:
            _append(repository, file, part, told)
            return
        except request_error():
            if _length(part) > there:
                continue
            if (pause_s := next(pauses, None)) is None:
                raise
            time.sleep(pause_s)


def _append(repository: Repository, file: RemoteFile, part: Path, told: Callable[[int], None]) -> None:
    """Ask for the rest of a file, and append what comes as it comes."""
    from huggingface_hub.utils import hf_raise_for_status, http_stream_backoff

    there, headers = _length(part), repository.headers()
    if there:
        headers["Range"] = f"bytes={there}-"
    how: Any = {"headers": headers, "timeout": SILENCE_S, "follow_redirects": True}
    with http_stream_backoff("GET", repository.url(file.name), retry_on_exceptions=(), **how) as response:
        hf_raise_for_status(response)
        if response.status_code != 206:  # all of it, whatever was asked for
            there = 0
        with part.open("ab" if there else "wb") as out:
            for block in response.iter_bytes():
                out.write(block)
                there += len(block)
                told(min(there, file.size))
                if there > file.size:  # not this file: for its hash to say
                    return


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


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
