"""Graphs of phones after phones: what any sound may be (denominator), and what one is said to be (numerator).

Each state is a phone with its left neighbour, modelled as in Povey et al. (2016), figure 1: one frame of a `first`
column, then any number of frames of a `rest` column; either way to go on has probability one half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import DoesNotFit
from otoscope.core.arrays import ByValue
from otoscope.decoding.mmi.transcripts import EDGE, PhoneTrigrams, TranscriptLattice

Columns = Mapping[tuple[str, str], tuple[int, int]]
"""(left neighbour, phone) → columns of the emissions for its first frame and for the rest."""


@dataclass(frozen=True, eq=False)
class PhoneGraph(ByValue):
    """States, and arcs between them sorted once by target and once by source.

    Parameters
    ----------
    first, rest
        `(n_states,)` int32, emission columns.
    initial, final
        `(n_states,)` float64, probability to start here, and to end after here.
    into_start, into_source, into_prob
        Arcs into state s are `into_start[s]:into_start[s + 1]`; float32 probabilities.
    out_start, out_target, out_prob
        The same arcs by the state they leave.
    """

    first: NDArray[np.int32]
    rest: NDArray[np.int32]
    initial: NDArray[np.float64]
    final: NDArray[np.float64]
    into_start: NDArray[np.int64]
    into_source: NDArray[np.int32]
    into_prob: NDArray[np.float32]
    out_start: NDArray[np.int64]
    out_target: NDArray[np.int32]
    out_prob: NDArray[np.float32]

    @property
    def n_states(self) -> int:
        """Number of states."""
        return self.first.size


def _graph(
    columns: list[tuple[int, int]],
    initial: dict[int, float],
    final: dict[int, float],
    arcs: list[tuple[int, int, float]],
) -> PhoneGraph:
    n = len(columns)
    pairs = np.array(columns, dtype=np.int32).reshape(-1, 2)
    ends = np.zeros((2, n))
    for row, part in zip(ends, (initial, final), strict=True):
        row[list(part)] = np.exp(list(part.values()))
    source = np.array([arc[0] for arc in arcs], dtype=np.int32)
    target = np.array([arc[1] for arc in arcs], dtype=np.int32)
    prob = np.exp([arc[2] for arc in arcs]).astype(np.float32)
    by_target, by_source = np.lexsort((source, target)), np.lexsort((target, source))
    return PhoneGraph(
        pairs[:, 0].copy(),
        pairs[:, 1].copy(),
        ends[0].copy(),
        ends[1].copy(),
        np.searchsorted(target[by_target], np.arange(n + 1)).astype(np.int64),
        source[by_target],
        prob[by_target],
        np.searchsorted(source[by_source], np.arange(n + 1)).astype(np.int64),
        target[by_source],
        prob[by_source],
    )


def denominator_graph(trigrams: PhoneTrigrams, columns: Columns) -> PhoneGraph:
    """Return the graph of all phone strings, each with its probability under the trigrams."""
    states = {pair: index for index, pair in enumerate(trigrams.pairs())}
    initial, final, arcs = {}, {}, []
    for (before, here, after), log in trigrams.log_probs.items():
        if here == EDGE:
            initial[states[EDGE, after]] = log
        elif after == EDGE:
            final[states[before, here]] = log
        else:
            arcs.append((states[before, here], states[here, after], log))
    return _graph([columns[pair] for pair in states], initial, final, arcs)


def numerator_graph(lattice: TranscriptLattice, trigrams: PhoneTrigrams, columns: Columns) -> PhoneGraph:
    """Return the graph of the ways to say one transcript, each as likely as the denominator has it.

    Pronunciations and silences are weighed by the trigrams alone, as in Hadian et al. (2018), section 2.2.

    Raises
    ------
    DoesNotFit
        Every way to say it has a trigram that the model does not know.
    """
    successors: list[list[int]] = [[] for _ in lattice.phones]
    for source, target, _ in lattice.arcs:
        successors[source].append(target)
    last = len(lattice.phones) - 1
    states: dict[tuple[int, str], int] = {}
    for node, before in _reached(lattice, successors, trigrams):
        states[node, before] = len(states)
    initial, final, arcs = {}, {}, []
    for target in successors[0]:
        if (target, EDGE) in states:
            initial[states[target, EDGE]] = trigrams.log_probs[EDGE, EDGE, lattice.phones[target]]
    for (node, before), index in states.items():
        here = lattice.phones[node]
        for target in successors[node]:
            log = trigrams.log_probs.get((before, here, lattice.phones[target]))
            if log is None:
                continue
            if target == last:
                final[index] = log
            else:
                arcs.append((index, states[target, here], log))
    if not initial or not final:
        raise DoesNotFit("no way to say the transcript consists of phone trigrams that the model knows")
    return _graph([columns[before, lattice.phones[node]] for node, before in states], initial, final, arcs)


def _reached(lattice: TranscriptLattice, successors: list[list[int]], trigrams: PhoneTrigrams) -> list[tuple[int, str]]:
    """Return the (node, phone before it) that can be reached from the start, in topological order."""
    last = len(lattice.phones) - 1
    seen = {(t, EDGE) for t in successors[0] if t != last and (EDGE, EDGE, lattice.phones[t]) in trigrams.log_probs}
    waiting = list(seen)
    while waiting:
        node, before = waiting.pop()
        here = lattice.phones[node]
        for target in successors[node]:
            known = target != last and (before, here, lattice.phones[target]) in trigrams.log_probs
            if known and (target, here) not in seen:
                seen.add((target, here))
                waiting.append((target, here))
    return sorted(seen)
