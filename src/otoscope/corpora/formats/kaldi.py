"""Kaldi data folders: `wav.scp`, `text`, `utt2spk`, and where there are any `segments` and `utt2dur`.

The split of an utterance is the name of its folder; a folder of data folders (`data/train`, `data/dev`) is read whole.
Commands in `wav.scp` (lines that end in `|`) are refused: a corpus that is read must not run programs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from otoscope.core import BadInput
from otoscope.corpora.findings import CorpusFault, problem
from otoscope.corpora.formats.tables import numbered_lines, stretch_length_s
from otoscope.corpora.stretches import resolved
from otoscope.corpora.utterance import Utterance


def recognizes(path: Path) -> bool:
    """Whether this is a data folder, or a folder of some."""
    return path.is_dir() and bool(_data_folders(path))


def _data_folders(path: Path) -> list[Path]:
    return [path] if (path / "wav.scp").is_file() else sorted(found.parent for found in path.glob("*/wav.scp"))


def scan(path: Path, split: str | None = None) -> Iterator[Utterance | CorpusFault]:
    """Yield the utterances of one or several data folders."""
    for folder in _data_folders(path):
        name = folder.resolve().name
        if split in (None, name):
            yield from _utterances(folder, name)


@dataclass(frozen=True)
class _Sound:
    """Where the sound of an utterance lies: the file (as written), its stretch and channel, and who says so."""

    written: str
    stretch: tuple[float, float | None]
    channel: int | None
    where: str


def _utterances(folder: Path, split: str) -> Iterator[Utterance | CorpusFault]:
    for needed in ("text", "utt2spk"):
        if not (folder / needed).is_file():
            raise BadInput(f"{folder} has no {needed}; a Kaldi data folder needs wav.scp, text and utt2spk")
    texts, text_findings = _table(folder / "text")
    speakers, speaker_findings = _table(folder / "utt2spk")
    sounds, sound_findings = _sounds(folder)
    yield from (*text_findings, *speaker_findings, *sound_findings)
    lengths, _ = _table(folder / "utt2dur") if (folder / "utt2dur").is_file() else ({}, [])
    for name, sound in sounds.items():
        if name not in texts or name not in speakers:
            lacking = "text" if name not in texts else "utt2spk"
            yield problem(sound.where, f"utterance {name!r} is not in {lacking}; utils/fix_data_dir.sh drops it", name)
            continue
        yield _utterance(folder, split, name, sound, texts[name][0], speakers[name][0], lengths.get(name, ("", ""))[0])
    for name in (*(n for n in texts if n not in sounds), *(n for n in speakers if n not in sounds and n not in texts)):
        where = texts[name][1] if name in texts else speakers[name][1]
        yield problem(where, f"utterance {name!r} has no sound in wav.scp or segments", name)


def _utterance(
    folder: Path, split: str, name: str, sound: _Sound, text: str, speaker: str, length_s: str
) -> Utterance | CorpusFault:
    path = resolved(sound.written, folder)
    length: float | CorpusFault
    if length_s and sound.stretch == (0.0, None):
        length = float(length_s) if _is_number(length_s) else problem(sound.where, f"utt2dur says {length_s!r}", name)
    else:
        length = stretch_length_s(path, sound.stretch, sound.where, name)
    if isinstance(length, CorpusFault):
        return length
    (start_s, end_s), channel = sound.stretch, sound.channel
    return Utterance(name, path, text, speaker, split, length, start_s, end_s, channel, where=sound.where)


def _sounds(folder: Path) -> tuple[dict[str, _Sound], list[CorpusFault]]:
    """Return the sound of each utterance: by `segments` where there are any, else each line of `wav.scp`."""
    files, findings = _table(folder / "wav.scp")
    for name, (written, where) in list(files.items()):
        if written.endswith("|"):
            findings.append(problem(where, "commands are not run; write the sound to a file and name that", name))
        elif not written or (":" in written and written.rpartition(":")[2].isdecimal()):
            findings.append(problem(where, f"a sound file is needed, got {written or 'nothing'!r}", name))
        else:
            continue
        del files[name]
    if not (folder / "segments").is_file():
        return {n: _Sound(written, (0.0, None), None, where) for n, (written, where) in files.items()}, findings
    refused = {finding.utterance for finding in findings}
    segments, more = _table(folder / "segments")
    sounds: dict[str, _Sound] = {}
    for name, (rest, where) in segments.items():
        found = _segment(name, rest, where, files)
        if isinstance(found, _Sound):
            sounds[name] = found
        elif rest.split()[:1] and rest.split()[0] not in refused:
            more.append(found)
    return sounds, findings + more


def _segment(name: str, rest: str, where: str, files: dict[str, tuple[str, str]]) -> _Sound | CorpusFault:
    cells = rest.split()
    if len(cells) not in (3, 4) or not all(map(_is_number, cells[1:3])) or not all(map(str.isdecimal, cells[3:])):
        return problem(where, f"a segment is an id, a recording, start and end in seconds, got {name} {rest}", name)
    if cells[0] not in files:
        return problem(where, f"recording {cells[0]!r} is not in wav.scp", name)
    end_s = float(cells[2])
    channel = int(cells[3]) if len(cells) == 4 else None
    return _Sound(files[cells[0]][0], (float(cells[1]), None if end_s < 0 else end_s), channel, where)


def _table(path: Path) -> tuple[dict[str, tuple[str, str]], list[CorpusFault]]:
    """Return what follows each name and where it stands, and a finding for each name that stands twice."""
    rows: dict[str, tuple[str, str]] = {}
    findings: list[CorpusFault] = []
    for where, line in numbered_lines(path):
        name, *rest = line.split(maxsplit=1)
        if name in rows:
            findings.append(CorpusFault("error", "duplicate-id", f"{name!r} stands in {path.name} twice", where, name))
        else:
            rows[name] = (" ".join(rest).strip() if path.name == "wav.scp" else " ".join(" ".join(rest).split()), where)
    return rows, findings


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
