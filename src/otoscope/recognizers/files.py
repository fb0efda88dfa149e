"""Transcribe a file of any length into one Annotation, in bounded memory."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from otoscope.core import Interval, NotAble, Recognizer, Recording, Tier, Trace
from otoscope.core.protocols import Progress
from otoscope.io.annotation import Annotation, annotation_of
from otoscope.io.audio import audio_info, stream_recording
from otoscope.recognizers.transcription import transcribe_stream
from otoscope.signal.audibility import Audibility

LONGEST_STRETCH_S = 60.0
"""What lasts longer is cut at pauses."""


@runtime_checkable
class Doubting(Protocol):
    """Says which of its words nobody may have said."""

    def doubts(self, heard: Trace) -> Tier:
        """Return the words of a Trace that may be made up as a tier."""
        ...


def transcribe_file(
    recognizer: Recognizer, path: str | os.PathLike[str], *, doubts: bool = False, progress: Progress | None = None
) -> Annotation:
    """Return the words (and phones) heard in a file as tiers over the whole of it.

    Parameters
    ----------
    recognizer
        What `load` returns.
    path
        An audio file. Up to 60 s are heard in one go; longer ones in stretches that end at pauses.
    doubts
        Whether words that nobody may have said are to stand in a tier `doubts` of their own.
    progress
        Told (seconds done, seconds in all).

    Raises
    ------
    NotAble
        Doubts are asked of a recogniser that has none about its words.
    BadAudio
        The file cannot be read, is shorter than 0.1 s, or holds nothing but silence.
    """
    if doubts and not isinstance(recognizer, Doubting):
        raise NotAble(f"recogniser {recognizer.name!r} cannot doubt its words; Whisper can")
    duration_s = audio_info(path).duration_s
    audible = Audibility(os.fspath(path))
    pieces = []
    for offset_s, trace in transcribe_stream(
        recognizer, _watched(stream_recording(path), audible), max_segment_s=LONGEST_STRETCH_S
    ):
        piece = annotation_of(trace, Path(path).stem)
        if doubts and isinstance(recognizer, Doubting):
            piece = dataclasses.replace(piece, tiers=(*piece.tiers, recognizer.doubts(trace)))
        pieces.append((offset_s, piece))
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
