"""What the verbs accept: recordings that can be used, places to write that exist."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from otoscope.core import BadAudio, BadInput, CannotWrite, Recording


def read_speech(
    path: Path, *, longest_s: float, remedy: str, start_s: float = 0.0, end_s: float | None = None
) -> Recording:
    """Read the stretch of a file that a verb works on, and refuse what no recogniser could use.

    Parameters
    ----------
    path
        An audio file; it is read as one channel at 16 kHz.
    longest_s
        The longest stretch the verb takes, in seconds; checked before the samples are read.
    remedy
        What to do with a longer one.
    start_s, end_s
        Which stretch; the whole file by default.

    Raises
    ------
    BadAudio
        The file cannot be read; or the stretch is too short, too long, or silent.
    """
    from otoscope.io.audio import audio_info, read_recording
    from otoscope.signal.audibility import check_audible

    duration_s = audio_info(path).duration_s
    last_s = duration_s if end_s is None else min(end_s, duration_s)
    if not 0 <= start_s < last_s:
        raise BadInput(f"{path}: nothing lies between {start_s:g} s and {last_s:g} s of its {duration_s:.2f} s")
    if last_s - start_s > longest_s:
        raise BadAudio(
            f"{path} lasts {_in_words(last_s - start_s)}; at most {_in_words(longest_s)} can be taken at once: {remedy}"
        )
    recording = read_recording(path)
    if start_s > 0 or end_s is not None:
        recording = recording.cut(start_s, last_s)
    check_audible(recording)
    return recording


def _in_words(duration_s: float) -> str:
    return f"{duration_s / 3600:.1f} h" if duration_s >= 3600 else f"{duration_s:.1f} s"


def check_writable(path: Path) -> None:
    """Make sure that a file can be written at `path` before hours of work go into it.

    Raises
    ------
    CannotWrite
        The folder is missing, is no folder, or refuses a new file; or `path` is a folder.
    """
    if path.is_dir():
        raise CannotWrite(f"cannot write {path}: it is a folder; name a file in it")
    folder = path.parent
    if not folder.is_dir():
        raise CannotWrite(f"cannot write {path}: there is no folder {folder}")
    if path.exists() and not os.access(path, os.W_OK):
        raise CannotWrite(f"cannot write {path}: permission denied")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror or error}") from error
