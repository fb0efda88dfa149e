"""Corpora on disk: a folder with `manifest.tsv` in, utterances out.

The manifest is tab-separated with a heading line. Columns `id`, `path` (relative to the folder), `speaker`, `text`,
`duration_s` and `split` are needed; further columns are passed over.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from otoscope.core import BadFormat, BadInput, Recording

COLUMNS = ("id", "path", "speaker", "text", "duration_s", "split")
"""The columns a manifest must have, in any order."""


@dataclass(frozen=True)
class Utterance:
    """One recording of a corpus and what is said in it; the sound is read when it is asked for.

    `duration_s` is what the manifest says, `path` leads to the audio file.
    """

    id: str
    path: Path
    text: str
    speaker: str
    split: str
    duration_s: float

    def recording(self, *, rate_hz: int | None = 16000) -> Recording:
        """Read the sound as one channel at `rate_hz` (`None` keeps the file's own rate)."""
        return Recording.read(self.path, rate_hz=rate_hz)


def read_manifest(folder: str | os.PathLike[str], *, split: str | None = None) -> tuple[Utterance, ...]:
    """Read `manifest.tsv` of a corpus folder, in the order of its lines.

    Parameters
    ----------
    folder
        The corpus, or the path of the manifest itself.
    split
        Keep only utterances of this split; by default all.

    Raises
    ------
    BadInput
        There is no manifest, or no utterance of that split; the message names the splits there are.
    BadFormat
        A line breaks the format; the message names file and line.
    """
    path = Path(folder)
    path = path / "manifest.tsv" if path.is_dir() else path
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise BadInput(f"no corpus manifest at {path}; a corpus is a folder with manifest.tsv") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as a corpus manifest: {error}") from error
    heading = lines[0].split("\t") if lines else []
    absent = [column for column in COLUMNS if column not in heading]
    if absent:
        raise BadFormat(f"{path}:1: no column {', '.join(absent)}; a manifest needs {', '.join(COLUMNS)}")
    utterances = _utterances(path, heading, lines[1:])
    kept = tuple(u for u in utterances if split is None or u.split == split)
    if not kept:
        splits = sorted({u.split for u in utterances})
        raise BadInput(f"{path} has no utterance of split {split!r}; it has {', '.join(splits) or 'no utterance'}")
    return kept


def _utterances(path: Path, heading: list[str], lines: list[str]) -> list[Utterance]:
    utterances: dict[str, Utterance] = {}
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        utterance = _utterance(line, heading, path.parent, where=f"{path}:{number}")
        if utterance.id in utterances:
            raise BadFormat(f"{path}:{number}: utterance {utterance.id!r} stands in the manifest twice")
        utterances[utterance.id] = utterance
    return list(utterances.values())


def _utterance(line: str, heading: list[str], folder: Path, *, where: str) -> Utterance:
    cells = line.split("\t")
    if len(cells) != len(heading):
        raise BadFormat(f"{where}: {len(cells)} columns, the heading has {len(heading)}")
    row = dict(zip(heading, cells, strict=True))
    for column in ("id", "path"):
        if not row[column].strip():
            raise BadFormat(f"{where}: column {column} is empty")
    try:
        duration_s = float(row["duration_s"])
    except ValueError:
        duration_s = math.nan
    if not (math.isfinite(duration_s) and duration_s > 0):
        raise BadFormat(f"{where}: duration_s must be a number of seconds above 0, got {row['duration_s']!r}")
    text = " ".join(row["text"].split())
    return Utterance(row["id"], folder / row["path"], text, row["speaker"], row["split"], duration_s)


def check_speakers_disjoint(utterances: Iterable[Utterance]) -> None:
    """Check that no speaker stands in two splits: otherwise a test of unseen speakers tests seen ones.

    Raises
    ------
    BadInput
        A known speaker (not empty, "-" or "unknown") stands in more than one split; the message names both.
    """
    splits: dict[str, str] = {}
    for utterance in utterances:
        if utterance.speaker.lower() in ("", "-", "unknown"):
            continue
        first = splits.setdefault(utterance.speaker, utterance.split)
        if first != utterance.split:
            raise BadInput(
                f"speaker {utterance.speaker!r} stands in splits {first} and {utterance.split} "
                f"(utterance {utterance.id!r}); give each speaker to one split"
            )
