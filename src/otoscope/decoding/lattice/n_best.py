"""The n best word sequences of a lattice, by a best-first search that meets each sequence once."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count

import numpy as np

from otoscope.decoding.lattice.arcs import LatticeArcs
from otoscope.decoding.lattice.sums import best_after


@dataclass(frozen=True)
class _Trail:
    """The word arcs of a path, last first."""

    arc: int
    before: _Trail | None


_Ways = dict[int, tuple[float, _Trail | None]]
"""Node → (score of the best path there with the words so far, its arcs)."""


def best_readings(lattice: LatticeArcs, n: int) -> list[tuple[float, tuple[int, ...]]]:
    """Return (score, word arcs of its best path) of the `n` best word sequences, best first.

    A hypothesis is a beginning of a word sequence with all nodes it can have reached: the lattice is made deterministic
    as far as the search goes (Mohri and Riley 2002). The bound, the best completion of each node, is exact, so that
    hypotheses leave the queue in the order of their best complete paths.
    """
    search = _Search(lattice)
    tie = count()
    queue: list[tuple[float, int, bool, _Ways]] = []

    def push(ways: _Ways) -> None:
        search.pass_silences(ways)
        bound = max(score + search.after[node] for node, (score, _) in ways.items())
        if bound > -np.inf:
            heapq.heappush(queue, (-bound, next(tie), False, ways))

    push({0: (0.0, None)})
    found: list[tuple[float, tuple[int, ...]]] = []
    while queue and len(found) < n:
        negated, _, ended, ways = heapq.heappop(queue)
        if ended:
            ((_, trail),) = ways.values()
            found.append((-negated, _arcs(trail)))
            continue
        node, score = search.best_end(ways)
        if score > -np.inf:
            heapq.heappush(queue, (-score, next(tie), True, {node: ways[node]}))
        for following in search.by_word(ways).values():
            push(following)
    return found


class _Search:
    """The lattice as the search reads it."""

    def __init__(self, lattice: LatticeArcs) -> None:
        weight, final = lattice.arc_scores(), lattice.final_scores()
        self.after = best_after(lattice.source, lattice.target, weight, final).tolist()
        self.weight, self.final = weight.tolist(), final.tolist()
        self.word, self.target = lattice.word.tolist(), lattice.target.tolist()
        self.leaving: list[list[int]] = [[] for _ in range(lattice.n_nodes)]
        for arc, node in enumerate(lattice.source.tolist()):
            self.leaving[node].append(arc)

    def pass_silences(self, ways: _Ways) -> None:
        """Add the nodes behind silences, which are no words; nodes are numbered in order of time."""
        queue = list(ways)
        heapq.heapify(queue)
        while queue:
            node = heapq.heappop(queue)
            score, trail = ways[node]
            for arc in self.leaving[node]:
                if self.word[arc] < 0:
                    target = self.target[arc]
                    if target not in ways:
                        heapq.heappush(queue, target)
                    _keep(ways, target, score + self.weight[arc], trail)

    def best_end(self, ways: _Ways) -> tuple[int, float]:
        """The node where these words best end, and the score of that."""
        node = max(ways, key=lambda v: ways[v][0] + self.final[v])
        return node, ways[node][0] + self.final[node]

    def by_word(self, ways: _Ways) -> dict[int, _Ways]:
        """One word further: for each word the nodes it can lead to."""
        following: dict[int, _Ways] = {}
        for node, (score, trail) in ways.items():
            for arc in self.leaving[node]:
                word = self.word[arc]
                if word >= 0:
                    further = _Trail(arc, trail)
                    _keep(following.setdefault(word, {}), self.target[arc], score + self.weight[arc], further)
        return following


def _keep(ways: _Ways, node: int, score: float, trail: _Trail | None) -> None:
    if node not in ways or score > ways[node][0]:
        ways[node] = (score, trail)


def _arcs(trail: _Trail | None) -> tuple[int, ...]:
    arcs = []
    while trail is not None:
        arcs.append(trail.arc)
        trail = trail.before
    return tuple(reversed(arcs))
