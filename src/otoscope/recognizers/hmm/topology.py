"""What units are made of: left-to-right states, and which column of the emissions each state reads.

A unit is a phone, a whole word (in whole-word models) or silence. In `UntiedStates` each state of each unit has a
column of its own; `otoscope.recognizers.hmm.tree_clustering` ties the states of triphones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from otoscope.core import BadInput

SILENCE = "SIL"
PHONE_STATES = 3
SILENCE_STATES = 3


class StateTying(Protocol):
    """Which column scores which state of which unit."""

    @property
    def units(self) -> tuple[str, ...]:
        """All units that can stand in a pronunciation, silence not among them."""
        ...

    @property
    def context(self) -> bool:
        """Whether the neighbours of a unit matter."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """What each column is, such as `"AH.2"`."""
        ...

    def columns(self, left: str, unit: str, right: str) -> tuple[int, ...]:
        """Return the columns of the states of `unit` between two neighbours, in order of time."""
        ...

    def alternatives(self, unit: str) -> tuple[tuple[int, ...], ...]:
        """Return, for each state of `unit`, all columns it has in any context."""
        ...


@dataclass(frozen=True)
class UntiedStates:
    """A column for every state of every unit, whatever its neighbours.

    Parameters
    ----------
    n_states
        States of each unit; silence (`SILENCE`) must be among them.
    """

    n_states: Mapping[str, int]

    def __post_init__(self) -> None:
        if SILENCE not in self.n_states or any(n < 1 for n in self.n_states.values()):
            raise BadInput(f"each unit needs one state or more, and {SILENCE} must be among them")

    @classmethod
    def of_phones(cls, phones: tuple[str, ...]) -> UntiedStates:
        """Return three states a phone and three for silence."""
        return cls({SILENCE: SILENCE_STATES, **dict.fromkeys(phones, PHONE_STATES)})

    @property
    def units(self) -> tuple[str, ...]:
        """All units but silence."""
        return tuple(unit for unit in self.n_states if unit != SILENCE)

    @property
    def context(self) -> bool:
        """Never."""
        return False

    @property
    def names(self) -> tuple[str, ...]:
        """`unit.number`, numbers from 1."""
        return tuple(f"{unit}.{k + 1}" for unit, n in self.n_states.items() for k in range(n))

    @cached_property
    def _columns(self) -> dict[str, tuple[int, ...]]:
        found, first = {}, 0
        for unit, n in self.n_states.items():
            found[unit] = tuple(range(first, first + n))
            first += n
        return found

    def columns(self, left: str, unit: str, right: str) -> tuple[int, ...]:
        """Return the unit's own columns."""
        try:
            return self._columns[unit]
        except KeyError:
            raise BadInput(f"no model of {unit!r}; there are {', '.join(self.n_states)}") from None

    def alternatives(self, unit: str) -> tuple[tuple[int, ...], ...]:
        """Return the one column of each state."""
        return tuple((column,) for column in self.columns(SILENCE, unit, SILENCE))
