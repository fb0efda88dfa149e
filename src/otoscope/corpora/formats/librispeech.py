"""LibriSpeech trees: `SUBSET/SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt` with a sound file for each of its lines.

The split of an utterance is the name of its subset, `train-clean-100`. Multilingual copies and cut-down ones read the
same, whatever the coding of their sound files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from otoscope.corpora.findings import CorpusFault, problem
from otoscope.corpora.formats.tables import file_length_s, numbered_lines
from otoscope.corpora.utterance import Utterance

DEPTHS = ("*/*/*.trans.txt", "*/*/*/*.trans.txt", "*/*/*/*/*.trans.txt")
"""Seen from a subset, from the folder of the subsets, and from the folder that was unpacked."""


def recognizes(path: Path) -> bool:
    """Whether a folder holds chapters with transcripts."""
    return path.is_dir() and any(next(path.glob(depth), None) is not None for depth in DEPTHS)


def scan(path: Path, split: str | None = None) -> Iterator[Utterance | CorpusFault]:
    """Yield the utterances of a tree, speakers and chapters in order of their names."""
    for transcript in sorted(found for depth in DEPTHS for found in path.glob(depth)):
        subset = transcript.parents[2].resolve().name
        if split in (None, subset):
            yield from _chapter(transcript, subset)


def _chapter(transcript: Path, subset: str) -> Iterator[Utterance | CorpusFault]:
    sounds = {sound.stem: sound for sound in sorted(transcript.parent.iterdir()) if sound.suffix != ".txt"}
    speaker = transcript.parent.parent.name
    for where, line in numbered_lines(transcript):
        name, _, text = line.partition(" ")
        if name not in sounds:
            yield problem(where, f"utterance {name!r} has no sound file in {transcript.parent}", name)
            continue
        length = file_length_s(sounds[name], where, name)
        if isinstance(length, CorpusFault):
            yield length
        else:
            yield Utterance(name, sounds[name], " ".join(text.split()), speaker, subset, length, where=where)
