"""Phone tables against the models they are made of, tied biphones, and the free loop against all paths."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from otoscope.core import BadInput, UnknownName
from otoscope.decoding.tree import HmmState
from otoscope.recognizers.hybrid.free_loop import FreeLoop, free_loop, free_loop_log
from otoscope.recognizers.hybrid.phones import SILENCE, PhoneTable, tied_biphones

PHONES = ("AA", "B")
EVERYONE = (*PHONES, SILENCE)
CONTEXTS = [(False, False), (True, False), (False, True), (True, True)]


@dataclass(frozen=True)
class Models:
    """Two phones and silence whose states depend on the neighbours that matter; neighbour None is silence."""

    context: tuple[bool, bool]
    phones: tuple[str, ...] = PHONES
    silence: str = SILENCE

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        if phone == SILENCE:
            return (HmmState(0, math.log(0.7), math.log(0.3)),)
        colour = (1 if self.context[0] and left == "B" else 0) + (2 if self.context[1] and right == "AA" else 0)
        number = 1 + 8 * PHONES.index(phone) + 2 * colour
        stay = 0.3 + 0.1 * colour
        second = HmmState(number + 1, math.log(0.5), math.log(0.5), math.log(0.4) if phone == "B" else -math.inf)
        return HmmState(number, math.log(stay), math.log(1 - stay)), second


COUNTS = {("AA", "B"): 3.0, ("B", "AA"): 5.0, (SILENCE, "B"): 1.0}


def table_of(context: tuple[bool, bool]) -> PhoneTable:
    return PhoneTable.of(Models(context), COUNTS)


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_table_says_what_its_models_say(context: tuple[bool, bool]) -> None:
    table, models = table_of(context), Models(context)
    assert (table.phones, table.silence, table.context) == (PHONES, SILENCE, context)
    for left, phone, right in itertools.product((*EVERYONE, None), EVERYONE, (*EVERYONE, None)):
        assert table.states(left, phone, right) == models.states(left, phone, right)
    assert table.n_columns == 1 + max(s.column for p in EVERYONE for s in models.states("B", p, "AA"))
    np.testing.assert_allclose(np.exp(table.log_bigram).sum(1), 1)
    assert math.exp(table.log_bigram[0, 1]) == pytest.approx(4 / 6)


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_column_in_use_has_a_name_of_its_own(context: tuple[bool, bool]) -> None:
    table = table_of(context)
    used = sorted(set(table.column[table.column >= 0].tolist()))
    names = [table.names()[column] for column in used]
    assert len(set(names)) == len(names)
    assert names[0] == "SIL.1"
    assert {name.partition("|")[0].partition("/")[0] for name in names} == {"SIL.1", "AA.1", "AA.2", "B.1", "B.2"}
    if context == (True, False):
        assert "AA.1|B" in names
    if context[1]:
        assert "B.2/1" in names


def test_an_unknown_phone_is_refused_by_name() -> None:
    with pytest.raises(UnknownName, match="phone 'ZH'"):
        table_of((True, False)).states("AA", "ZH", None)


def test_biphones_are_tied_by_how_often_they_occur() -> None:
    counts = {("P", "AA"): 120.0, ("B", "AA"): 30.0, ("M", "AA"): 10.0, ("T", "AA"): 5.0}
    biphones = tied_biphones(counts, ("P", "B", "M", "T", "AA"), least=100.0)
    own, labial, alone = (biphones.columns(left, "AA") for left in ("P", "B", "T"))
    assert len({own, labial, alone}) == 3
    assert biphones.columns("M", "AA") == labial
    assert biphones.columns(None, "AA") == biphones.columns(SILENCE, "AA") == alone
    assert len({biphones.columns(left, SILENCE) for left in ("P", "T", SILENCE, None)}) == 1
    first, rest = biphones.states("P", "AA", None)
    assert (first.log_loop, rest.log_skip) == (-math.inf, 0.0)
    assert (first.column, rest.column) == own
    columns = {c for unit in biphones.units for c in biphones.columns(*unit)}
    assert columns == set(range(len(columns)))
    rarer = tied_biphones(counts, ("P", "B", "M", "T", "AA"), least=200.0)
    assert rarer.columns("P", "AA") == rarer.columns("B", "AA") != rarer.columns("T", "AA")
    with pytest.raises(BadInput, match="no class of left neighbours holds XX"):
        tied_biphones({}, ("XX",))


Unit = tuple[int, int]
"""(left neighbour, phone), left 0 where it does not matter."""


def units_of(table: PhoneTable) -> list[Unit]:
    lefts = range(len(EVERYONE)) if table.context == (True, False) else range(1)
    return list(itertools.product(lefts, range(len(EVERYONE))))


def model_of(table: PhoneTable, unit: Unit) -> list[tuple[list[int], float, float, float]]:
    """For each state its columns, and probabilities to stay, leave and skip: the best over all neighbours hidden."""
    left, phone = unit
    rows = {int(r) for r in (table.rows[left, phone] if table.context == (True, False) else table.rows[:, phone]).flat}
    found = []
    for state in range(int((table.column[next(iter(rows))] >= 0).sum())):
        logs = [[values[row, state] for row in rows] for values in (table.log_loop, table.log_leave, table.log_skip)]
        found.append(([int(table.column[row, state]) for row in rows], *(math.exp(max(values)) for values in logs)))
    return found


def all_paths(table: PhoneTable, scores: np.ndarray) -> Iterator[tuple[float, list[int]]]:
    """Every path through any phones, as probability and the column each frame takes."""
    models = {unit: model_of(table, unit) for unit in units_of(table)}
    bigram = np.exp(table.log_bigram)

    def emitted(unit: Unit, state: int, t: int) -> tuple[float, int]:
        column = max(models[unit][state][0], key=lambda c: scores[t, c])
        return math.exp(scores[t, column]), column

    def onward(unit: Unit, state: int) -> Iterator[tuple[Unit, int, float]]:
        _, loop, leave, _ = models[unit][state]
        if loop:
            yield unit, state, loop
        passed = leave
        for later in range(state + 1, len(models[unit])):
            yield unit, later, passed
            passed *= models[unit][later][3]
        for after in range(len(EVERYONE)):
            target = (unit[1] if table.context == (True, False) else 0, after)
            coming = passed * bigram[unit[1], after]
            for entry, (_, _, _, skip) in enumerate(models[target]):
                yield target, entry, coming
                coming *= skip

    def walk(unit: Unit, state: int, t: int) -> Iterator[tuple[float, list[int]]]:
        own, column = emitted(unit, state, t)
        if t == len(scores) - 1:
            yield own, [column]
            return
        for target, entry, probability in onward(unit, state):
            if probability > 0:
                for rest, columns in walk(target, entry, t + 1):
                    yield own * probability * rest, [column, *columns]

    for unit, model in models.items():
        for state in range(len(model)):
            yield from walk(unit, state, 0)


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("n_frames", [1, 3])
def test_the_free_loop_sums_over_all_paths(context: tuple[bool, bool], n_frames: int) -> None:
    table = table_of(context)
    scores = np.random.default_rng(3).normal(size=(n_frames, table.n_columns)).astype(np.float32)
    log, gamma = free_loop(scores, FreeLoop.of(table))
    total, shares = 0.0, np.zeros(scores.shape)
    for probability, columns in all_paths(table, scores):
        total += probability
        shares[np.arange(n_frames), columns] += probability
    assert log == pytest.approx(math.log(total), abs=1e-6)
    assert free_loop_log(scores, FreeLoop.of(table)) == log
    np.testing.assert_allclose(gamma, shares / total, atol=1e-6)
    np.testing.assert_allclose(gamma.sum(1), 1)


@pytest.mark.parametrize("context", CONTEXTS)
def test_shares_are_slopes_of_the_log(context: tuple[bool, bool]) -> None:
    table = table_of(context)
    loop, step = FreeLoop.of(table), 2.0**-7
    scores = (np.random.default_rng(4).integers(-300, 300, (6, table.n_columns)) / 64).astype(np.float32)
    _, gamma = free_loop(scores, loop)
    for t, column in itertools.product(range(6), range(table.n_columns)):
        up, down = scores.copy(), scores.copy()
        up[t, column] += step
        down[t, column] -= step
        slope = (free_loop_log(up, loop) - free_loop_log(down, loop)) / (2 * step)
        assert slope == pytest.approx(gamma[t, column], abs=2e-5)


def test_a_long_row_of_frames_neither_overflows_nor_vanishes() -> None:
    table = table_of((True, False))
    scores = np.full((2000, table.n_columns), -200.0, np.float32)
    log, gamma = free_loop(scores, FreeLoop.of(table))
    assert log == pytest.approx(free_loop_log(scores + 200, FreeLoop.of(table)) - 200.0 * 2000, rel=1e-9)
    np.testing.assert_allclose(gamma.sum(1), 1)
