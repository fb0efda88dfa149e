"""Utterances as Kaldi data folders: `wav.scp`, `text`, `utt2spk`, `spk2utt`, `utt2dur`, and `segments` where needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from otoscope.core import BadFormat
from otoscope.corpora.utterance import Utterance
from otoscope.io.writing import make_folder, write_text


def write_kaldi(utterances: Sequence[Utterance], folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write one data folder for each split below `folder`; returns the files.

    Kaldi sorts by utterance and expects speakers then to be sorted too: where they would not be, ids get their speaker
    in front. Sound files are named by their whole paths and stay as they are; Kaldi's own programs read only WAV.

    Raises
    ------
    BadFormat
        A name is empty or holds a blank, which Kaldi cannot have.
    CannotWrite
        A file cannot be written.
    """
    written: list[Path] = []
    for split in dict.fromkeys(u.split for u in utterances):
        target = make_folder(Path(folder) / split)
        for name, lines in _data_files([u for u in utterances if u.split == split]).items():
            write_text(target / name, "".join(f"{line}\n" for line in sorted(lines, key=str.encode)))
            written.append(target / name)
    return tuple(written)


def _data_files(utterances: Sequence[Utterance]) -> dict[str, list[str]]:
    names = {u.id: _name(u.id) for u in utterances}
    speakers = {u.id: _name(u.speaker or u.id) for u in utterances}
    order = [speakers[name] for name in sorted(names, key=str.encode)]
    if order != sorted(order, key=str.encode):
        names = {name: f"{speakers[name]}-{name}" for name in names}
    files: dict[str, list[str]] = {
        "text": [f"{names[u.id]} {u.text}".rstrip() for u in utterances],
        "utt2spk": [f"{names[u.id]} {speakers[u.id]}" for u in utterances],
        "utt2dur": [f"{names[u.id]} {u.duration_s:.6g}" for u in utterances],
        "spk2utt": [],
    }
    for speaker in sorted(set(order)):
        own = sorted((names[u.id] for u in utterances if speakers[u.id] == speaker), key=str.encode)
        files["spk2utt"].append(f"{speaker} {' '.join(own)}")
    if all(u.is_whole_file for u in utterances):
        return {"wav.scp": [f"{names[u.id]} {os.path.abspath(u.path)}" for u in utterances], **files}
    paths = sorted({os.path.abspath(u.path) for u in utterances})
    recordings = {path: f"recording{number:06d}" for number, path in enumerate(paths)}
    files["wav.scp"] = [f"{recordings[path]} {path}" for path in paths]
    files["segments"] = [f"{names[u.id]} {recordings[os.path.abspath(u.path)]} {_place(u)}" for u in utterances]
    return files


def _place(utterance: Utterance) -> str:
    """Return start, end (-1 for that of the file) and, where there is one, channel of a segment."""
    end_s = "-1" if utterance.end_s is None else f"{utterance.end_s:.6f}"
    channel = "" if utterance.channel is None else f" {utterance.channel}"
    return f"{utterance.start_s:.6f} {end_s}{channel}"


def _name(name: str) -> str:
    if not name or len(name.split()) != 1 or name != name.strip():
        raise BadFormat(f"Kaldi separates by blanks, so {name!r} cannot be a name; rename it")
    return name
