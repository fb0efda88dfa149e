"""The best string of phones whatever, frame by frame: a Viterbi search over a loop of all phones.

What the sound is worth when it need not be a word of the lexicon ("free phone activation"). Silence may come before and
after, not between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, NotAble
from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.decoding.tree.units import HmmState, PhoneModels
from otoscope.listener.evidence import Evidence
from otoscope.listener.paths import with_silence

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PhoneBigram(ByValue):
    """How phones follow one another.

    `log (n_phones + 1, n_phones + 1)`: row a, column b is log P(b | a); the last row and column are the edge of a word.
    """

    phones: tuple[str, ...]
    log: Floats

    def __post_init__(self) -> None:
        set_frozen(self, log=frozen_array(self.log, n_dims=2, name="log", dtype=np.float64))
        if self.log.shape != (len(self.phones) + 1,) * 2:
            raise BadInput(f"{len(self.phones)} phones and an edge need as many rows and columns, got {self.log.shape}")

    @classmethod
    def counted(
        cls, phones: Sequence[str], strings: Sequence[Sequence[str]], *, weights: ArrayLike | None = None
    ) -> PhoneBigram:
        """Count strings of phones, one added to each pair so that none is impossible (Laplace).

        Parameters
        ----------
        phones
            All there are.
        strings
            Ways words are said; phones that are not among `phones` are an error.
        weights
            `(n_strings,)` how much each counts, scaled to sum to the number of strings; `None`: all the same.
        """
        names = tuple(phones)
        place = {phone: k for k, phone in enumerate(names)}
        counts = np.ones((len(names) + 1,) * 2)
        w = np.ones(len(strings)) if weights is None else np.asarray(weights, dtype=np.float64)
        w = w * (len(strings) / w.sum()) if len(strings) else w
        for string, weight in zip(strings, w, strict=True):
            strange = [phone for phone in string if phone not in place]
            if strange:
                raise BadInput(f"the phone {strange[0]!r} is not among {' '.join(names)}")
            codes = [len(names), *(place[phone] for phone in string), len(names)]
            np.add.at(counts, (codes[:-1], codes[1:]), weight)
        return cls(names, np.log(counts / counts.sum(axis=1, keepdims=True)))

    @classmethod
    def flat(cls, phones: Sequence[str]) -> PhoneBigram:
        """Return that any phone follows any other, at no cost."""
        return cls(tuple(phones), np.zeros((len(phones) + 1,) * 2))


@dataclass(frozen=True)
class _Loop:
    """Nodes (a phone, after a certain left neighbour or any) and their states, flat; silence is the last node."""

    phone: NDArray[np.int64]
    left: NDArray[np.int64]
    start: NDArray[np.int64]
    column: NDArray[np.int64]
    moves: Floats


class FreePhones:
    """A search over the loop that is fed frames as they come.

    Parameters
    ----------
    models
        What phones are made of.
    bigram
        How phones follow one another; `None`: at no cost.
    insertion_log
        Added for every phone: a negative one is a penalty.

    Raises
    ------
    NotAble
        Models that depend on the phone to come.
    """

    def __init__(self, models: PhoneModels, *, bigram: PhoneBigram | None = None, insertion_log: float = 0.0) -> None:
        if models.context[1]:
            raise NotAble("phones here depend on the phone to come; the free loop knows the phone before only")
        self._models = models
        self.phones, self._log = loop_of(models, bigram)[:2]
        self._log[:, :-1] += insertion_log
        self._loop = _built(models, self.phones)
        self._scores = np.full(self._loop.column.size + _n_silence(self._loop), -np.inf)
        self._history = np.full(self._scores.size, -1, np.int64)
        self._records: list[NDArray[np.int64]] = []
        self._t = 0

    def feed(self, scores: ArrayLike) -> tuple[Floats, Floats]:
        """Take in `(n_frames, n_columns)` and return `(n_frames,)` twice.

        Returns
        -------
        running
            The best score of any string so far, its last phone perhaps unfinished.
        final
            The best score of a string that is over: at the end of its last phone or in the silence behind it.
        """
        chunk = with_silence(np.asarray(scores, np.float32), self._models)
        loop = self._loop
        column = np.where(loop.column < 0, chunk.shape[1] - 1, loop.column)
        running, final, records = _advance(
            chunk, self._t, self._scores, self._history, self._log,
            loop.phone, loop.left, loop.start, column, loop.moves,
        )  # fmt: skip
        self._t += chunk.shape[0]
        self._records.append(records)
        return running, final

    def string(self) -> tuple[tuple[str, int], ...]:
        """Return the best string up to now: its phones, each with the frame at which it begins."""
        if not self._t:
            return ()
        found, record = [], int(self._history[int(np.argmax(self._scores))])
        records, n_nodes = np.concatenate(self._records), self._loop.phone.size
        while record >= 0:
            frame, node = divmod(record, n_nodes)
            found.append((self.phones[self._loop.phone[node]], frame))
            record = int(records[frame, node])
        return tuple(reversed(found))


def free_phones(
    evidence: Evidence, *, bigram: PhoneBigram | None = None, insertion_log: float = 0.0
) -> tuple[Floats, Floats]:
    """Return running and final scores `(n_frames,)` of the best string of phones; see `FreePhones`."""
    return FreePhones(evidence.models, bigram=bigram, insertion_log=insertion_log).feed(evidence.scores)


def loop_of(
    models: PhoneModels, bigram: PhoneBigram | None
) -> tuple[tuple[str, ...], Floats, NDArray[np.int64], NDArray[np.int64], Floats, int]:
    """Return the loop as arrays: phones, the bigram in their order, and the chains of states of all nodes.

    Returns
    -------
    phones, log
        `(n_phones + 1, n_phones + 1)`, the edge last.
    start, column, moves
        `(n_nodes + 1,)` where each node's states begin, `(n_states,)` and `(n_states, 3)`; column -1, the last, is
        silence. Nodes stand phone by phone, and there by the phone before, the edge last, where that matters.
    of_left
        How many nodes a phone has.
    """
    phones = tuple(models.phones)
    known = PhoneBigram.flat(phones) if bigram is None else bigram
    if set(known.phones) != set(phones):
        raise BadInput("the bigram knows other phones than the models")
    order = [*(known.phones.index(phone) for phone in phones), len(phones)]
    loop = _built(models, phones)
    of_left = loop.phone.size // len(phones)
    return phones, known.log[np.ix_(order, order)].copy(), loop.start, loop.column, loop.moves, of_left


def _n_silence(loop: _Loop) -> int:
    """Return how many states silence has: it stands twice, before and behind."""
    return int(loop.start[-1] - loop.start[-2])


def _built(models: PhoneModels, phones: tuple[str, ...]) -> _Loop:
    edge = len(phones)
    lefts = range(edge + 1) if models.context[0] else (-1,)
    nodes = [(p, left) for p in range(edge) for left in lefts]
    start: list[int] = [0]
    states: list[HmmState] = []
    for p, left in [*nodes, (edge, -1)]:
        before = models.silence if left in (-1, edge) else phones[left]
        quiet = (HmmState(-1, 0.0, 0.0),)  # scored by the column that `with_silence` adds behind the others
        states += quiet if p == edge else models.states(before, phones[p], models.silence)
        start.append(len(states))
    columns = np.array([state.column for state in states], dtype=np.int64)
    moves = np.array([[s.log_loop, s.log_leave, s.log_skip] for s in states])
    pairs = np.array(nodes, dtype=np.int64).reshape(-1, 2)
    return _Loop(pairs[:, 0].copy(), pairs[:, 1].copy(), np.array(start, np.int64), columns, moves)


@njit(cache=True)
def _left_by(scores: NDArray, moves: NDArray, begin: int, end: int, closing: bool) -> tuple[float, int]:
    """Return the best score of leaving a chain of states, and from which; a closing one is not left."""
    best, at = -np.inf, begin
    passed = 0.0
    for s in range(end - 1, begin - 1, -1):
        leave = 0.0 if closing else moves[s, 1]
        value = scores[s] + leave + passed
        if value > best:
            best, at = value, s
        passed += moves[s, 2]
    return best, at


@njit(cache=True)
def _stepped(
    row: NDArray, old: NDArray, past: NDArray, new: NDArray, after: NDArray,
    moves: NDArray, column: NDArray, chain: NDArray, entry: float, record: int,
) -> None:  # fmt: skip
    """Advance one chain: state `chain[0] + k` of the arrays of moves stands at `chain[2] + k` among the scores."""
    begin, end, shift = chain[0], chain[1], chain[2] - chain[0]
    best, source = entry, record
    for s in range(begin, end):
        stay = old[s + shift] + moves[s, 0]
        if stay >= best:
            new[s + shift], after[s + shift] = stay + row[column[s]], past[s + shift]
        else:
            new[s + shift], after[s + shift] = best + row[column[s]], source
        best += moves[s, 2]
        onward = old[s + shift] + moves[s, 1]
        if onward > best:
            best, source = onward, past[s + shift]


@njit(cache=True)
def _advance(
    chunk: NDArray, t0: int, scores: NDArray, history: NDArray, log: NDArray,
    phone: NDArray, left: NDArray, start: NDArray, column: NDArray, moves: NDArray,
) -> tuple[NDArray, NDArray, NDArray]:  # fmt: skip
    n_nodes, edge = phone.size, log.shape[0] - 1
    n_frames, first_sil, end_sil = chunk.shape[0], start[n_nodes], start[n_nodes + 1]
    behind = end_sil
    running, final = np.empty(n_frames), np.empty(n_frames)
    records = np.full((n_frames, n_nodes), -1, np.int64)
    new, after = np.empty_like(scores), np.empty_like(history)
    exits, exit_at = np.empty(edge + 1), np.empty(edge + 1, np.int64)
    chain = np.empty(3, np.int64)
    for t in range(n_frames):
        exits[:] = -np.inf
        exit_at[:] = -1
        for node in range(n_nodes):
            value, s = _left_by(scores, moves, start[node], start[node + 1], False)
            if value > exits[phone[node]]:
                exits[phone[node]], exit_at[phone[node]] = value, history[s]
        value, _ = _left_by(scores, moves, first_sil, end_sil, False)
        exits[edge] = 0.0 if t0 + t == 0 else value
        for node in range(n_nodes):
            best, source = -np.inf, -1
            for q in range(edge + 1):
                if left[node] != -1 and left[node] != q:
                    continue
                value = exits[q] + log[q, phone[node]]
                if value > best:
                    best, source = value, exit_at[q]
            records[t, node] = source
            chain[0], chain[1], chain[2] = start[node], start[node + 1], start[node]
            _stepped(chunk[t], scores, history, new, after, moves, column, chain, best, (t0 + t) * n_nodes + node)
        chain[0], chain[1], chain[2] = first_sil, end_sil, first_sil
        opening = 0.0 if t0 + t == 0 else -np.inf
        _stepped(chunk[t], scores, history, new, after, moves, column, chain, opening, -1)
        best, source = -np.inf, -1
        for q in range(edge):
            value = exits[q] + log[q, edge]
            if value > best:
                best, source = value, exit_at[q]
        chain[2] = behind
        _stepped(chunk[t], scores, history, new, after, moves, column, chain, best, source)
        scores[:], history[:] = new, after
        running[t] = scores.max()
        over = scores[behind:].max()
        for node in range(n_nodes):
            value, _ = _left_by(scores, moves, start[node], start[node + 1], True)
            over = max(over, value)
        final[t] = over
    return running, final, records
