"""States of triphones tied by decision trees: walking from the root to a leaf finds the column of any context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from otoscope.core import BadInput
from otoscope.recognizers.hmm.topology import PHONE_STATES, SILENCE, SILENCE_STATES


@dataclass(frozen=True)
class Node:
    """A question about a neighbour and the nodes that follow, or a leaf (`yes` and `no` are 0).

    Parameters
    ----------
    side
        Whose class is asked for.
    name, members
        The class: `yes` where the neighbour is one of `members`.
    yes, no
        Index of the next node in its tree.
    """

    side: Literal["left", "right"] = "left"
    name: str = ""
    members: frozenset[str] = frozenset()
    yes: int = 0
    no: int = 0

    @property
    def is_leaf(self) -> bool:
        """Whether nothing is asked here."""
        return self.yes == 0


@dataclass(frozen=True)
class TiedStates:
    """Three states a phone, each with its tree; silence has states of its own and knows no context.

    Parameters
    ----------
    units
        The phones.
    trees
        (phone, state from 0) → nodes, the root first.
    """

    units: tuple[str, ...]
    trees: Mapping[tuple[str, int], tuple[Node, ...]] = field(hash=False)

    @classmethod
    def of_trees(cls, phones: tuple[str, ...], trees: Mapping[tuple[str, int], Sequence[Any]]) -> TiedStates:
        """Return the tied states of grown trees."""
        return cls(phones, {tree: tuple(nodes) for tree, nodes in trees.items()})

    @property
    def context(self) -> bool:
        """Always."""
        return True

    @cached_property
    def _leaves(self) -> dict[tuple[str, int, int], int]:
        """Return (phone, state, node) → column; silence first."""
        found: dict[tuple[str, int, int], int] = {}
        for phone in self.units:
            for state in range(PHONE_STATES):
                for number, node in enumerate(self.trees[phone, state]):
                    if node.is_leaf:
                        found[phone, state, number] = SILENCE_STATES + len(found)
        return found

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return `phone.state` (from 1) and, where a phone's state has several leaves, `/leaf` (from 1)."""
        found = [f"{SILENCE}.{k + 1}" for k in range(SILENCE_STATES)]
        n_before: dict[tuple[str, int], int] = {}
        for phone, state, _ in self._leaves:
            n_before[phone, state] = n_before.get((phone, state), 0) + 1
            single = sum(node.is_leaf for node in self.trees[phone, state]) == 1
            found.append(f"{phone}.{state + 1}" + ("" if single else f"/{n_before[phone, state]}"))
        return tuple(found)

    @cached_property
    def _cache(self) -> dict[tuple[str, str, str], tuple[int, ...]]:
        return {}

    def columns(self, left: str, unit: str, right: str) -> tuple[int, ...]:
        """Return the columns of a phone between two neighbours."""
        key = (left, unit, right)
        if key not in self._cache:
            if unit == SILENCE:
                self._cache[key] = tuple(range(SILENCE_STATES))
            elif unit not in self.units:
                raise BadInput(f"no model of {unit!r}; there are {', '.join(self.units)}")
            else:
                self._cache[key] = tuple(self._column(key, state) for state in range(PHONE_STATES))
        return self._cache[key]

    def alternatives(self, unit: str) -> tuple[tuple[int, ...], ...]:
        """Return, for each state of a phone, the columns of all its leaves."""
        if unit == SILENCE:
            return tuple((column,) for column in range(SILENCE_STATES))
        found: list[list[int]] = [[] for _ in range(PHONE_STATES)]
        for (phone, state, _), column in self._leaves.items():
            if phone == unit:
                found[state].append(column)
        return tuple(tuple(columns) for columns in found)

    def _column(self, triphone: tuple[str, str, str], state: int) -> int:
        left, phone, right = triphone
        nodes, number = self.trees[phone, state], 0
        while not (node := nodes[number]).is_leaf:
            neighbour = left if node.side == "left" else right
            number = node.yes if neighbour in node.members else node.no
        return self._leaves[phone, state, number]
