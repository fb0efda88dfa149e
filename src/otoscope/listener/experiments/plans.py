"""What a user's item table says of each item, checked; in come rows of text, out go plans of trials."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from otoscope.core import BadFormat, BadInput
from otoscope.io.delimited import DelimitedTable, read_delimited
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.phone_strings import parse_phones
from otoscope.lexicon.pronunciations import Phones
from otoscope.listener.stimuli.tables import CONDITION, FILE, ITEM, KIND, PHONES, VOICE, WORD

ENDINGS = (".wav", ".flac", ".ogg", ".mp3")
SYNONYMS = {"item": ITEM, "word": WORD, "pronunciation": PHONES, "sound": ("sound", *FILE), "kind": KIND,
            "condition": CONDITION, "voice": VOICE}  # fmt: skip
SPOKEN = ("word", "cohort", "rhyme", "unrelated", "embedded")
"""Columns that hold words of the lexicon."""
SOUNDS = ("sound", "sound_first", "sound_second", "sound_embedded")
NUMBERS = ("snr_db", "position", "at", "onset_s", "offset_s")


@dataclass(frozen=True)
class Plan:
    """One item to be heard.

    Parameters
    ----------
    number
        Which, from 0; draws and voices go by it.
    label
        Its name.
    fields
        What the table says of it, by canonical names of columns, empty fields left out.
    human_rt_s
        Reaction times of people, from the onset, seconds.
    place
        File and line, for messages.
    """

    number: int
    label: str
    fields: Mapping[str, str]
    human_rt_s: tuple[float, ...] = ()
    place: str = ""

    def get(self, name: str) -> str | None:
        """Return a field, `None` where there is none."""
        return self.fields.get(name)

    def phones(self, name: str) -> Phones | None:
        """Return a field of phones."""
        written = self.get(name)
        return None if written is None else parse_phones(written)

    def number_of(self, name: str) -> float | None:
        """Return a field that is a number."""
        written = self.get(name)
        return None if written is None else float(written)


def read_plans(
    path: str | os.PathLike[str], needs: Sequence[str], *, sounds: str | os.PathLike[str] | None = None
) -> tuple[Plan, ...]:
    """Read an item table: a row an item, or a row a trial of people with the item's fields repeated.

    Parameters
    ----------
    path
        CSV or TSV with a header.
    needs
        Columns that must be there; `a|b` one of them.
    sounds
        Folder of the recordings; by default that of the table. Where the table has no column `sound`, each item's file
        in this folder is the one that is called as it is.

    Raises
    ------
    BadFormat
        A column is missing, a field cannot be read, or a file is not there; with the line.
    """
    table = read_delimited(path)
    if sounds is not None and not Path(sounds).is_dir():
        raise BadInput(f"there is no folder of sounds {os.fspath(sounds)}")
    if table.find("rt") is not None:
        raise BadFormat(f"{table.path}: the column {table.find('rt')!r} must say its unit: rt_ms or rt_s")
    rows = [_canonical(table, row) for row in range(len(table.rows))]
    names = {_name(column) for column in table.header} | ({"sound"} if sounds is not None else set())
    for need in needs:
        if not names & set(need.split("|")):
            table.need(*need.split("|"))
    found: dict[tuple[tuple[str, str], ...], tuple[int, list[float]]] = {}
    for row, fields in enumerate(rows):
        _with_files(fields, table, row, sounds)
        for need in needs:
            if not any(fields.get(name) for name in need.split("|")):
                raise BadFormat(f"{table.place(row)}: {need.replace('|', ' or ')} is empty")
        times = [float(fields.pop("rt_s"))] if "rt_s" in fields else []
        found.setdefault(tuple(sorted(fields.items())), (row, []))[1].extend(times)
    return _labelled([(dict(key), times, table.place(row)) for key, (row, times) in found.items()])


def plans_from(rows: Iterable[Mapping[str, str]]) -> tuple[Plan, ...]:
    """Return plans of rows that are known to be right: default items."""
    return _labelled([(dict(row), [], "") for row in rows])


def checked(plans: Sequence[Plan], lexicon: MentalLexicon, *, may_be_new: bool = True) -> MentalLexicon:
    """Return the lexicon with the words that only the table knows, and see that every word is known.

    Raises
    ------
    BadFormat
        A word is not in the lexicon and has no pronunciation, or a pronunciation has a phone that is not English.
    """
    new: dict[str, Phones] = {}
    for plan in plans:
        for name in SPOKEN:
            word = plan.get(name)
            if word is None or word in lexicon or plan.get("kind") == "pseudoword":
                continue
            said = plan.phones("pronunciation") if name == "word" and may_be_new else None
            if said is None:
                how = "; give its pronunciation (ARPAbet, as B EH D)" if name == "word" and may_be_new else ""
                raise BadFormat(f"{plan.place}: the lexicon has no word {word!r}{how}")
            new[word] = said
        for name in ("pronunciation", "donor_first", "donor_second"):
            strange = sorted(set(plan.phones(name) or ()) - set(lexicon.phones))
            if strange:
                raise BadFormat(f"{plan.place}: {strange[0]!r} is no phone; there are {' '.join(lexicon.phones)}")
    return lexicon.with_words(new) if new else lexicon


def _labelled(rows: Sequence[tuple[dict[str, str], list[float], str]]) -> tuple[Plan, ...]:
    names = [_label(fields) for fields, _, _ in rows]
    plans = []
    for number, (fields, times, place) in enumerate(rows):
        label, file = names[number], fields.get("sound")
        if names.count(label) > 1 and file is not None:
            label = f"{label} ({Path(file).stem})"
        plans.append(Plan(number, label, fields, tuple(times), place))
    return tuple(plans)


def _label(fields: Mapping[str, str]) -> str:
    file = fields.get("sound")
    found = fields.get("item") or fields.get("word") or fields.get("pronunciation")
    return found or (Path(file).stem if file else "/".join(fields.get(name, "") for name in ("first", "second")))


def _name(column: str) -> str:
    lower = column.lower()
    return next((name for name, others in SYNONYMS.items() if lower in others), lower)


def _canonical(table: DelimitedTable, row: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for column, written in zip(table.header, table.rows[row], strict=True):
        name, value = _name(column), written
        if value in ("", "NA") or name in ("listener", "subject", "participant", "answer", "response", "correct"):
            continue
        if name in ("rt_ms", "rt_s", "onset_ms", "onset_s", "offset_ms", "offset_s"):
            seconds = _number(table, row, column, value) * (1e-3 if name.endswith("ms") else 1.0)
            name, value = f"{name.rpartition('_')[0]}_s", repr(seconds)
        elif name in NUMBERS:
            _number(table, row, column, value)
        elif name in ("pronunciation", "donor_first", "donor_second"):
            try:
                value = " ".join(parse_phones(value))
            except BadFormat as error:
                raise BadFormat(f"{table.place(row)}: {error}") from error
        elif name == "kind":
            value = _kind(table, row, value)
        found.setdefault(name, value.lower() if name in SPOKEN else value)
    return found


def _kind(table: DelimitedTable, row: int, written: str) -> str:
    from otoscope.listener.fitting.columns import NO, YES

    if written.lower() not in YES | NO:
        raise BadFormat(f"{table.place(row)}: kind must be word or pseudoword, got {written!r}")
    return "word" if written.lower() in YES else "pseudoword"


def _number(table: DelimitedTable, row: int, column: str, written: str) -> float:
    try:
        return float(written)
    except ValueError:
        raise BadFormat(f"{table.place(row)}: {column} must be a number, got {written!r}") from None


def _with_files(fields: dict[str, str], table: DelimitedTable, row: int, sounds: str | os.PathLike[str] | None) -> None:
    """Put the whole path of each recording into a row; raises `BadFormat` where one is not there."""
    folder = Path(table.path).parent if sounds is None else Path(sounds)
    for name in SOUNDS:
        if name in fields:
            path = folder / fields[name]
            if not path.is_file():
                raise BadFormat(f"{table.place(row)}: there is no file {path}")
            fields[name] = str(path)
    if sounds is not None and "sound" not in fields:
        label = fields.get("item") or fields.get("word") or ""
        paths = [folder / f"{label}{ending}" for ending in ENDINGS]
        found = next((path for path in paths if path.is_file()), None)
        if found is None:
            raise BadFormat(f"{table.place(row)}: {folder} has no recording {label}{{{','.join(ENDINGS)}}}")
        fields["sound"] = str(found)
