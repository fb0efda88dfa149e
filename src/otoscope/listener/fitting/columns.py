"""Tables as R writes them: fields parted by tabs, commas or spaces, perhaps in quotes, perhaps with names of rows."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadFormat

MISSING = frozenset({"", "NA", "-", "NaN", "."})
YES = frozenset({"true", "t", "1", "correct", "yes", "word", "real", "w"})
NO = frozenset({"false", "f", "0", "incorrect", "no", "pseudoword", "nonword", "pseudo", "nw", "wrong"})


@dataclass(frozen=True)
class Columns:
    """A table by columns: `names` as written, `fields` by column."""

    path: str
    names: tuple[str, ...]
    fields: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.fields[0])

    def find(self, *names: str) -> str | None:
        """Return the first of these names that is there, as written (case does not matter)."""
        written = {name.lower(): name for name in reversed(self.names)}
        return next((written[name.lower()] for name in names if name.lower() in written), None)

    def text(self, *names: str) -> tuple[str, ...]:
        """Return a column by any of its names.

        Raises
        ------
        BadFormat
            There is none; the message lists those there are.
        """
        found = self.find(*names)
        if found is None:
            raise BadFormat(f"{self.path} has no column {' or '.join(names)}; it has {', '.join(self.names)}")
        return self.fields[self.names.index(found)]

    def numbers(self, *names: str) -> NDArray[np.float64]:
        """Return a column as numbers, NaN where it says that there is none.

        Raises
        ------
        BadFormat
            There is no such column, or a field is no number; with the row.
        """
        written = self.text(*names)
        try:
            return np.array([np.nan if field in MISSING else float(field) for field in written])
        except ValueError:
            row = next(k for k, field in enumerate(written) if field not in MISSING and not _is_number(field))
            raise BadFormat(
                f"{self.path}, row {row + 1}: {self.find(*names)} must be a number, got {written[row]!r}"
            ) from None

    def truths(self, *names: str, missing: bool | None = None) -> NDArray[np.bool_]:
        """Return a column of yes and no, in the words that data sets use.

        Parameters
        ----------
        names
            Of the column.
        missing
            What a field means that says that there is nothing; `None`: there must be something.

        Raises
        ------
        BadFormat
            There is no such column, or a field is neither; with the row.
        """
        written = self.text(*names)
        known = YES | NO if missing is None else YES | NO | {field.lower() for field in MISSING}
        strange = [k for k, field in enumerate(written) if field.lower() not in known]
        if strange:
            raise BadFormat(
                f"{self.path}, row {strange[0] + 1}: {self.find(*names)} must say yes or no (TRUE, correct, word, …), "
                f"got {written[strange[0]]!r}"
            )
        said = (missing if field.lower() not in YES | NO else field.lower() in YES for field in written)
        return np.fromiter(said, dtype=bool, count=len(written))


def read_columns(path: str | os.PathLike[str]) -> Columns:
    """Read a table with a header line.

    Raises
    ------
    BadFormat
        It cannot be read as text, has no rows, or a row has another number of fields than the header.
    """
    try:
        lines = [line for line in Path(path).read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadFormat(f"{path} cannot be read as UTF-8 text: {error}") from error
    if len(lines) < 2:
        raise BadFormat(f"{path} has no rows below a header")
    parting = max("\t,;", key=lines[0].count)
    parting = parting if parting in lines[0] else " "
    lines = [line.rstrip(" ") for line in lines] if parting == " " else lines
    rows = list(csv.reader(lines, delimiter=parting, skipinitialspace=parting == " "))
    header, body = rows[0], rows[1:]
    if all(len(row) == len(header) + 1 for row in body):
        body = [row[1:] for row in body]  # names of rows, which R writes without a name of their own
    wrong = next((k for k, row in enumerate(body) if len(row) != len(header)), None)
    if wrong is not None:
        raise BadFormat(f"{path}, row {wrong + 1}: {len(body[wrong])} fields, where the header has {len(header)}")
    fields: Sequence[tuple[str, ...]] = list(zip(*body, strict=True))
    stripped = tuple(tuple(field.strip() for field in column) for column in fields)
    return Columns(os.fspath(path), tuple(name.strip() for name in header), stripped)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
