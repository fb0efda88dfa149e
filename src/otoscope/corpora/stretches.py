"""A stretch of a long sound file, or one of its channels, without reading the rest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadAudio, Recording
from otoscope.io.sound_files import open_sound

if TYPE_CHECKING:
    from soundfile import SoundFile

TOLERANCE_S = 0.05
"""A stretch may end this much after its file: manifests round."""

_EXACT_SEEK = ("WAV", "WAVEX", "RF64", "W64", "FLAC", "AIFF", "AU", "NIST", "CAF")
_CHUNK_FRAMES = 1 << 16


def read_stretch(
    path: str | os.PathLike[str],
    stretch: tuple[float, float | None],
    *,
    channel: int | None = None,
    rate_hz: int | None = 16000,
) -> Recording:
    """Read what lies between two times of a sound file, as one channel.

    Parameters
    ----------
    path
        Any file libsndfile reads.
    stretch
        Begin and end, seconds; an end of `None` is that of the file.
    channel
        Which channel, from 0; `None` takes the mean of all.
    rate_hz
        Rate of the result (soxr HQ); `None` keeps the file's own.

    Raises
    ------
    BadAudio
        The file cannot be read, lacks the channel, or ends more than 0.05 s before the stretch does.
    """
    import soundfile

    name = os.fspath(path)
    with open_sound(path) as sound:
        if channel is not None and not 0 <= channel < sound.channels:
            raise BadAudio(f"{name}: has no channel {channel}; it has {sound.channels}, counted from 0")
        rate = int(sound.samplerate)
        try:
            samples = _frames(sound, stretch, channel)
        except soundfile.LibsndfileError as error:
            raise BadAudio(f"{name}: damaged or cut off before {stretch[1] or 0:.3f} s") from error
    _check_length(name, samples.size / rate, stretch)
    if rate_hz not in (None, rate):
        import soxr

        samples = soxr.resample(samples, rate, rate_hz, quality="HQ")
    return Recording(
        samples, rate_hz or rate, source=f"{name}[{stretch[0]:g}:{'' if stretch[1] is None else stretch[1]}]"
    )


def _check_length(name: str, there_s: float, stretch: tuple[float, float | None]) -> None:
    start_s, end_s = stretch
    if there_s == 0 or (end_s is not None and there_s < end_s - start_s - TOLERANCE_S):
        promised = "its end" if end_s is None else f"{end_s:g} s"
        raise BadAudio(
            f"{name}: ends at {start_s + there_s:.3f} s, the utterance lies from {start_s:g} s to {promised}"
        )


def _frames(sound: SoundFile, stretch: tuple[float, float | None], channel: int | None) -> NDArray[np.float32]:
    first = round(stretch[0] * sound.samplerate)
    last = None if stretch[1] is None else round(stretch[1] * sound.samplerate)
    if first and sound.format in _EXACT_SEEK:
        if first >= sound.frames:
            return np.zeros(0, np.float32)
        sound.seek(first)
        at = first
    else:
        at = 0
    pieces = [np.zeros(0, np.float32)]
    while last is None or at < last:
        chunk = sound.read(_CHUNK_FRAMES if last is None else min(_CHUNK_FRAMES, last - at), "float32", always_2d=True)
        if len(chunk) == 0:
            break
        piece = chunk[max(0, first - at) :]
        pieces.append(piece.mean(axis=1) if channel is None else piece[:, channel])
        at += len(chunk)
    return np.concatenate(pieces)


def resolved(written: str, folder: Path) -> Path:
    """Return the path a manifest means: beside the manifest, or else as seen from the working directory.

    Kaldi and Lhotse write paths that hold where the recipe ran; corpora that travel keep them beside the manifest.
    """
    beside = folder / written
    return beside if beside.exists() or not Path(written).exists() else Path(written)
