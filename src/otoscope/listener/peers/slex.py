"""The 212 words on which TRACE and TISK are compared, with their published reaction times and lexical dimensions.

The tables are those that Magnuson, You and Hannagan (2024) published with TISK with feedback.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadFormat, BadInput

Vector = NDArray[np.float64]

FILES = MappingProxyType({"TRACE": "trace_slex.utxt", "TISK": "tisknofb_slex.txt", "TISK+fb": "tiskfb_slex.txt"})
"""Model → file."""
DIMENSIONS = MappingProxyType(
    {"length": "len", "neighbours": "nbs", "cohorts": "cohs", "rhymes": "rhy1", "embedded words": "embed"}
)
"""Lexical dimension → column."""
TIMES = MappingProxyType({"relative": "DiffRt", "held": "cdiffRt", "absolute": "abzRt"})
"""Criterion → column."""
_ESCAPED = str.maketrans({"x": "^", "h": "S"})


@dataclass(frozen=True, eq=False)
class Slex:
    """Words and published figures.

    Attributes
    ----------
    words
        Strings of jTRACE phones.
    dimensions
        Lexical dimension → `(n_words,)`.
    times
        Model → criterion → `(n_words,)` cycles; NaN where the word was not recognised.
    peaks
        `(n_words,)` greatest probability of choice of each word in TRACE.
    sha256
        Of the three files.
    """

    words: tuple[str, ...]
    dimensions: Mapping[str, Vector]
    times: Mapping[str, Mapping[str, Vector]]
    peaks: Vector
    sha256: str


def read_slex(folder: str | os.PathLike[str]) -> Slex:
    """Read the three tables.

    Raises
    ------
    BadInput
        A file is missing.
    BadFormat
        A column is missing, a field is no number, or the files hold different words.
    """
    tables, digest = {}, hashlib.sha256()
    for model, name in FILES.items():
        path = Path(folder) / name
        if not path.is_file():
            raise BadInput(f"{path} is missing; the folder must hold {', '.join(FILES.values())}")
        raw = path.read_bytes()
        digest.update(raw)
        tables[model] = _columns(path, raw.decode("utf-8"))
    words = tuple(word.translate(_ESCAPED) for word in tables["TRACE"]["wrd"])
    order = {}
    for model, table in tables.items():
        place = {word.translate(_ESCAPED): row for row, word in enumerate(table["wrd"])}
        if set(place) != set(words):
            raise BadFormat(f"{FILES[model]} and {FILES['TRACE']} hold different words")
        order[model] = [place[word] for word in words]
    times = {
        model: MappingProxyType({c: _times(table, column, order[model]) for c, column in TIMES.items()})
        for model, table in tables.items()
    }
    dimensions = {name: _numbers(tables["TRACE"], column) for name, column in DIMENSIONS.items()}
    peaks = _numbers(tables["TRACE"], "tracePeak")
    return Slex(words, MappingProxyType(dimensions), MappingProxyType(times), peaks, digest.hexdigest())


def _columns(path: Path, text: str) -> dict[str, list[str]]:
    rows = list(csv.reader(text.splitlines(), delimiter="\t"))
    wanted = ("wrd", *DIMENSIONS.values(), *TIMES.values())
    missing = [name for name in wanted if not rows or name not in rows[0]]
    if missing:
        raise BadFormat(f"{path} lacks the columns {', '.join(missing)}")
    return {name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0]) if name}


def _numbers(table: Mapping[str, list[str]], column: str) -> Vector:
    try:
        return np.array([np.nan if field in ("NA", "") else float(field) for field in table[column]])
    except (KeyError, ValueError) as error:
        raise BadFormat(f"column {column!r} must hold numbers or NA: {error}") from error


def _times(table: Mapping[str, list[str]], column: str, order: list[int]) -> Vector:
    """Return times in the order of the words; TRACE's table has 0 where there is none."""
    found = _numbers(table, column)[order]
    return np.where(found > 0, found, np.nan)
