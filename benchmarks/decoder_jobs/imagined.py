"""Imagined recognisers: what their units are made of, and the emissions they give for a sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from otoscope.decoding.tree import HmmState, PhoneModels

LETTERS = "abcdefghijklmnopqrstuvwxyz'"
HALF = math.log(0.5)


@dataclass(frozen=True)
class Monophones:
    phones: tuple[str, ...]
    silence: str = "SIL"
    context: tuple[bool, bool] = (False, False)

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        base = 3 * self.phones.index(phone) + 3 if phone != self.silence else 0
        return tuple(HmmState(base + j, math.log(0.6), math.log(0.4)) for j in range(3))


@dataclass(frozen=True)
class Biphones:
    """One state of one frame, one that may loop or be passed by (Povey et al. 2016); left neighbours in 13 classes."""

    phones: tuple[str, ...]
    silence: str = "SIL"
    context: tuple[bool, bool] = (True, False)

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        index = {p: i for i, p in enumerate(self.phones)}
        base = (
            0 if phone == self.silence else 2 + 26 * index[phone] + 2 * (7 * index[left] % 12 if left in index else 12)
        )
        first = HmmState(base, -math.inf if base else HALF, HALF)
        return first, HmmState(base + 1, HALF, HALF, HALF)


@dataclass(frozen=True)
class Spelling:
    """CTC over letters: a blank may come before each, must between two that are equal; the space is the silence."""

    phones: tuple[str, ...] = tuple(LETTERS)
    silence: str = " "
    context: tuple[bool, bool] = (True, False)

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        column = 1 if phone == self.silence else 2 + LETTERS.index(phone)
        return HmmState(0, 0.0, 0.0, -math.inf if left == phone else 0.0), HmmState(column, 0.0, 0.0)


def spoken(
    rng: np.random.Generator,
    units: Sequence[str],
    models: PhoneModels,
    durations: Callable[[HmmState], int],
    loud: float,
) -> np.ndarray:
    """Log posteriors of a sentence: each frame's state stands out by `loud` from noise of deviation 1.5."""
    names: list[str | None] = [None, *units, None]
    columns: list[int] = []
    for left, unit, right in zip(names, units, names[2:], strict=False):
        for state in models.states(left, unit, right):
            columns += [state.column] * durations(state)
    n_columns = 2 + len(LETTERS) if isinstance(models, Spelling) else 3 + 40 * 26
    scores = rng.normal(0, 1.5, size=(len(columns), n_columns))
    scores[np.arange(len(columns)), columns] += loud
    return (scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)).astype(np.float32)
