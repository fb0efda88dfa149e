"""CTC prefix beam search: the best label sequences, each with all its paths summed (Hannun et al. 2014)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput
from otoscope.decoding.ctc.checks import checked_scores
from otoscope.decoding.ctc.forward import log_add
from otoscope.decoding.ctc.language import SymbolAutomaton

LanguageModel = SymbolAutomaton | Callable[[tuple[int, ...]], ArrayLike]
"""Scores of the next symbol: a table, or a function of the labels so far that returns `(n_symbols,)`."""


@dataclass(frozen=True)
class PrefixHypothesis:
    """A label sequence that the beam kept.

    `log_prob` is log P(labels | emissions) over the paths kept, `log_score` the same plus the weighted language model.
    """

    labels: tuple[int, ...]
    log_prob: float
    log_score: float


def prefix_beam(
    log_probs: ArrayLike,
    *,
    blank: int = 0,
    beam: int = 100,
    n_best: int = 1,
    lm: LanguageModel | None = None,
    lm_weight: float = 1.0,
) -> tuple[PrefixHypothesis, ...]:
    """Return the best label sequences, best first.

    Parameters
    ----------
    log_probs
        `(n_frames, n_symbols)` natural-log symbol probabilities.
    blank
        Index of the blank symbol.
    beam
        Label sequences kept at each frame. No symbol is pruned: with a beam wide enough the result is exact.
    n_best
        Sequences returned, at most `beam`; fewer where there are fewer.
    lm
        A `SymbolAutomaton`, walked inside the kernel, or a function from the labels so far to `(n_symbols,)`
        natural-log scores of the next one, called once for each sequence that enters the beam. In both the column of
        `blank` holds the score of ending. To reward length, add a constant to the other columns.
    lm_weight
        Factor on the scores of `lm`.

    Raises
    ------
    BadInput
        Wrong shapes, NaN, a beam or n_best below 1, or emissions in which every path has probability 0.

    Notes
    -----
    Hannun, Maas, Jurafsky and Ng (2014), algorithm 1, in log space. Ties keep the sequence that was better before,
    then the lower symbol.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.log([[0.6, 0.4], [0.6, 0.4]])  # the best path is all blank, the best sequence is not
    >>> [(h.labels, round(float(np.exp(h.log_prob)), 2)) for h in prefix_beam(scores, n_best=2)]
    [((1,), 0.64), ((), 0.36)]
    """
    scores = checked_scores(log_probs, blank)
    if beam < 1 or not 1 <= n_best <= beam:
        raise BadInput(f"beam and n_best must satisfy 1 <= n_best <= beam, got {beam} and {n_best}")
    search = _Search(scores, blank, beam)
    if lm is None:
        search.walk(SymbolAutomaton(np.zeros((1, scores.shape[1])), np.zeros((1, scores.shape[1]), np.int64)), 0.0)
    elif isinstance(lm, SymbolAutomaton):
        if lm.scores.shape[1] != scores.shape[1]:
            raise BadInput(f"the language model has {lm.scores.shape[1]} symbols, the emissions {scores.shape[1]}")
        search.walk(lm, lm_weight)
    else:
        search.ask(lm, lm_weight)
    return search.best(n_best)


class _Search:
    """The state of one search: a tree of label sequences, and which of its nodes are in the beam.

    Node columns: parent, last symbol, first child, next sibling, context of the language model, place in the beam.
    """

    def __init__(self, scores: NDArray[np.float64], blank: int, beam: int) -> None:
        self.scores, self.blank = scores, blank
        self.nodes = np.full((1 + scores.shape[0] * beam, 6), -1, dtype=np.int64)
        self.lm_sums = np.zeros(self.nodes.shape[0])
        self.members = np.full(beam, -1, dtype=np.int64)
        self.mass = np.full((beam, 2), -np.inf)  # ending in blank, ending in the last label
        self.size = np.array([1, 1])  # nodes, members
        self.nodes[0, 4:] = 0
        self.members[0] = 0
        self.mass[0, 0] = 0.0
        self.ends: NDArray[np.float64] = np.zeros(beam)

    @property
    def _state(self) -> tuple[Any, ...]:
        return self.nodes, self.lm_sums, self.members, self.mass, self.size

    def walk(self, lm: SymbolAutomaton, weight: float) -> None:
        """Run over all frames with a table."""
        table = lm.scores * weight if weight else np.zeros_like(lm.scores)
        self.nodes[0, 4] = lm.start
        _run(self.scores, self.blank, table, lm.successors, self._state)
        n = self.size[1]
        self.ends[:n] = table[self.nodes[self.members[:n], 4], self.blank]

    def ask(self, lm: Callable[[tuple[int, ...]], ArrayLike], weight: float) -> None:
        """Run over all frames with a function: each node is its own context."""
        table = np.zeros((1024, self.scores.shape[1]))
        n_asked = 0
        own = np.full((1, 1), -1, dtype=np.int64)
        for t in range(-1, self.scores.shape[0]):
            if t >= 0:
                _step(self.scores[t], self.blank, table, own, self._state)
            while self.size[0] > table.shape[0]:
                table = np.concatenate([table, np.zeros_like(table)])
            for node in range(n_asked, self.size[0]):
                table[node] = weight * self._row(lm, node)
            n_asked = self.size[0]
        n = self.size[1]
        self.ends[:n] = table[self.members[:n], self.blank]

    def _row(self, lm: Callable[[tuple[int, ...]], ArrayLike], node: int) -> NDArray[np.float64]:
        row = np.asarray(lm(self.labels(node)), dtype=np.float64)
        if row.shape != (self.scores.shape[1],) or not row.max() < np.inf:
            raise BadInput(f"lm must return ({self.scores.shape[1]},) log scores without NaN, got shape {row.shape}")
        return row

    def labels(self, node: int) -> tuple[int, ...]:
        """Return the label sequence of a node."""
        labels = []
        while node > 0:
            labels.append(int(self.nodes[node, 1]))
            node = int(self.nodes[node, 0])
        return tuple(reversed(labels))

    def best(self, n_best: int) -> tuple[PrefixHypothesis, ...]:
        """Return the members with the highest scores, the end of the text counted in."""
        n = int(self.size[1])
        log_probs = np.logaddexp(self.mass[:n, 0], self.mass[:n, 1])
        log_scores = log_probs + self.lm_sums[self.members[:n]] + self.ends[:n]
        order = [i for i in np.argsort(-log_scores, kind="stable")[:n_best] if log_scores[i] > -np.inf]
        if not order:
            raise BadInput("every label sequence has probability 0: a frame gives all symbols -inf, or lm does")
        return tuple(
            PrefixHypothesis(self.labels(int(self.members[i])), float(log_probs[i]), float(log_scores[i]))
            for i in order
        )


@njit(cache=True)
def _run(log_probs, blank, table, successors, state):  # type: ignore[no-untyped-def]
    for t in range(log_probs.shape[0]):
        _step(log_probs[t], blank, table, successors, state)


@njit(cache=True)
def _step(frame, blank, table, successors, state):  # type: ignore[no-untyped-def]
    """One frame: stay, extend, merge what spells the same, keep the best."""
    nodes, lm_sums, members, mass, size = state
    n, n_symbols = size[1], frame.shape[0]
    stay = np.empty((n, 2))
    extended = np.empty((n, n_symbols + 1))  # the last column ranks those that stay
    for i in range(n):
        last = nodes[members[i], 1]
        total = log_add(mass[i, 0], mass[i, 1])
        stay[i, 0] = total + frame[blank]
        stay[i, 1] = mass[i, 1] + frame[last] if last >= 0 else -np.inf
        for c in range(n_symbols):
            extended[i, c] = total + frame[c]
        extended[i, blank] = -np.inf
        if last >= 0:
            extended[i, last] = mass[i, 0] + frame[last]
    for j in range(n):
        parent = nodes[members[j], 0]
        if parent >= 0 and nodes[parent, 5] >= 0:
            i, c = nodes[parent, 5], nodes[members[j], 1]
            stay[j, 1] = log_add(stay[j, 1], extended[i, c])
            extended[i, c] = -np.inf
    for i in range(n):
        context, so_far = nodes[members[i], 4], lm_sums[members[i]]
        for c in range(n_symbols):
            extended[i, c] += so_far + table[context, c]
        extended[i, n_symbols] = so_far + log_add(stay[i, 0], stay[i, 1])
    _select(extended, stay, table, successors, state)


@njit(cache=True)
def _select(ranked, stay, table, successors, state):  # type: ignore[no-untyped-def]
    """Keep the best of all candidates; those equal to the worst one kept are taken in order of index."""
    nodes, lm_sums, members, mass, size = state
    flat, width = ranked.ravel(), members.shape[0]
    threshold, n_equal = -np.inf, flat.shape[0]
    if flat.shape[0] > width:
        threshold = np.partition(flat, flat.shape[0] - width)[flat.shape[0] - width]
        n_equal = width - np.count_nonzero(flat > threshold)
    old_members, n, n_symbols = members.copy(), size[1], ranked.shape[1] - 1
    for i in range(n):
        nodes[old_members[i], 5] = -1
    kept = 0
    for i in range(n):
        node = old_members[i]
        for c in range(n_symbols, -1, -1):
            score = ranked[i, c]
            if score < threshold or score == -np.inf:
                continue
            if score == threshold:
                if n_equal == 0:
                    continue
                n_equal -= 1
            if c == n_symbols:
                members[kept], mass[kept, 0], mass[kept, 1] = node, stay[i, 0], stay[i, 1]
            else:
                child = _child(node, c, table, successors, state)
                members[kept], mass[kept, 0], mass[kept, 1] = child, -np.inf, score - lm_sums[child]
            kept += 1
    for i in range(kept):
        nodes[members[i], 5] = i
    size[1] = kept


@njit(cache=True)
def _child(node, symbol, table, successors, state):  # type: ignore[no-untyped-def]
    """Find or make the node one symbol further; `successors` of one row and -1 makes each node its own context."""
    nodes, lm_sums, _members, _mass, size = state
    child = nodes[node, 2]
    while child >= 0:
        if nodes[child, 1] == symbol:
            return child
        child = nodes[child, 3]
    child = size[0]
    size[0] += 1
    nodes[child, 0], nodes[child, 1] = node, symbol
    nodes[child, 3] = nodes[node, 2]
    nodes[node, 2] = child
    context = nodes[node, 4]
    lm_sums[child] = lm_sums[node] + table[context, symbol]
    own = successors[0, 0] < 0
    nodes[child, 4] = child if own else successors[context, symbol]
    return child
