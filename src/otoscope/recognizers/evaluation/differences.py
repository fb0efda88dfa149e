"""Where recognisers differ: the words of an utterance in columns, a row for what was said and one for each recogniser.

All alignments are of the same reference, so a column is one of its words, or a gap between two where somebody
inserted something.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from otoscope.corpora.utterance import Utterance
from otoscope.recognizers.evaluation.judged import Judged

Span = tuple[float, float]


@dataclass(frozen=True)
class Column:
    """One place of an utterance.

    Parameters
    ----------
    said
        The word of the reference; empty where there is none.
    heard
        What each recogniser had there; empty for nothing.
    start_s, end_s
        Where it lies: the place of the word in the first recogniser that has it right, else in the first that has
        any there, else between its neighbours (`measured` is false then); `None` where no recogniser gives times.
    measured
        Whether the place is that of a word some recogniser heard there.
    """

    said: str
    heard: tuple[str, ...]
    start_s: float | None = None
    end_s: float | None = None
    measured: bool = False

    @property
    def differs(self) -> bool:
        """Whether the recognisers had different words here."""
        return len(set(self.heard)) > 1


@dataclass(frozen=True)
class DifferentUtterance:
    """An utterance that recognisers heard differently, column by column."""

    utterance: Utterance
    columns: tuple[Column, ...]

    @property
    def n_different(self) -> int:
        """Columns in which they differ."""
        return sum(column.differs for column in self.columns)


def different_utterances(judged: Sequence[Sequence[Judged]]) -> tuple[DifferentUtterance, ...]:
    """Return the utterances in which recognisers differ, in the order of the corpus.

    Parameters
    ----------
    judged
        For each recogniser the same utterances in the same order.
    """
    found = (DifferentUtterance(row[0].utterance, columns_of(row)) for row in zip(*judged, strict=True))
    return tuple(one for one in found if one.n_different)


def columns_of(row: Sequence[Judged]) -> tuple[Column, ...]:
    """Return the columns of one utterance as several recognisers heard it."""
    slots = [_slots(one) for one in row]
    said = row[0].said
    columns: list[Column] = []
    for place in range(2 * len(said) + 1):
        rows = [slot[place] for slot in slots]
        for rank in range(max(map(len, rows))):
            cells = [cell[rank] if rank < len(cell) else None for cell in rows]
            columns.append(_column(said[place // 2] if place % 2 else "", cells, row))
    return tuple(_between(columns, index) for index in range(len(columns)))


def _slots(one: Judged) -> list[list[int | None]]:
    """Return the indices of heard words at `2 n + 1` places: gap, word, gap, …, word, gap; `None` for a lost word."""
    slots: list[list[int | None]] = [[] for _ in range(2 * len(one.said) + 1)]
    n_before = 0
    for operation in one.rate.alignments[0].operations:
        if operation.kind == "insertion":
            slots[2 * n_before].append(operation.hypothesis_index)
        else:
            slots[2 * n_before + 1].append(operation.hypothesis_index)
            n_before += 1
    return slots


def _column(said: str, cells: Sequence[int | None], row: Sequence[Judged]) -> Column:
    heard = tuple("" if i is None else one.heard.words[i] for i, one in zip(cells, row, strict=True))
    spans: list[tuple[bool, Span]] = [
        (word == said, one.heard.places[i])
        for i, one, word in zip(cells, row, heard, strict=True)
        if i is not None and one.heard.places
    ]
    if not spans:
        return Column(said, heard)
    start_s, end_s = next((span for right, span in spans if right), spans[0][1])
    return Column(said, heard, start_s, end_s, measured=True)


def _between(columns: Sequence[Column], index: int) -> Column:
    """Return a column, with the stretch between its neighbours for a place where nobody heard a word."""
    column = columns[index]
    if column.measured or not any(each.measured for each in columns):
        return column
    before = [each.end_s for each in columns[:index] if each.end_s is not None]
    after = [each.start_s for each in columns[index + 1 :] if each.start_s is not None]
    start_s = before[-1] if before else 0.0
    end_s = after[0] if after else start_s
    return Column(column.said, column.heard, min(start_s, end_s), max(start_s, end_s))
