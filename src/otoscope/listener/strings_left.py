"""How many strings of phones fit what was heard nearly as well as the best: what pseudowords could still be meant.

DIANA's time to choose after the offset grows with the word candidates left and with "how many plausible pseudowords
could be" (Nenadić and ten Bosch 2022, abstract). How they count is not known to us; here it is a count, and exact: a
string of phones counts where its best path is no further behind the best path of any string than a margin.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray

from otoscope.core import BadInput, NotAble
from otoscope.lexicon.pronunciations import Phones
from otoscope.listener.evidence import Evidence
from otoscope.listener.paths import with_silence
from otoscope.listener.phone_loop import PhoneBigram, loop_of

Floats = NDArray[np.float64]
MOST = 4096
"""Strings that are counted at most; twelve bits."""


@dataclass(frozen=True)
class StringsLeft:
    """How many strings are within the margin, and whether these are all (else there are more)."""

    n: int
    complete: bool


def strings_left(
    evidence: Evidence,
    *,
    margin: float,
    bigram: PhoneBigram | None = None,
    n_frames: int | None = None,
    apart_from: Container[Phones] = (),
    most: int = MOST,
) -> StringsLeft:
    """Count the strings of phones whose best path is within a margin of the best path of any string.

    Strings are grown phone by phone; one that no end can bring within the margin is not grown further, which the best
    ends of all beginnings tell exactly (a backward search, as of A*). So all that are grown lead to one that counts.

    Parameters
    ----------
    evidence
        What was heard; its models must not depend on the phone to come.
    margin
        In nats of the scores, before κ.
    bigram
        How phones follow one another; `None`: at no cost.
    n_frames
        So many frames count, up to the offset; all by default.
    apart_from
        Strings that do not count: the words.
    most
        Where counting ends.

    Raises
    ------
    BadInput
        A margin below 0, no frames, or `most` below 1.
    NotAble
        Models that depend on the phone to come.
    """
    if evidence.models.context[1]:
        raise NotAble("phones here depend on the phone to come; strings can be counted by the phone before only")
    if not margin >= 0 or most < 1:
        raise BadInput(f"a margin of 0 or more and a most of 1 or more are needed, got {margin:g} and {most}")
    rows = with_silence(evidence.scores, evidence.models)[:n_frames].astype(np.float64)
    if not len(rows):
        raise BadInput("strings of phones need a frame or more")
    loop = _Ends(rows, *loop_of(evidence.models, bigram))
    least = loop.best - margin
    found = 0
    waiting: list[tuple[Phones, int, Floats]] = [((), loop.edge, loop.opening)]
    while waiting:
        said, last, exits = waiting.pop()
        for phone in loop.worth_adding(last, exits, least):
            longer = (*said, loop.phones[phone])
            after, closed = loop.through(phone, last, exits)
            if max(closed, loop.closed_in_silence(phone, after)) >= least and longer not in apart_from:
                found += 1
                if found == most:
                    return StringsLeft(found, complete=False)
            waiting.append((longer, phone, after))
    return StringsLeft(found, complete=True)


@dataclass(frozen=True, eq=False)
class _Ends:
    """The loop of phones over some frames, and the best score of every way to end from each place.

    `rows (n_frames, n_columns)` with silence last; `phones`; `log (n_phones + 1, n_phones + 1)` of the bigram, the edge
    last; `start`, `column`, `moves` of the chains of states, node by node; `of_left` nodes a phone has.
    """

    rows: Floats
    phones: Phones
    log: Floats
    start: NDArray[np.int64]
    column: NDArray[np.int64]
    moves: Floats
    of_left: int

    @property
    def edge(self) -> int:
        """The number of no phone."""
        return len(self.phones)

    @cached_property
    def opening(self) -> Floats:
        """`(n_frames,)` the score with which a first phone is entered at each frame: after silence from the start."""
        return np.concatenate([[0.0], np.cumsum(self.rows[:-1, -1])])

    @cached_property
    def quiet(self) -> Floats:
        """`(n_frames,)` the score of silence from each frame to the end."""
        return np.cumsum(self.rows[::-1, -1])[::-1]

    @cached_property
    def entering(self) -> Floats:
        """`(n_frames, n_nodes)` the best score of all from a frame on, where a node is entered at it."""
        return np.asarray(_entering(self.rows, self.quiet, self.log, self.start, self.column, self.moves, self.of_left))

    @cached_property
    def best(self) -> float:
        """The best score of any string."""
        first = self.entering[:, self._nodes(self.edge)]
        return float((self.opening[:, None] + self.log[self.edge, :-1] + first).max())

    def worth_adding(self, last: int, exits: Floats, least: float) -> NDArray[np.intp]:
        """Return the phones that, behind a beginning, lead to a string that is good enough."""
        reach = exits[:, None] + self.entering[:, self._nodes(last)]
        return np.flatnonzero(reach.max(axis=0) + self.log[last, :-1] >= least)

    def through(self, phone: int, last: int, exits: Floats) -> tuple[Floats, float]:
        """Return `(n_frames,)` with what score a longer string is left for each frame, and that of ending within."""
        node = int(self._nodes(last)[phone])
        begin, end = self.start[node], self.start[node + 1]
        return _through(self.rows, exits + self.log[last, phone], self.column[begin:end], self.moves[begin:end])

    def closed_in_silence(self, phone: int, exits: Floats) -> float:
        """Return the best score of ending in silence behind a phone."""
        return float((exits + self.quiet).max() + self.log[phone, self.edge])

    def _nodes(self, last: int) -> NDArray[np.intp]:
        """Return the node of each phone behind a phone or the edge."""
        return np.arange(self.edge) * self.of_left + (last if self.of_left > 1 else 0)


@njit(cache=True)
def _through(rows: NDArray, entry: NDArray, column: NDArray, moves: NDArray) -> tuple[NDArray, float]:
    """Return scores of being out of a chain of states before each frame, and of being in it at the end."""
    n_frames, n_states = rows.shape[0], column.size
    exits = np.full(n_frames, -np.inf)
    old, new = np.full(n_states, -np.inf), np.empty(n_states)
    closed = -np.inf
    for t in range(n_frames + 1):
        out, passed = -np.inf, 0.0
        for s in range(n_states - 1, -1, -1):
            closing = t == n_frames
            out = max(out, old[s] + (0.0 if closing else moves[s, 1]) + passed)
            passed += moves[s, 2]
        if t == n_frames:
            closed = out
            break
        exits[t] = out
        best = entry[t]
        for s in range(n_states):
            new[s] = max(old[s] + moves[s, 0], best) + rows[t, column[s]]
            best = max(best + moves[s, 2], old[s] + moves[s, 1])
        old[:] = new
    return exits, closed


@njit(cache=True)
def _entering(
    rows: NDArray, quiet: NDArray, log: NDArray, start: NDArray, column: NDArray, moves: NDArray, of_left: int
) -> NDArray:
    """Return `(n_frames, n_nodes)` the best score of all from a frame on where a node is entered at it."""
    n_frames, edge = rows.shape[0], log.shape[0] - 1
    n_nodes = edge * of_left
    found = np.full((n_frames, n_nodes), -np.inf)
    ahead, here = np.full(start[n_nodes], -np.inf), np.full(start[n_nodes], -np.inf)
    leaving = np.full(edge, -np.inf)
    for t in range(n_frames - 1, -1, -1):
        if t + 1 < n_frames:
            for q in range(edge):
                leaving[q] = log[q, edge] + quiet[t + 1]
                for p in range(edge):
                    node = p * of_left + (q if of_left > 1 else 0)
                    leaving[q] = max(leaving[q], log[q, p] + found[t + 1, node])
        for node in range(n_nodes):
            phone = node // of_left
            for s in range(start[node], start[node + 1]):
                last = t + 1 == n_frames
                value = -np.inf if last else moves[s, 0] + ahead[s]
                passed = 0.0
                for later in range(s + 1, start[node + 1]):
                    if not last:
                        value = max(value, moves[s, 1] + passed + ahead[later])
                    passed += moves[later, 2]
                value = max(value, passed if last else moves[s, 1] + passed + leaving[phone])
                here[s] = value + rows[t, column[s]]
            passed = 0.0
            for s in range(start[node], start[node + 1]):
                found[t, node] = max(found[t, node], passed + here[s])
                passed += moves[s, 2]
        ahead[:] = here
    return found
