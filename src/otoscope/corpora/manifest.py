"""Corpora on disk: a folder with `manifest.tsv` in, utterances out.

The manifest is tab-separated with a heading line. Columns `id`, `path` (relative to the folder), `speaker`, `text`,
`duration_s` and `split` are needed. `start_s`, `end_s` and `channel` say where in its file an utterance lies, `tiers`
leads to a file of known words and phones; empty cells there mean none. Further columns are passed over.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from otoscope.core import BadFormat, BadInput
from otoscope.corpora.findings import CorpusFault, problem
from otoscope.corpora.utterance import Utterance

__all__ = ["COLUMNS", "Utterance", "check_speakers_disjoint", "checked", "manifest_text", "read_manifest", "scan"]

COLUMNS = ("id", "path", "speaker", "text", "duration_s", "split")
"""The columns a manifest must have, in any order."""

NO_SPEAKER = ("", "-", "unknown", "none", "noise", "meeting", "various")
"""What stands, in any case of letters, for nobody in particular."""

PLACE = ("start_s", "end_s", "channel")
_UNIT = {"duration_s": "of seconds ", "start_s": "of seconds ", "end_s": "of seconds ", "channel": ""}


def scan(path: Path, split: str | None = None) -> Iterator[Utterance | CorpusFault]:
    """Yield the utterances of a manifest, and a finding for each line that cannot be read."""
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
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            utterance = _utterance(line, heading, path.parent, where=f"{path}:{number}")
            if split is None or isinstance(utterance, CorpusFault) or utterance.split == split:
                yield utterance


def _utterance(line: str, heading: list[str], folder: Path, *, where: str) -> Utterance | CorpusFault:
    cells = line.split("\t")
    if len(cells) != len(heading):
        return problem(where, f"{len(cells)} columns, the heading has {len(heading)}")
    row = dict(zip(heading, cells, strict=True))
    for column in ("id", "path"):
        if not row[column].strip():
            return problem(where, f"column {column} is empty")
    numbers: dict[str, float] = {}
    for column in (*(name for name in PLACE if row.get(name)), "duration_s"):
        try:
            numbers[column] = float(row[column])
        except ValueError:
            numbers[column] = math.nan
        least = "above 0" if column in ("duration_s", "end_s") else "of 0 or more"
        if not (math.isfinite(numbers[column]) and numbers[column] >= 0) or (
            least == "above 0" and not numbers[column]
        ):
            return problem(where, f"{column} must be a number {_UNIT[column]}{least}, got {row[column]!r}", row["id"])
    channel = numbers.get("channel")
    return Utterance(
        row["id"],
        folder / row["path"],
        " ".join(row["text"].split()),
        row["speaker"],
        row["split"],
        numbers["duration_s"],
        start_s=numbers.get("start_s", 0.0),
        end_s=numbers.get("end_s"),
        channel=None if channel is None else int(channel),
        annotation=folder / row["tiers"] if row.get("tiers") else None,
        where=where,
    )


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
    return checked(scan(path), path, split=split)


def checked(
    scanned: Iterable[Utterance | CorpusFault], path: Path, *, split: str | None = None
) -> tuple[Utterance, ...]:
    """Return the utterances of one split if every line can be read and no id stands twice.

    Raises
    ------
    BadFormat
        The first line that breaks a rule.
    BadInput
        There is no utterance of that split.
    """
    utterances: dict[str, Utterance] = {}
    for item in scanned:
        if isinstance(item, CorpusFault):
            raise BadFormat(str(item))
        if item.id in utterances:
            raise BadFormat(f"{item.where}: utterance {item.id!r} stands in the manifest twice")
        utterances[item.id] = item
    kept = tuple(u for u in utterances.values() if split is None or u.split == split)
    if not kept:
        splits = sorted({u.split for u in utterances.values()})
        raise BadInput(f"{path} has no utterance of split {split!r}; it has {', '.join(splits) or 'no utterance'}")
    return kept


def manifest_text(utterances: Sequence[Utterance], folder: Path) -> str:
    """Return utterances as a manifest; files below `folder` get paths relative to it, others whole ones.

    Tiers are named where they lie in files; see `otoscope.corpora.writing.write_manifest` for those that do not.

    Raises
    ------
    BadFormat
        A field holds a tab or a line end, which a manifest cannot.
    """
    columns = [*COLUMNS, *(name for name in (*PLACE, "tiers") if any(_cell(u, name, folder) for u in utterances))]
    rows = [columns] + [[_cell(u, name, folder) for name in columns] for u in utterances]
    for row in rows:
        if any(char in cell for cell in row for char in "\t\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"):
            raise BadFormat(f"a manifest cannot hold tabs or line ends, as utterance {row[0]!r} has")
    return "".join("\t".join(row) + "\n" for row in rows)


def _cell(utterance: Utterance, column: str, folder: Path) -> str:
    value = getattr(utterance, "annotation" if column == "tiers" else column)
    if value is None or (column == "start_s" and value == 0) or (column == "tiers" and not isinstance(value, Path)):
        return ""
    if isinstance(value, Path):
        whole, base = Path(os.path.abspath(value)), Path(os.path.abspath(folder))
        return whole.relative_to(base).as_posix() if whole.is_relative_to(base) else str(whole)
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def check_speakers_disjoint(utterances: Iterable[Utterance]) -> None:
    """Check that no speaker stands in two splits: otherwise a test of unseen speakers tests seen ones.

    Raises
    ------
    BadInput
        A known speaker (none of `NO_SPEAKER`) stands in more than one split; the message names both.
    """
    splits: dict[str, str] = {}
    for utterance in utterances:
        if utterance.speaker.lower() in NO_SPEAKER:
            continue
        first = splits.setdefault(utterance.speaker, utterance.split)
        if first != utterance.split:
            raise BadInput(
                f"speaker {utterance.speaker!r} stands in splits {first} and {utterance.split} "
                f"(utterance {utterance.id!r}); give each speaker to one split"
            )
