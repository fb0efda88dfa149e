"""Tables of the user's own: text with a header, fields parted by tabs, commas or semicolons; read and written back."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otoscope.core import BadFormat
from otoscope.io.writing import write_text


@dataclass(frozen=True)
class DelimitedTable:
    r"""A table as it was read.

    Parameters
    ----------
    path
        Where from, for messages.
    header
        Names of the columns, as written.
    rows
        Fields of each row, white space at both ends left out.
    lines
        Line number of each row, from 1.
    separator
        `\t`, `,` or `;`.
    """

    path: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    separator: str

    def column(self, name: str) -> tuple[str, ...]:
        """Return a column by its name as written."""
        place = self.header.index(name)
        return tuple(row[place] for row in self.rows)

    def find(self, *names: str) -> str | None:
        """Return the first column with one of these names, as written in the header (case does not matter), if any."""
        written = {name.lower(): name for name in reversed(self.header)}
        return next((written[name.lower()] for name in names if name.lower() in written), None)

    def need(self, *names: str) -> str:
        """Return the column with one of these names, as written.

        Raises
        ------
        BadFormat
            There is none; the message lists the columns.
        """
        found = self.find(*names)
        if found is None:
            raise BadFormat(f"{self.path} has no column {' or '.join(names)}; it has {', '.join(self.header)}")
        return found

    def place(self, row: int) -> str:
        """Return file and line of a row, for messages."""
        return f"{self.path}, line {self.lines[row]}"


def read_delimited(path: str | os.PathLike[str]) -> DelimitedTable:
    """Read a table with a header; what parts its fields is taken from the header. Quotes count except between tabs.

    Raises
    ------
    BadFormat
        The file cannot be read as UTF-8 text, has no header or no rows, names a column twice, or a row has fewer or
        more fields than the header; with the line.
    """
    lines = _lines(path)
    if not lines or not lines[0].strip():
        raise BadFormat(f"{path} has no header; its first line must name the columns")
    separator = max("\t,;", key=lines[0].count)
    quoting: Any = csv.QUOTE_NONE if separator == "\t" else csv.QUOTE_MINIMAL
    reader = csv.reader(lines, delimiter=separator, quoting=quoting)
    header = tuple(name.strip() for name in next(reader))
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise BadFormat(f"{path} names the column {twice[0]!r} twice")
    rows, numbers = [], []
    for fields in reader:
        if not any(field.strip() for field in fields):
            continue
        if len(fields) != len(header):
            raise BadFormat(f"{path}, line {reader.line_num}: {len(fields)} fields, where the header has {len(header)}")
        rows.append(tuple(field.strip() for field in fields))
        numbers.append(reader.line_num)
    if not rows:
        raise BadFormat(f"{path} has a header but no rows")
    return DelimitedTable(os.fspath(path), header, tuple(rows), tuple(numbers), separator)


def write_delimited(
    path: str | os.PathLike[str], rows: Sequence[Mapping[str, Any]], *, separator: str | None = None
) -> None:
    r"""Write rows as a table; columns are the keys in order of their first appearance, missing values are empty.

    Parameters
    ----------
    path
        By its ending `.csv`, fields are parted by commas, else by tabs, unless `separator` says otherwise.
    rows
        Values are written by `str`, numbers with up to seven digits, `None` as nothing, truth as `1` and `0`.
    separator
        `\t`, `,` or `;`.

    Raises
    ------
    CannotWrite
        See `otoscope.io.writing.write_text`.
    """
    parting = separator or ("," if Path(path).suffix.lower() == ".csv" else "\t")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    if parting == "\t":
        for fields in (columns, *([_field(row.get(name)) for name in columns] for row in rows)):
            text.write("\t".join(" ".join(field.split()) for field in fields) + "\n")
    else:
        writer = csv.writer(text, delimiter=parting, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_field(row.get(name)) for name in columns] for row in rows)
    write_text(path, text.getvalue())


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _lines(path: str | os.PathLike[str]) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadFormat(f"{path} cannot be read as UTF-8 text: {error}") from error
