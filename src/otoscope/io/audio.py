"""Sound files in, Recordings out, and back. Any file that libsndfile reads: WAV, FLAC, Ogg, Opus, MP3, AIFF, ….

The rules, for every function here:

- several channels become one by their **mean**, whatever their number; nothing is refused for its channels;
- another rate is reached by soxr at its `HQ` quality (pass band to 0.91 of the lower Nyquist frequency, linear phase,
  no delay), in one streaming pass, so that a whole-file read and the joined blocks of a stream are the same samples;
- floating-point samples beyond ±1 are kept as they are;
- NaN or infinite samples, and files that break off before their header says, raise `BadAudio`.
"""

from __future__ import annotations

import io
import os
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core.errors import BadAudio, BadInput, CannotWrite
from otoscope.core.recording import Recording
from otoscope.io.sound_files import UNKNOWN_LENGTH, breaks_off, open_sound, promised_frames
from otoscope.io.writing import write_bytes

if TYPE_CHECKING:
    from soundfile import SoundFile

Samples = NDArray[np.float32]

_CHUNK_FRAMES = 1 << 16
_EXACT_SUBTYPES = {".wav": "FLOAT", ".flac": "PCM_24", ".aiff": "FLOAT", ".aif": "FLOAT", ".au": "FLOAT"}
_LOSSY_SUBTYPES = {".ogg": ("OGG", "VORBIS"), ".opus": ("OGG", "OPUS"), ".mp3": ("MP3", "MPEG_LAYER_III")}


@dataclass(frozen=True)
class AudioInfo:
    """What a sound file says of itself: length, rate and channels as stored, and libsndfile's name of the coding."""

    duration_s: float
    rate_hz: int
    n_channels: int
    subtype: str


def audio_info(path: str | os.PathLike[str]) -> AudioInfo:
    """Return what a sound file says of itself, without decoding it where its header gives a length.

    Raises
    ------
    BadAudio
        The file cannot be read; one line says why.
    """
    with open_sound(path) as sound:
        n_frames = sound.frames
        if n_frames >= UNKNOWN_LENGTH:
            n_frames = sum(len(chunk) for chunk in _chunks(sound, os.fspath(path)))
        return AudioInfo(n_frames / sound.samplerate, int(sound.samplerate), int(sound.channels), str(sound.subtype))


def read_recording(path: str | os.PathLike[str], *, rate_hz: int | None = 16000) -> Recording:
    """Read a whole sound file as one channel.

    Parameters
    ----------
    path
        Any file libsndfile reads.
    rate_hz
        Rate of the result; `None` keeps the file's own.

    Returns
    -------
    Recording
        `(n_samples,)` float32, `n_samples` within one of `duration * rate_hz`; `source` is the path.

    Raises
    ------
    BadAudio
        The file is missing, unreadable, not sound, damaged, incomplete, empty, or holds NaN or infinite samples.
    """
    _check_rate(rate_hz)
    with open_sound(path) as sound:
        samples = np.concatenate([np.zeros(0, np.float32), *_resampled(sound, os.fspath(path), rate_hz)])
        samples.flags.writeable = False
        return Recording(samples, rate_hz or sound.samplerate, source=os.fspath(path))


def stream_recording(
    path: str | os.PathLike[str], *, block_s: float = 30.0, rate_hz: int | None = 16000
) -> Iterator[Recording]:
    """Read a sound file block by block, in memory that does not grow with its length.

    Every block holds `round(block_s * rate_hz)` samples, only the last may be shorter; joined, they equal
    `read_recording(path, rate_hz=rate_hz)`.

    Raises
    ------
    BadAudio
        As `read_recording`; what can be seen without decoding is raised at once, the rest when its block is reached.
    """
    _check_rate(rate_hz)
    sound = open_sound(path)
    rate = rate_hz or int(sound.samplerate)
    n_block = round(block_s * rate)
    if n_block < 1:
        sound.close()
        raise BadInput(f"block_s must give at least one sample, got {block_s}")
    return _blocks(sound, os.fspath(path), rate, n_block)


def write_recording(recording: Recording, path: str | os.PathLike[str]) -> None:
    """Write a recording, in the format its suffix names.

    `.wav`, `.aiff` and `.au` keep the float32 samples exactly, `.flac` 24 bits of them; `.ogg`, `.opus` and `.mp3`
    are lossy.

    Raises
    ------
    CannotWrite
        Unknown suffix, samples beyond ±1 for a format that would clip them, or the file cannot be written.
    """
    name = os.fspath(path)
    suffix = os.path.splitext(name)[1].lower()
    form, subtype = _LOSSY_SUBTYPES.get(suffix, (None, _EXACT_SUBTYPES.get(suffix)))
    if subtype is None:
        known = ", ".join([*_EXACT_SUBTYPES, *_LOSSY_SUBTYPES])
        raise CannotWrite(f"cannot write {name}: unknown suffix {suffix!r}; one of {known}")
    peak = float(np.abs(recording.samples).max())
    if peak > 1 and subtype != "FLOAT":
        raise CannotWrite(f"cannot write {name}: a peak of {peak:.3g} would be clipped; scale it, or write .wav")
    import soundfile

    buffer = io.BytesIO()
    try:
        soundfile.write(
            buffer, recording.samples, recording.rate_hz, subtype=subtype, format=form or _format_of(suffix)
        )
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
        raise CannotWrite(f"cannot write {name} at {recording.rate_hz} Hz: {reason}; try .wav") from error
    write_bytes(path, buffer.getvalue())


def wav_bytes(recording: Recording) -> bytes:
    """Return a 16-bit PCM WAV file in memory, for playing; samples beyond ±1 are clipped.

    A sample `k / 32768`, as 16-bit files are read, comes back exactly.
    """
    whole = np.clip(np.rint(recording.samples.astype(np.float64) * 32768.0), -32768, 32767).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(recording.rate_hz)
        file.writeframes(whole.tobytes())
    return buffer.getvalue()


def _format_of(suffix: str) -> str:
    return {".aif": "AIFF"}.get(suffix, suffix[1:].upper())


def _check_rate(rate_hz: Any) -> None:
    if rate_hz is not None and not (rate_hz > 0 and int(rate_hz) == rate_hz):
        raise BadInput(f"rate_hz must be a whole number above 0, or None to keep the file's own, got {rate_hz!r}")


def _blocks(sound: SoundFile, name: str, rate_hz: int, n_block: int) -> Iterator[Recording]:
    with sound:
        waiting: list[Samples] = []
        n_waiting = 0
        for piece in _resampled(sound, name, rate_hz):
            waiting.append(piece)
            n_waiting += piece.size
            if n_waiting < n_block:
                continue
            joined = np.concatenate(waiting)
            for start in range(0, n_waiting - n_block + 1, n_block):
                yield Recording(joined[start : start + n_block], rate_hz, source=name)
            waiting = [joined[n_waiting - n_waiting % n_block :]]
            n_waiting %= n_block
        if n_waiting:
            yield Recording(np.concatenate(waiting), rate_hz, source=name)


def _resampled(sound: SoundFile, name: str, rate_hz: int | None) -> Iterator[Samples]:
    """Yield one channel at `rate_hz`, in pieces of any length."""
    n_out = 0
    if rate_hz is None or rate_hz == sound.samplerate:
        for chunk in _chunks(sound, name):
            n_out += chunk.size
            yield chunk
    else:
        import soxr

        stream = soxr.ResampleStream(sound.samplerate, rate_hz, 1, dtype="float32", quality="HQ")
        for chunk in _chunks(sound, name):
            piece = stream.resample_chunk(chunk)
            n_out += piece.size
            yield piece
        rest = stream.resample_chunk(np.zeros(0, np.float32), last=True)
        n_out += rest.size
        yield rest
    if n_out == 0:
        raise BadAudio(f"{name}: too short, not one sample at {rate_hz or sound.samplerate} Hz")


def _chunks(sound: SoundFile, name: str) -> Iterator[Samples]:
    """Yield the mean of the channels at the file's own rate, checked, to the end the file promises."""
    import soundfile

    n_read = 0
    while True:
        try:
            frames = sound.read(_CHUNK_FRAMES, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            at_s = n_read / sound.samplerate
            reason = error.error_string.removeprefix("Error : ").rstrip(".") or "it cannot be decoded"
            raise BadAudio(f"{name}: damaged or cut off after {at_s:.3f} s ({reason})") from error
        if len(frames) == 0:
            break
        _check_finite(frames, name, n_read, sound.samplerate)
        n_read += len(frames)
        yield frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1)
    promised = promised_frames(sound)
    if promised is not None and n_read < promised:
        raise breaks_off(name, f"{n_read / sound.samplerate:.3f}", f"{promised / sound.samplerate:.3f} s")


def _check_finite(frames: Samples, name: str, n_before: int, rate_hz: int) -> None:
    bad = ~np.isfinite(frames).all(axis=1)
    if bad.any():
        at_s = (n_before + int(np.argmax(bad))) / rate_hz
        raise BadAudio(f"{name}: NaN or infinite samples, the first at {at_s:.3f} s; write the file again")
