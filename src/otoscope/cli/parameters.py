"""`--set NAME=VALUE`: parameters of studies and analyses."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from otoscope.core import BadInput


def read_parameters(given: Sequence[str], *, of: str) -> dict[str, Any]:
    """Read NAME=VALUE; a value that is JSON (a number, a list) is taken as such, anything else as text.

    Examples
    --------
    >>> read_parameters(["limit=50", "along=snr", "levels=[0, 10]"], of="study")
    {'limit': 50, 'along': 'snr', 'levels': [0, 10]}
    """
    parameters: dict[str, Any] = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign or not name.isidentifier():
            raise BadInput(f"--set {each}: give NAME=VALUE of the {of}, such as --set limit=50")
        try:
            parameters[name] = json.loads(value)
        except ValueError:
            parameters[name] = value
    return parameters


def read_column(corpus: Path, column: str) -> dict[str, str]:
    """Return a column of a corpus's tables (`manifest.tsv`, `speakers.tsv`, …) by what stands in their first column.

    Raises
    ------
    BadInput
        No table there has such a column.
    """
    known: set[str] = set()
    for table in sorted(corpus.glob("*.tsv")):
        with table.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
        heading = rows[0] if rows else []
        if column in heading[1:]:
            at = heading.index(column)
            return {row[0]: row[at] for row in rows[1:] if len(row) > at and row[at]}
        known.update(heading[1:])
    raise BadInput(f"no table of {corpus} has a column {column!r}; they have {', '.join(sorted(known)) or 'none'}")
