"""Common Voice: a language folder with `clips/` and one table a split, `train.tsv`, `dev.tsv`, `test.tsv`.

Tables are tab-separated without quoting, as Mozilla's CorporaCreator writes them. Lengths come from
`clip_durations.tsv` where there is one, else from the headers of the clips.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from otoscope.core import BadFormat
from otoscope.corpora.findings import CorpusFault, problem
from otoscope.corpora.formats.tables import file_length_s, numbered_lines
from otoscope.corpora.utterance import Utterance

SPLITS = ("train", "dev", "test")
COLUMNS = ("client_id", "path", "sentence")


def recognizes(path: Path) -> bool:
    """Whether this is a language folder with clips, or one of its tables (any, such as `validated.tsv`)."""
    if path.is_dir():
        return (path / "clips").is_dir() and any((path / f"{split}.tsv").is_file() for split in SPLITS)
    return path.suffix == ".tsv" and path.is_file() and (path.parent / "clips").is_dir()


def scan(path: Path, split: str | None = None) -> Iterator[Utterance | CorpusFault]:
    """Yield the clips of the three splits, or of the one table that is given."""
    tables = [path] if path.is_file() else [t for s in SPLITS if (t := path / f"{s}.tsv").is_file()]
    folder = tables[0].parent
    lengths_s = _lengths_s(folder / "clip_durations.tsv")
    for table in tables:
        if split in (None, table.stem):
            yield from _clips(table, folder / "clips", lengths_s)


def _clips(table: Path, clips: Path, lengths_s: Mapping[str, float]) -> Iterator[Utterance | CorpusFault]:
    lines = numbered_lines(table)
    heading = next(lines, ("", ""))[1].split("\t")
    absent = [column for column in COLUMNS if column not in heading]
    if absent:
        raise BadFormat(f"{table}:1: no column {', '.join(absent)}; Common Voice has {', '.join(COLUMNS)}")
    for where, line in lines:
        cells = line.split("\t")
        if len(cells) != len(heading):
            yield problem(where, f"{len(cells)} columns, the heading has {len(heading)}")
            continue
        row = dict(zip(heading, cells, strict=True))
        sound = clips / (row["path"] if Path(row["path"]).suffix else f"{row['path']}.mp3")
        length = lengths_s.get(sound.name) or file_length_s(sound, where, sound.stem)
        if isinstance(length, CorpusFault):
            yield length
            continue
        text = " ".join(row["sentence"].split())
        yield Utterance(sound.stem, sound, text, row["client_id"], table.stem, length, where=where)


def _lengths_s(path: Path) -> dict[str, float]:
    """Return the length of each clip by its file name; the table gives milliseconds."""
    if not path.is_file():
        return {}
    lengths_s: dict[str, float] = {}
    for number, (where, line) in enumerate(numbered_lines(path)):
        clip, _, length_ms = line.partition("\t")
        if number and not length_ms.strip().isdecimal():
            raise BadFormat(f"{where}: a clip and its length in whole milliseconds are needed, got {line!r}")
        if number:
            lengths_s[clip] = int(length_ms) / 1000
    return lengths_s
