"""A table of trials of the user's own: item, listener, reaction time; read with what is said in each item."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from otoscope.core import BadInput
from otoscope.listener.fitting.columns import Columns, read_columns
from otoscope.listener.fitting.trials import Trials, trials_from
from otoscope.listener.stimuli.tables import FILE, KIND, LISTENER, WORD

ITEM = ("item", "label", "stimulus", *WORD)
ORDER = ("trial", "order")


@dataclass(frozen=True)
class TrialTable:
    """Trials, and by the name of an item the word said and the file of the recording, where the table says so."""

    trials: Trials
    words: Mapping[str, str]
    sounds: Mapping[str, str]


def read_trial_table(path: str | os.PathLike[str]) -> TrialTable:
    """Read trials from a table with a row a trial.

    Parameters
    ----------
    path
        Columns: `item` (or `word`), `listener` (or `subject`, `participant`), `rt_s` or `rt_ms` from the onset of the
        item; and where known `correct`, `kind`, `duration_s` or `duration_ms`, `trial` (its place in the session),
        `word`, `sound`. Without `correct` all answers count as right; without `kind` all items are words.

    Raises
    ------
    BadFormat
        A column is missing or a field cannot be read; with the row.
    """
    table = read_columns(path)
    if table.find("rt") is not None:
        raise BadInput(f"{table.path}: the column {table.find('rt')!r} must say its unit: rt_ms or rt_s")
    names, n = table.text(*ITEM), len(table)
    rt = _seconds(table, "rt")
    if rt is None:
        table.numbers("rt_s", "rt_ms")
    duration = _seconds(table, "duration")
    kinds = table.truths(*KIND) if table.find(*KIND) else np.ones(n, dtype=bool)
    right = table.truths("correct", "acc", "accuracy") if table.find("correct", "acc", "accuracy") else np.ones(n, bool)
    trials = trials_from(
        names, table.text(*LISTENER), np.zeros(0) if rt is None else rt, correct=right,
        of_item=(kinds.tolist(), (np.full(n, np.nan) if duration is None else duration).tolist()),
        order=table.numbers(*ORDER) if table.find(*ORDER) else None,
    )  # fmt: skip
    return TrialTable(trials, _of_item(table, names, WORD), _of_item(table, names, ("sound", *FILE)))


def _seconds(table: Columns, name: str) -> np.ndarray | None:
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if table.find(f"{name}_{unit}") is not None:
            return np.asarray(table.numbers(f"{name}_{unit}") * scale)
    return None


def _of_item(table: Columns, items: tuple[str, ...], names: tuple[str, ...]) -> Mapping[str, str]:
    if table.find(*names) is None:
        return MappingProxyType({})
    pairs = zip(items, table.text(*names), strict=True)
    return MappingProxyType({item: value for item, value in pairs if value})


def of_items(trials: Trials, names: list[str]) -> Trials:
    """Return the trials of some items, in the order of `names`, listeners without a trial left out."""
    place = {name: k for k, name in enumerate(trials.items)}
    old = np.array([place[name] for name in names], dtype=np.int64)
    new = np.full(len(trials.items), -1)
    new[old] = np.arange(old.size)
    part = trials.only(new[trials.item] >= 0)
    people, listener = np.unique(part.listener, return_inverse=True)
    return replace(
        part, items=tuple(names), listeners=tuple(trials.listeners[k] for k in people), item=new[part.item],
        listener=listener, is_word=trials.is_word[old], duration_s=trials.duration_s[old],
    )  # fmt: skip
