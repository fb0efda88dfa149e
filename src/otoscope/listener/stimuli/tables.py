"""A psycholinguist's own item list, with recordings and human answers where there are any; the results written back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from otoscope.core import BadFormat, BadInput, OtoscopeError, Recording
from otoscope.io.delimited import DelimitedTable, read_delimited, write_delimited
from otoscope.lexicon.phone_strings import parse_phones
from otoscope.listener.stimuli.items import Item, Kind

ITEM = ("item", "label", "stimulus")
WORD = ("word", "target")
PHONES = ("phones", "pronunciation", "transcription", "ipa", "arpabet")
FILE = ("file", "filename", "path", "recording", "audio", "wav")
KIND = ("kind", "lexicality", "is_word", "isword")
CONDITION = ("condition",)
VOICE = ("voice", "talker", "speaker")
LISTENER = ("listener", "subject", "participant")
ANSWER = ("answer", "response")
CORRECT = ("correct", "acc", "accuracy")
"""Names a column may have; case does not matter."""

_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("word", "w", "1", "true", "yes", "real"), "word"),
    **dict.fromkeys(("pseudoword", "pseudo", "nonword", "nw", "0", "false", "no", "non-word"), "pseudoword"),
    **dict.fromkeys(("other", "filler"), "other"),
}
_TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True)
class HumanTrial:
    """What a person did with an item: index of the item, row of the table, who, how fast (seconds), what answered."""

    item: int
    row: int
    listener: str | None
    rt_s: float | None
    answer: str | None
    correct: bool | None


@dataclass(frozen=True)
class ItemTable:
    """Items of a table, and the rows they come from.

    Parameters
    ----------
    items
        Each once, in order of first appearance.
    trials
        One a row, where the table has times, answers or listeners; else empty.
    table
        The table as read.
    item_of_row
        Which item each row is about.
    """

    items: tuple[Item, ...]
    trials: tuple[HumanTrial, ...]
    table: DelimitedTable
    item_of_row: tuple[int, ...]

    def write(self, path: str | os.PathLike[str], results: Mapping[str, Mapping[str, Any]]) -> None:
        """Write the table back with columns of results behind its own, the fields of a row by its item's label.

        Parameters
        ----------
        path
            The separator is that of the table read.
        results
            For each label of an item the values of new columns; rows of items without results stay empty there.

        Raises
        ------
        BadInput
            A label is no item of the table, or a new column is there already.
        """
        labels = {item.label for item in self.items}
        strange = [label for label in results if label not in labels]
        taken = [name for values in results.values() for name in values if name in self.table.header]
        if strange or taken:
            what = f"{strange[0]!r} is no item of" if strange else f"a column {taken[0]!r} is already in"
            raise BadInput(f"{what} {self.table.path}; it has the columns {', '.join(self.table.header)}")
        new: list[str] = list(dict.fromkeys(name for values in results.values() for name in values))
        rows = []
        for fields, item in zip(self.table.rows, self.item_of_row, strict=True):
            found = results.get(self.items[item].label, {})
            own = dict(zip(self.table.header, fields, strict=True))
            rows.append({**own, **{name: found.get(name) for name in new}})
        write_delimited(path, rows, separator=self.table.separator)


def read_items(
    path: str | os.PathLike[str], *, phones: str = "spaced", rate_hz: int | None = 16000, sounds: bool = True
) -> ItemTable:
    r"""Read items from a table with a header: one row an item, or one row a trial with the item's fields repeated.

    Parameters
    ----------
    path
        A CSV or TSV file. Columns, by any of their names (`ITEM`, `WORD` …): the item's label (else its word or file),
        the word said, its phones, the file of its recording (relative to the table), kind (`word` or `pseudoword`,
        also 1 and 0; by default a word where there is a word), condition, voice, `onset_s` and `offset_s` (or `_ms`)
        of the speech in the recording. Of trials: listener, `rt_s` or `rt_ms`, answer, correct. Other columns are kept.
    phones
        How phones are written (`otoscope.lexicon.phone_strings.parse_phones`).
    rate_hz
        Rate to which recordings are brought; `None` keeps each file's own.
    sounds
        Read the recordings; without, items have none.

    Raises
    ------
    BadFormat
        Nothing says what the items are, a field cannot be read, or rows of one item disagree; with the line.
    """
    table = read_delimited(path)
    reader = _Rows(table, phones)
    items: dict[str, Item] = {}
    first: dict[str, int] = {}
    files: dict[str, Path] = {}
    for row in range(len(table.rows)):
        item, file = reader.item(row)
        known = items.setdefault(item.label, item)
        if known != item or files.get(item.label, file) != file:
            raise BadFormat(
                f"{table.place(row)}: {item.label!r} differs from its row in line {table.lines[first[item.label]]}"
            )
        first.setdefault(item.label, row)
        if file is not None:
            files[item.label] = file
    if sounds:
        for label, file in files.items():
            items[label] = _heard(items[label], file, rate_hz, table.place(first[label]))
    order = {label: number for number, label in enumerate(items)}
    of_row = tuple(order[reader.label(row)] for row in range(len(table.rows)))
    return ItemTable(tuple(items.values()), reader.trials(of_row), table, of_row)


class _Rows:
    """Reads the fields of rows by what their columns mean."""

    def __init__(self, table: DelimitedTable, writing: str) -> None:
        self._table = table
        self._writing = writing
        roles = {"item": ITEM, "word": WORD, "phones": PHONES, "file": FILE, "kind": KIND, "condition": CONDITION}
        roles |= {"voice": VOICE, "listener": LISTENER, "answer": ANSWER, "correct": CORRECT}
        self._columns = {role: table.find(*names) for role, names in roles.items()}
        if not any(self._columns[role] for role in ("item", "word", "phones", "file")):
            table.need(*ITEM, *WORD, *PHONES, *FILE)
        if table.find("rt") is not None:
            raise BadFormat(f"{table.path}: the column {table.find('rt')!r} must say its unit: rt_ms or rt_s")

    def text(self, role: str, row: int) -> str | None:
        """Return a field, `None` where there is no such column or it is empty or `NA`."""
        column = self._columns.get(role)
        if column is None:
            return None
        value = self._table.rows[row][self._table.header.index(column)]
        return value if value and value != "NA" else None

    def label(self, row: int) -> str:
        """Return the name of a row's item."""
        file = self.text("file", row)
        found = self.text("item", row) or self.text("word", row) or (Path(file).stem if file else None)
        found = found or self.text("phones", row)
        if found is None:
            raise BadFormat(f"{self._table.place(row)}: nothing says what the item is")
        return found

    def item(self, row: int) -> tuple[Item, Path | None]:
        """Return a row's item without its recording, and the file of that."""
        word, written, file = (self.text(role, row) for role in ("word", "phones", "file"))
        try:
            said = None if written is None else parse_phones(written, self._writing)
        except BadFormat as error:
            raise BadFormat(f"{self._table.place(row)}: {error}") from error
        onset, offset = (self._seconds(name, row) for name in ("onset", "offset"))
        if (onset is None) != (offset is None):
            raise BadFormat(f"{self._table.place(row)}: onset and offset of the speech are needed together")
        item = Item(
            self.label(row),
            word,
            said,
            self._kind(row, word),
            self.text("condition", row) or "",
            speech_s=None if onset is None or offset is None else (onset, offset),
            voice=self.text("voice", row),
        )
        return item, None if file is None else Path(self._table.path).parent / file

    def trials(self, of_row: tuple[int, ...]) -> tuple[HumanTrial, ...]:
        """Return what people did, one trial a row, if the table says anything of it."""
        timed = self._table.find("rt_s", "rt_ms")
        if timed is None and not any(self._columns[role] for role in ("listener", "answer", "correct")):
            return ()
        return tuple(
            HumanTrial(
                item,
                row,
                self.text("listener", row),
                self._seconds("rt", row),
                self.text("answer", row),
                self._truth(row),
            )
            for row, item in enumerate(of_row)
        )

    def _kind(self, row: int, word: str | None) -> Kind:
        written = self.text("kind", row)
        if written is None:
            return "other" if word is None else "word"
        if written.lower() not in _KINDS:
            raise BadFormat(f"{self._table.place(row)}: kind must be word, pseudoword or other, got {written!r}")
        return _KINDS[written.lower()]

    def _truth(self, row: int) -> bool | None:
        written = self.text("correct", row)
        if written is None:
            return None
        if written.lower() not in _TRUTHS:
            raise BadFormat(f"{self._table.place(row)}: correct must be 1 or 0, true or false, got {written!r}")
        return _TRUTHS[written.lower()]

    def _seconds(self, name: str, row: int) -> float | None:
        for unit, scale in (("s", 1.0), ("ms", 1e-3)):
            column = self._table.find(f"{name}_{unit}")
            if column is None:
                continue
            written = self._table.rows[row][self._table.header.index(column)]
            if written in ("", "NA"):
                return None
            try:
                return float(written) * scale
            except ValueError:
                raise BadFormat(f"{self._table.place(row)}: {column} must be a number, got {written!r}") from None
        return None


def _heard(item: Item, file: Path, rate_hz: int | None, place: str) -> Item:
    try:
        return replace(item, recording=Recording.read(file, rate_hz=rate_hz))
    except OtoscopeError as error:
        raise BadFormat(f"{place}: {error}") from error
