"""Phone models as flat tables: what any phone-based acoustic model tells a decoder, storable and quick to look up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.core.arrays import ByValue
from otoscope.core.errors import UnknownName
from otoscope.decoding.mmi.transcripts import EDGE
from otoscope.decoding.tree import HmmState, PhoneModels

SILENCE = "SIL"

HALF = math.log(0.5)

CLASSES: Mapping[str, str] = {
    "edge": SILENCE,
    "labial": "P B M F V W",
    "dental": "T D N S Z L TH DH",
    "velar": "K G NG HH",
    "palatal": "SH ZH CH JH Y",
    "rhotic": "R ER",
    "front": "IY IH EH EY AE AY OY",
    "back": "AA AO OW UH UW AW AH",
}
"""Left neighbours that colour a phone alike: place of articulation of consonants, frontness of where vowels end."""


@dataclass(frozen=True, eq=False)
class PhoneTable(ByValue):
    """States of each phone in context; implements `otoscope.decoding.tree.units.PhoneModels`.

    Parameters
    ----------
    phones
        Those of words, then silence.
    rows
        `(n_left, n_phones, n_right)` int32: which row of states stands for a phone between two neighbours; the axis of
        a neighbour that does not matter has length 1. Neighbours are numbered as in `phones`; no neighbour is silence.
    column
        `(n_rows, n_states)` int32: column of the emissions, -1 behind the last state of a row.
    log_loop, log_leave, log_skip
        `(n_rows, n_states)` float64 natural logs; see `otoscope.decoding.tree.units.HmmState`.
    log_bigram
        `(n_phones, n_phones)` float64, log P(phone | phone before), silence included: what is expected of speech whose
        words are not known.
    """

    phones_and_silence: tuple[str, ...]
    rows: NDArray[np.int32]
    column: NDArray[np.int32]
    log_loop: NDArray[np.float64]
    log_leave: NDArray[np.float64]
    log_skip: NDArray[np.float64]
    log_bigram: NDArray[np.float64]

    @classmethod
    def of(cls, models: PhoneModels, counts: Mapping[tuple[str, str], float] | None = None) -> PhoneTable:
        """Return the table of any phone models.

        Parameters
        ----------
        counts
            How often each (phone before, phone) occurs, for the bigram; one more of each is added. Without counts all
            phones are equally likely.
        """
        names = (*(p for p in models.phones if p != models.silence), models.silence)
        sides = [names if matters else (None,) for matters in models.context]
        known: dict[tuple[HmmState, ...], int] = {}
        rows = np.empty((len(sides[0]), len(names), len(sides[1])), np.int32)
        for i, left in enumerate(sides[0]):
            for j, phone in enumerate(names):
                for k, right in enumerate(sides[1]):
                    states = tuple(models.states(left, phone, right))
                    rows[i, j, k] = known.setdefault(states, len(known))
        n_states = max(map(len, known))
        column = np.full((len(known), n_states), -1, np.int32)
        logs = np.full((3, len(known), n_states), -np.inf)
        for states, row in known.items():
            for s, state in enumerate(states):
                column[row, s] = state.column
                logs[:, row, s] = state.log_loop, state.log_leave, state.log_skip
        seen = np.array([[(counts or {}).get((a, b), 0.0) + 1.0 for b in names] for a in names])
        return cls(names, rows, column, logs[0], logs[1], logs[2], np.log(seen / seen.sum(1, keepdims=True)))

    @property
    def phones(self) -> tuple[str, ...]:
        """Phones that can occur in a word."""
        return self.phones_and_silence[:-1]

    @property
    def silence(self) -> str:
        """The phone that stands for silence."""
        return self.phones_and_silence[-1]

    @property
    def context(self) -> tuple[bool, bool]:
        """Whether the left and the right neighbour matter."""
        return self.rows.shape[0] > 1, self.rows.shape[2] > 1

    @property
    def n_columns(self) -> int:
        """Columns of the emissions."""
        return int(self.column.max()) + 1

    @cached_property
    def _numbers(self) -> dict[str | None, int]:
        return {**{name: i for i, name in enumerate(self.phones_and_silence)}, None: len(self.phones)}

    @cached_property
    def _states(self) -> tuple[tuple[HmmState, ...], ...]:
        logs = np.stack([self.log_loop, self.log_leave, self.log_skip], axis=-1)
        return tuple(
            tuple(HmmState(c, *own) for c, own in zip(columns, values, strict=True) if c >= 0)
            for columns, values in zip(self.column.tolist(), logs.tolist(), strict=True)
        )

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        """Return the states of `phone` between two neighbours.

        Raises
        ------
        UnknownName
            One of the phones is not in the table.
        """
        for name in (left, phone, right):
            if name not in self._numbers:
                raise UnknownName("phone", str(name), self.phones_and_silence)
        use_left, use_right = self.context
        i, k = self._numbers[left] if use_left else 0, self._numbers[right] if use_right else 0
        return self._states[self.rows[i, self._numbers[phone], k]]

    def names(self) -> tuple[str, ...]:
        """Return a name for each column: phone, state, and the left neighbours it is for if not all (`"AH.1|K G"`).

        Where the right neighbour matters too, the columns of a phone's state are numbered instead (`"AH.1/7"`).
        """
        if self.context[1]:
            return self._numbered_names()
        lefts: list[dict[str, None]] = [{} for _ in range(self.n_columns)]
        bare = [""] * self.n_columns
        for i in range(self.rows.shape[0]):
            for j, phone in enumerate(self.phones_and_silence):
                for row in np.unique(self.rows[i, j]):
                    for s, column in enumerate(self.column[row]):
                        if column >= 0:
                            bare[column] = f"{phone}.{s + 1}"
                            lefts[column][self.phones_and_silence[i]] = None
        n_left = self.rows.shape[0]
        shown = [
            name if len(own) == n_left else f"{name}|{' '.join(own)}" for name, own in zip(bare, lefts, strict=True)
        ]
        return tuple(name if shown.count(name) == 1 else f"{name}#{column}" for column, name in enumerate(shown))

    def _numbered_names(self) -> tuple[str, ...]:
        names = [""] * self.n_columns
        for j, phone in enumerate(self.phones_and_silence):
            own = self.column[np.unique(self.rows[:, j])]
            for s, columns in enumerate(own.T):
                found = np.unique(columns[columns >= 0]).tolist()
                for k, column in enumerate(found, start=1):
                    names[column] = f"{phone}.{s + 1}" + (f"/{k}" if len(found) > 1 else "")
        return tuple(name if names.count(name) == 1 else f"{name}#{c}" for c, name in enumerate(names))


@dataclass(frozen=True)
class Biphones:
    """Phones after a phone, each with two columns: its first frame, and all that follow (Povey et al. 2016, figure 1).

    `units` maps (left neighbour, phone) to a number; its columns are twice that number and the next one.
    """

    phones: tuple[str, ...]
    units: Mapping[tuple[str, str], int]
    silence: str = SILENCE
    context: tuple[bool, bool] = (True, False)

    @classmethod
    def of(cls, table: PhoneTable) -> Biphones:
        """Return the biphones that a table was made from."""
        units = {
            (left, phone): table.states(left, phone, None)[0].column // 2
            for left in table.phones_and_silence
            for phone in table.phones_and_silence
        }
        return cls(table.phones, units, table.silence)

    def columns(self, left: str | None, phone: str) -> tuple[int, int]:
        """Return the columns of a phone's first frame and of the rest; before the first phone it is as if silent."""
        unit = self.units[self.silence if left is None or left == EDGE else left, phone]
        return 2 * unit, 2 * unit + 1

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        """Return the two states of a phone; the second may be left out."""
        first, rest = self.columns(left, phone)
        return HmmState(first, -math.inf, HALF), HmmState(rest, HALF, HALF, 0.0)


def tied_biphones(counts: Mapping[tuple[str, str], float], phones: Iterable[str], *, least: float = 100.0) -> Biphones:
    """Tie rare biphones: to a class of left neighbours (`CLASSES`), and where that is rare, to the phone alone.

    Parameters
    ----------
    counts
        How often each (left neighbour, phone) is expected in the training transcripts; the edge of an utterance counts
        as silence.
    phones
        Phones of words.
    least
        Occurrences for a biphone of its own; a third of that for a class.

    Raises
    ------
    BadInput
        A phone belongs to no class.
    """
    names = tuple(phones)
    class_of = {phone: name for name, members in CLASSES.items() for phone in members.split()}
    if strange := sorted(set(names) - set(class_of)):
        raise BadInput(f"no class of left neighbours holds {', '.join(strange)}; the phones are those of ARPAbet")
    lefts = rights = (*names, SILENCE)
    expected = {(left, phone): counts.get((left, phone), 0.0) for left in lefts for phone in rights}
    in_class: dict[tuple[str, str], float] = {}
    for phone in rights:
        expected[SILENCE, phone] += counts.get((EDGE, phone), 0.0)
        for left in lefts:
            if expected[left, phone] < least:
                key = class_of[left], phone
                in_class[key] = in_class.get(key, 0.0) + expected[left, phone]
    numbers: dict[tuple[str, str], int] = {}
    units = {}
    for phone in rights:
        for left in lefts:
            if phone == SILENCE:
                name = ("", phone)
            elif expected[left, phone] >= least:
                name = (left, phone)
            elif in_class[class_of[left], phone] >= least / 3:
                name = (f"class {class_of[left]}", phone)
            else:
                name = ("", phone)
            units[left, phone] = numbers.setdefault(name, len(numbers))
    return Biphones(names, units)
