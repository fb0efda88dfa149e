"""Transcribe a file of any length into one Annotation, in bounded memory."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from otoscope.core import Interval, Recognizer, Recording, Tier
from otoscope.core.protocols import Progress
from otoscope.io.annotation import Annotation, annotation_of
from otoscope.io.audio import audio_info, stream_recording
from otoscope.recognizers.transcription import transcribe_stream
from otoscope.signal.audibility import Audibility

LONGEST_STRETCH_S = 60.0
"""What lasts longer is cut at pauses."""


def transcribe_file(
    recognizer: Recognizer, path: str | os.PathLike[str], *, progress: Progress | None = None
) -> Annotation:
    """Return the words (and phones) heard in a file as tiers over the whole of it.

    Parameters
    ----------
    recognizer
        What `load` returns.
    path
        An audio file. Up to 60 s are heard in one go; longer ones in stretches that end at pauses.
    progress
        Told (seconds done, seconds in all).

    Raises
    ------
    BadAudio
        The file cannot be read, is shorter than 0.1 s, or holds nothing but silence.
    """
    duration_s = audio_info(path).duration_s
    audible = Audibility(os.fspath(path))
    pieces = []
    for offset_s, trace in transcribe_stream(
        recognizer, _watched(stream_recording(path), audible), max_segment_s=LONGEST_STRETCH_S
    ):
        pieces.append((offset_s, annotation_of(trace, Path(path).stem)))
        if progress is not None:
            progress(round(offset_s + trace.recording.duration_s), round(duration_s))
    audible.check()
    return Annotation(Path(path).stem, duration_s, joined_tiers(pieces))


def joined_tiers(pieces: Sequence[tuple[float, Annotation]]) -> tuple[Tier, ...]:
    """Return the tiers of consecutive stretches as tiers of the whole, in the order in which they first appear."""
    names = dict.fromkeys(tier.name for _, annotation in pieces for tier in annotation.tiers)
    return tuple(Tier(name, tuple(_moved(pieces, name))) for name in names)


def _moved(pieces: Sequence[tuple[float, Annotation]], name: str) -> Iterator[Interval]:
    for offset_s, annotation in pieces:
        for interval in annotation.tier(name) if annotation.has(name) else ():
            yield dataclasses.replace(interval, start_s=interval.start_s + offset_s, end_s=interval.end_s + offset_s)


def _watched(blocks: Iterable[Recording], audible: Audibility) -> Iterator[Recording]:
    for block in blocks:
        audible.hear(block)
        yield block
