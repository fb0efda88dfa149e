"""From a known transcript to its graph: every pronunciation of its words in order, with optional silence."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from otoscope.core import BadInput, UnknownName
from otoscope.decoding.tree.contexts import Phones, check_states, entry_and_rest, pronunciations_of
from otoscope.decoding.tree.transcript_graph import NO_WORD, TranscriptGraph
from otoscope.decoding.tree.units import HmmState, PhoneModels


@dataclass
class _Piece:
    """A phone with the sets of neighbours that give it the same states."""

    word: int
    phone: str
    states: tuple[HmmState, ...]
    lefts: frozenset[str | None]
    rights: frozenset[str | None]
    log: float = 0.0
    number: int = -1


@dataclass
class TranscriptGraphs:
    """Makes the graphs of transcripts over one lexicon and one set of models.

    Parameters
    ----------
    lexicon
        Word → its pronunciations, those of the transcripts at least.
    models
        The states of each phone in context.
    silence_log_prob
        Log probability of a silence at the beginning, at the end, and between two words, as in `build_graph`.
    pronunciation_log_probs
        Word → log probability of each of its pronunciations; 0 where not given.
    """

    lexicon: Mapping[str, Sequence[Phones]]
    models: PhoneModels
    silence_log_prob: float = math.log(0.5)
    pronunciation_log_probs: Mapping[str, Sequence[float]] | None = None
    _known: dict[tuple[str | None, str, str | None], tuple[HmmState, ...]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.silence_log_prob <= 0.0:
            raise BadInput(f"silence_log_prob must be a log probability, at most 0, got {self.silence_log_prob}")

    def __call__(self, words: Sequence[str]) -> TranscriptGraph:
        """Return the graph of a transcript; without words it is one silence.

        Raises
        ------
        BadInput
            A word that the lexicon lacks.
        UnknownName
            A phone that the models lack.
        """
        slots = self._slots(words)
        layers = [self._layer(k, slots) for k in range(len(slots))]
        return _laid_out(tuple(words), layers, self.models, self.silence_log_prob)

    def _slots(self, words: Sequence[str]) -> list[list[tuple[Phones, float]]]:
        """The distinct pronunciations of each word, each with its best log probability."""
        slots = []
        for word in words:
            best: dict[Phones, float] = {}
            for _, phones, log in pronunciations_of(self.lexicon, (word,), self.pronunciation_log_probs):
                best[phones] = max(log, best.get(phones, -math.inf))
            unknown = sorted({p for phones in best for p in phones} - set(self.models.phones))
            if unknown:
                raise UnknownName(f"phone in {word!r}", unknown[0], self.models.phones)
            slots.append(list(best.items()))
        return slots

    def _layer(self, k: int, slots: list[list[tuple[Phones, float]]]) -> list[list[list[_Piece]]]:
        """The pronunciations of word k: for each, for each of its phones, the pieces that may stand there."""
        silence = self.models.silence
        before: set[str | None] = {silence, *(p[-1] for p, _ in slots[k - 1])} if k else {silence, None}
        last = k + 1 == len(slots)
        after: set[str | None] = {silence, None} if last else {silence, *(p[0] for p, _ in slots[k + 1])}
        layer = []
        for phones, log in slots[k]:
            places: list[list[_Piece]] = []
            for i, phone in enumerate(phones):
                lefts: set[str | None] = before if i == 0 else {phones[i - 1]}
                rights: set[str | None] = after if i + 1 == len(phones) else {phones[i + 1]}
                places.append(self._pieces(k, phone, lefts, rights, log if i == 0 else 0.0))
            layer.append(places)
        return layer

    def _pieces(
        self, word: int, phone: str, lefts: set[str | None], rights: set[str | None], log: float
    ) -> list[_Piece]:
        """One piece for each class of left and of right neighbours that the models tell apart."""
        ls = sorted(lefts, key=str)
        rs = sorted(rights, key=str)
        table = [[self._states(left, phone, right) for right in rs] for left in ls]
        rows, columns = _classes(table), _classes(list(zip(*table, strict=True)))
        return [
            _Piece(
                word,
                phone,
                table[row[0]][column[0]],
                frozenset(ls[i] for i in row),
                frozenset(rs[i] for i in column),
                log,
            )
            for row in rows
            for column in columns
        ]

    def _states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        use_left, use_right = self.models.context
        key = (left if use_left else None, phone, right if use_right else None)
        if key not in self._known:
            states = tuple(self.models.states(*key))
            check_states(states, phone)
            self._known[key] = states
        return self._known[key]


def _classes(rows: Sequence[Sequence[object]]) -> list[list[int]]:
    """Positions of equal rows, together."""
    classes: dict[tuple[object, ...], list[int]] = {}
    for i, row in enumerate(rows):
        classes.setdefault(tuple(row), []).append(i)
    return list(classes.values())


def _laid_out(
    words: tuple[str, ...], layers: list[list[list[list[_Piece]]]], models: PhoneModels, log_silence: float
) -> TranscriptGraph:
    """Number all states from left to right and join the pieces."""
    writer = _Writer(models)
    log_none = math.log(-math.expm1(log_silence)) if log_silence < 0 else -math.inf
    silence: frozenset[str | None] = frozenset([models.silence])
    everyone: frozenset[str | None] = frozenset([None])
    origin = _Piece(NO_WORD, "", (), everyone, everyone)
    ends: list[_Piece] = [origin]
    for layer in [*layers, None]:
        still = _Piece(NO_WORD, models.silence, writer.silence_states, silence, silence)
        firsts = [piece for places in layer for piece in places[0]] if layer is not None else []
        writer.add(still)
        for end in ends:
            if end is origin or models.silence in end.rights:
                writer.join(end, still, log_silence)
        for places in layer or ():
            for pieces in places:
                for piece in pieces:
                    writer.add(piece)
            for before, after in itertools.pairwise(places):
                for a in before:
                    for b in after:
                        writer.join(a, b, 0.0)
        for first in firsts:
            if models.silence in first.lefts:
                writer.join(still, first, first.log)
            for end in ends:
                if _fits(end, first):
                    writer.join(end, first, log_none + first.log)
        if layer is None:
            for end in ends:
                if end is not origin and None in end.rights:
                    writer.finish(end, log_none)
            writer.finish(still, 0.0)
        else:
            ends = [piece for places in layer for piece in places[-1]]
    return writer.graph(words)


def _fits(end: _Piece, first: _Piece) -> bool:
    """Whether one piece may follow another without a silence between; a piece of no phone is the beginning."""
    if not end.phone:
        return None in first.lefts
    return first.phone in end.rights and end.phone in first.lefts


class _Writer:
    """Collects states and arcs."""

    def __init__(self, models: PhoneModels) -> None:
        self.names = (*(p for p in models.phones if p != models.silence), models.silence)
        self.index = {name: i for i, name in enumerate(self.names)}
        self.silence_states = tuple(models.states(None, models.silence, None))
        self.rows: list[tuple[int, float, int, int, int, int]] = []
        self.arcs: list[tuple[int, int, float]] = []
        self.starts: dict[int, float] = {}
        self.ends: dict[int, float] = {}
        self.first: list[int] = []

    def add(self, piece: _Piece) -> None:
        """Number a piece's states and join them among themselves."""
        piece.number, base = len(self.first), len(self.rows)
        self.first.append(base)
        phone = self.index[piece.phone]
        for j, state in enumerate(piece.states):
            self.rows.append((state.column, state.log_loop, piece.word, phone, piece.number, j))
            log = state.log_leave
            for m in range(j + 1, len(piece.states)):
                self._arc(base + j, base + m, log)
                log += piece.states[m].log_skip

    def join(self, before: _Piece, after: _Piece, log: float) -> None:
        """Lead from the states that can end one piece to those that can begin the next."""
        entry, _ = entry_and_rest(after.states)
        into = self.first[after.number]
        if before.number < 0:
            for m, skipped in enumerate(entry):
                if skipped + log > -math.inf:
                    self.starts[into + m] = skipped + log
            return
        base = self.first[before.number]
        _, rest = entry_and_rest(before.states)
        for j, state in enumerate(before.states):
            for m, skipped in enumerate(entry):
                self._arc(base + j, into + m, state.log_leave + rest[j] + log + skipped)

    def finish(self, piece: _Piece, log: float) -> None:
        """Let the utterance end after a piece."""
        base = self.first[piece.number]
        _, rest = entry_and_rest(piece.states)
        for j, state in enumerate(piece.states):
            if state.log_leave + rest[j] + log > -math.inf:
                self.ends[base + j] = state.log_leave + rest[j] + log

    def _arc(self, source: int, target: int, log: float) -> None:
        if log > -math.inf:
            self.arcs.append((target, source, log))

    def graph(self, words: tuple[str, ...]) -> TranscriptGraph:
        """Lay out what was collected."""
        n = len(self.rows)
        column, loop, word, phone, unit, state = zip(*self.rows, strict=True)
        self.arcs.sort()
        target, source, log = zip(*self.arcs, strict=True) if self.arcs else ((), (), ())
        log_start, log_end = np.full(n, -np.inf), np.full(n, -np.inf)
        log_start[list(self.starts)] = list(self.starts.values())
        log_end[list(self.ends)] = list(self.ends.values())
        return TranscriptGraph(
            words=words,
            phones=self.names,
            column=np.array(column, dtype=np.int32),
            log_loop=np.array(loop, dtype=np.float64),
            word=np.array(word, dtype=np.int32),
            phone=np.array(phone, dtype=np.int32),
            unit=np.array(unit, dtype=np.int32),
            state=np.array(state, dtype=np.int32),
            arc_start=np.searchsorted(np.array(target, dtype=np.int64), np.arange(n + 1)).astype(np.int32),
            arc_source=np.array(source, dtype=np.int32),
            arc_log=np.array(log, dtype=np.float64),
            log_start=log_start,
            log_end=log_end,
        )
