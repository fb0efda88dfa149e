"""Opening a sound file, or refusing it with one line that says what is wrong. A path in, an open libsndfile handle out.

A file that breaks off before its own header says it ends is refused: half a talk read as a whole one would be a
silent alteration. A header that gives no length (as programs write that stream through a pipe) is accepted.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
import threading
from typing import TYPE_CHECKING

from otoscope.core.errors import BadAudio
from otoscope.io.mpeg import has_length_tag, is_false_mpeg

if TYPE_CHECKING:
    from soundfile import SoundFile

UNKNOWN_LENGTH = 2**62
"""libsndfile gives more frames than this where a header does not say how many there are."""

_UNKNOWN_BYTES = 0x7FFF0000
"""Sizes from here on stand in a header for "not known": 0xFFFFFFFF by FFmpeg, 0x7FFFF000 and above by SoX, arecord."""

_BYTES = re.compile(r"^\s*(?:data|Data Size)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)
_FRAMES = re.compile(r"frame count (\d+) does not match value from 'ds64' chunk of (\d+)", re.IGNORECASE)
_AIFF_FRAMES = re.compile(r"from 'COMM' chunk \((\d+)\) not equal.*\n.*'SSND' chunk \((\d+)\)")

_CONVERT = "ffmpeg -i {} out.wav"


def open_sound(path: str | os.PathLike[str]) -> SoundFile:
    """Open a sound file and check all that can be checked without decoding it.

    Returns
    -------
    SoundFile
        To be closed by the caller.

    Raises
    ------
    BadAudio
        Missing, a folder, empty, unreadable, not a sound file, damaged, incomplete, or of no samples.
    """
    name = os.fspath(path)
    _check_file(name)
    if is_false_mpeg(name):
        raise BadAudio(f"{name}: {_refusal('not recognised', os.path.basename(name))}")
    import soundfile

    try:
        sound = _forward_only()(os.fsencode(name))
    except TypeError as error:  # soundfile's way to say that a name ending in .raw needs its format given
        raise BadAudio(f"{name}: headerless sound says neither rate nor format; write it as WAV first") from error
    except soundfile.LibsndfileError as error:
        raise BadAudio(f"{name}: {_refusal(error.error_string, os.path.basename(name))}") from error
    try:
        _check_complete(name, sound)
        if sound.format != "MP3" or has_length_tag(name):
            return sound
    except BaseException:
        sound.close()
        raise
    sound.close()
    return _through_pipe(name)


def breaks_off(name: str, there: str, promised: str) -> BadAudio:
    """Return the error for a file that holds less than it says."""
    return BadAudio(
        f"{name}: incomplete, {there} of {promised} are there; copy the file again, "
        f"or keep what is there: {_CONVERT.format(os.path.basename(name))}"
    )


def promised_frames(sound: SoundFile) -> int | None:
    """Return how many frames the file says it holds, `None` where it does not say."""
    return None if sound.frames >= UNKNOWN_LENGTH else int(sound.frames)


def _forward_only() -> type[SoundFile]:
    """Return a SoundFile that reads on without seeking.

    soundfile seeks to where it is after every read, which fails at the end of a FLAC file of unknown length.
    """
    import soundfile

    class ForwardOnly(soundfile.SoundFile):
        def seekable(self) -> bool:
            return False

    return ForwardOnly


def _check_file(name: str) -> None:
    try:
        status = os.stat(name)
        if stat.S_ISDIR(status.st_mode):
            raise BadAudio(f"{name}: is a folder; give a sound file in it")
        if not stat.S_ISREG(status.st_mode):
            raise BadAudio(f"{name}: is not a regular file; write the sound to a file first")
        if status.st_size == 0:
            raise BadAudio(f"{name}: the file is empty (0 bytes)")
        with open(name, "rb"):
            pass
    except FileNotFoundError as error:
        raise BadAudio(f"{name}: no such file") from error
    except PermissionError as error:
        raise BadAudio(f"{name}: no permission to read it") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        reason = os.strerror(error.errno or errno.EIO) if isinstance(error, OSError) else str(error)
        raise BadAudio(f"{name}: cannot be read: {reason}") from error


def _refusal(reason: str, base: str) -> str:
    if "not recognised" in reason:
        return f"not a sound file that can be read (WAV, FLAC, Ogg, Opus, MP3, AIFF, …); try: {_CONVERT.format(base)}"
    if "regular file" in reason:  # what libsndfile says when it cannot decode the MPEG frames
        return "damaged or cut off: it begins like MP3 but holds no sound"
    if "unimplemented" in reason or "not supported" in reason:
        return f"damaged, or of a kind that libsndfile cannot decode; try: {_CONVERT.format(base)}"
    return f"damaged or cut off in its header ({reason.rstrip('.')})"


def _check_complete(name: str, sound: SoundFile) -> None:
    log = sound.extra_info
    if (found := _BYTES.search(log)) and int(found[2]) < int(found[1]) < _UNKNOWN_BYTES:
        raise breaks_off(name, found[2], f"{found[1]} bytes of sound")
    if (found := _FRAMES.search(log)) and int(found[1]) < int(found[2]) < UNKNOWN_LENGTH:
        raise breaks_off(name, found[1], f"{found[2]} samples")
    if (found := _AIFF_FRAMES.search(log)) and int(found[2]) < int(found[1]):
        raise breaks_off(name, found[2], f"{found[1]} samples")
    if sound.format == "NIST" and (promised := _nist_frames(name)) > sound.frames:
        raise breaks_off(name, str(sound.frames), f"{promised} samples")
    if sound.format == "OGG" and not _has_ogg_end(name):
        raise BadAudio(f"{name}: incomplete, the Ogg stream breaks off before its end; copy the file again")
    if sound.frames == 0:
        raise BadAudio(f"{name}: holds no samples (its header says 0)")


def _nist_frames(name: str) -> int:
    """Return the sample count of a NIST SPHERE header (1024 bytes of text), 0 where it gives none."""
    with open(name, "rb") as file:
        found = re.search(rb"^sample_count -i (\d+)", file.read(1024), re.MULTILINE)
    return int(found[1]) if found else 0


def _has_ogg_end(name: str) -> bool:
    """Whether the last Ogg page is whole and carries the end-of-stream mark (RFC 3533, section 6)."""
    largest_page = 65307
    with open(name, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 2 * largest_page))
        tail = file.read()
    page = tail[max(0, tail.rfind(b"OggS\x00")) :]
    if len(page) < 27 or len(page) < 27 + page[26]:
        return False
    n_bytes = 27 + page[26] + sum(page[27 : 27 + page[26]])
    return len(page) >= n_bytes and bool(page[5] & 0x04)


def _through_pipe(name: str) -> SoundFile:
    """Open an MP3 that does not say how long it is, so that it is decoded to its end.

    Where it can seek, libsndfile guesses the length from the first frame and stops there, which cuts files of variable
    bit rate short.
    """
    import soundfile

    reading, writing = os.pipe()

    def feed() -> None:
        with contextlib.suppress(BrokenPipeError), open(name, "rb") as source, open(writing, "wb") as pipe:
            shutil.copyfileobj(source, pipe)

    threading.Thread(target=feed, name=f"feed {name}", daemon=True).start()
    return soundfile.SoundFile(reading, closefd=True)
