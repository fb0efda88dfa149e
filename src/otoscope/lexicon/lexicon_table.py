"""A lexicon of the user's own, any language: a table with a header in, what a `MentalLexicon` is made of out."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadFormat, OtoscopeError, UnknownName
from otoscope.io.delimited import read_delimited
from otoscope.lexicon.phone_strings import WRITINGS, parse_phones
from otoscope.lexicon.pronunciations import Phones

WORD = ("word", "item", "orthography", "spelling")
PHONES = ("phones", "pronunciation", "transcription", "ipa", "arpabet")
FREQUENCY = ("per_million", "zipf", "count")
"""Names a column may have; case does not matter."""
Columns = tuple[tuple[str, ...], tuple[tuple[Phones, ...], ...], NDArray[np.float64]]
"""Words, their pronunciations, and how often each is met in a million words."""


def lexicon_columns(
    path: str | os.PathLike[str], *, phones: str = "spaced", columns: Mapping[str, str] | None = None
) -> Columns:
    """Read a lexicon from a table with a header, fields parted by tabs (or by commas or semicolons, as the header is).

    Parameters
    ----------
    path
        UTF-8 text. One column holds the word (`word`, `item`, `orthography` or `spelling`), one its phones (`phones`,
        `pronunciation`, `transcription`, `ipa` or `arpabet`), one how frequent it is: `per_million`, `zipf` (log10 of
        occurrences in a billion) or `count` (scaled so that all counts add to a million; 0 is not allowed, so add 1
        to all). A word on several rows has several pronunciations, the usual one first, and one frequency.
    phones
        How phones are written: `spaced` (`B EH D`), `characters` (each a phone) or `ipa` (see `parse_phones`).
    columns
        Other names of the columns, by `word`, `phones` and `per_million`, `zipf` or `count`.

    Raises
    ------
    BadFormat
        A column is missing, a row is short, a field cannot be read, or a word has two frequencies; with the line.
    """
    if phones not in WRITINGS:
        raise UnknownName("way of writing phones", phones, WRITINGS)
    names = dict(columns or {})
    strange = sorted(set(names) - {"word", "phones", *FREQUENCY})
    if strange:
        raise UnknownName("column", strange[0], ("word", "phones", *FREQUENCY))
    table = read_delimited(path)
    words = table.column(table.need(*_names("word", WORD, names)))
    written = table.column(table.need(*_names("phones", PHONES, names)))
    named = [name for name in FREQUENCY if name in names]
    column = table.need(*(names[named[0]],) if named else FREQUENCY)
    measure, values = named[0] if named else column.lower(), table.column(column)
    said: dict[str, list[Phones]] = {}
    frequencies: dict[str, tuple[float, str]] = {}
    for row, (word, way, value) in enumerate(zip(words, written, values, strict=True)):
        place = table.place(row)
        if not word:
            raise BadFormat(f"{place}: the word is empty")
        frequency = _number(value, place, positive=measure != "zipf")
        known, first = frequencies.setdefault(word, (frequency, place))
        if known != frequency:
            raise BadFormat(f"{place}: {word!r} has another frequency than in {first}; give it one only")
        said.setdefault(word, []).append(_way(way, phones, place))
    _check_parted(said, phones, path)
    return _lexicon(said, np.array([frequency for frequency, _ in frequencies.values()]), measure)


def _names(role: str, usual: tuple[str, ...], names: Mapping[str, str]) -> tuple[str, ...]:
    return (names[role],) if role in names else usual


def _way(written: str, writing: str, place: str) -> Phones:
    try:
        return parse_phones(written, writing)
    except OtoscopeError as error:
        raise BadFormat(f"{place}: {error}") from error


def _lexicon(said: Mapping[str, list[Phones]], values: NDArray[np.float64], measure: str) -> Columns:
    ways = tuple(tuple(dict.fromkeys(pronunciations)) for pronunciations in said.values())
    scale = {"count": lambda: 1e6 * values / values.sum(), "zipf": lambda: 10.0 ** (values - 3)}
    return tuple(said), ways, scale.get(measure, lambda: values)()


def _number(text: str, place: str, *, positive: bool) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value) or (positive and value <= 0):
        raise BadFormat(f"{place}: a frequency must be a number{' above 0' if positive else ''}, got {text!r}")
    return value


def _check_parted(said: Mapping[str, list[Phones]], phones: str, path: str | os.PathLike[str]) -> None:
    ways = [way for pronunciations in said.values() for way in pronunciations]
    if phones == "spaced" and len(ways) > 1 and all(len(way) == 1 for way in ways) and max(len(w[0]) for w in ways) > 3:
        raise BadFormat(f"the phones in {path} are not parted by spaces; read it with phones='characters' or 'ipa'")
