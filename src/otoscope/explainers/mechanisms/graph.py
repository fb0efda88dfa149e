"""A network as a graph: heads, feed-forward parts and the sound hand values to later ones and to the output.

Whatever is added to a residual stream reaches every later part; an edge is one such way. Cutting an edge lets its
receiver hear what the sender did in the corrupted recording, while all other receivers still hear the sender as it is
(Conmy et al. 2023, section 3). Nothing is approximated: each receiver is computed by the recogniser itself, with all
senders put in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from otoscope.core import Recognizer, Recording
from otoscope.explainers.mechanisms.pairs import Pair
from otoscope.explainers.mechanisms.parts import Node
from otoscope.explainers.mechanisms.running import Given, Rows, Run, check_held, run

INPUT, OUTPUT = "input", "output"
Edge = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes of a recogniser, and what passes them in a clean recording and in its corrupted twin.

    Made by `graph_of`. `clean` and `corrupted` hold the rows at each site.
    """

    recognizer: Recognizer
    pair: Pair
    nodes: tuple[Node, ...]
    clean: Mapping[str, Rows]
    corrupted: Mapping[str, Rows]

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the nodes, in the order in which they are computed."""
        return tuple(node.label for node in self.nodes)

    def upstream(self, receiver: str) -> tuple[str, ...]:
        """Return what can hand something to a node or to the output, the input first."""
        if receiver == OUTPUT:
            return (INPUT, *self.labels)
        site = self.node(receiver).site
        sites = list(dict.fromkeys(node.site for node in self.nodes))
        before = sites[: sites.index(site)]
        return (INPUT, *(node.label for node in self.nodes if node.site in before))

    def edges(self) -> tuple[Edge, ...]:
        """Return every edge, those into the output first, then backwards through the network."""
        return tuple((s, r) for r in (OUTPUT, *reversed(self.labels)) for s in reversed(self.upstream(r)))

    def node(self, label: str) -> Node:
        """Return the node of a label."""
        return next(node for node in self.nodes if node.label == label)

    def of(self, label: str, side: Mapping[str, Rows]) -> Rows:
        """Return what a node brings, out of what passes the sites."""
        node = self.node(label)
        found: Rows = side[node.site][:, node.columns]
        return found

    def run(self, values: Mapping[str, Rows], *, base: Recording | None = None, sites: Sequence[str] = ()) -> Run:
        """Hear a recording (by default the clean one) with nodes set to values, and keep what reached `sites`."""
        given: dict[str, Given] = {}
        for label, rows in values.items():
            node = self.node(label)
            if node.site not in given:
                held = self.clean[node.site]
                given[node.site] = Given(held.copy(), np.zeros(held.shape[1], dtype=bool))
            place = given[node.site]
            place.values[:, node.columns] = rows
            assert place.columns is not None
            place.columns[node.columns] = True
        heard = self.pair.clean if base is None else base
        return run(self.recognizer, heard, self.pair.target, sites=sites, give=given)

    def frozen(self, side: Mapping[str, Rows]) -> dict[str, Rows]:
        """Return what every node brings."""
        return {label: self.of(label, side) for label in self.labels}

    def score_of_edges(self, kept: Iterable[Edge]) -> float:
        """Return the score in nats when every edge that is not `kept` hands on what is corrupted."""
        inputs: dict[str, set[str]] = {}
        for sender, receiver in kept:
            inputs.setdefault(receiver, set()).add(sender)
        values = self.frozen(self.corrupted)
        needed = _reaching_output(inputs)
        intact = {INPUT}
        for label in self.labels:
            if label not in needed or not inputs.get(label):
                continue
            if inputs[label] == set(self.upstream(label)) <= intact:
                values[label] = self.of(label, self.clean)
                intact.add(label)
                continue
            site = self.node(label).site
            seen = self._heard(inputs[label], label, values, (site,)).seen[site]
            values[label] = seen[:, self.node(label).columns]
        return self._heard(inputs.get(OUTPUT, set()), OUTPUT, values, ()).score

    def _heard(self, senders: set[str], receiver: str, values: Mapping[str, Rows], sites: Sequence[str]) -> Run:
        """Hear as a receiver does: the senders whose edge is kept as they are now, all others corrupted."""
        base = self.pair.clean if INPUT in senders else self.pair.corrupted
        before = self.upstream(receiver)[1:]
        heard = {label: values[label] if label in senders else self.of(label, self.corrupted) for label in before}
        return self.run(heard, base=base, sites=sites)


def graph_of(recognizer: Recognizer, pair: Pair, nodes: Sequence[Node]) -> Graph:
    """Return the graph of a pair of recordings.

    Raises
    ------
    BadInput
        What passes the nodes would take too much memory.
    """
    sites = tuple(dict.fromkeys(node.site for node in nodes))
    check_held(recognizer, sites, 2 * pair.clean.duration_s)
    clean, corrupted = (run(recognizer, each, pair.target, sites=sites).seen for each in (pair.clean, pair.corrupted))
    return Graph(recognizer, pair, tuple(nodes), clean, corrupted)


def _reaching_output(inputs: Mapping[str, set[str]]) -> set[str]:
    """Return what hands anything on to the output, straight or through others."""
    found: set[str] = set()
    waiting = [OUTPUT]
    while waiting:
        for sender in inputs.get(waiting.pop(), set()) - found:
            found.add(sender)
            waiting.append(sender)
    return found


def connected(edges: Iterable[Edge]) -> frozenset[Edge]:
    """Return the edges that lie on a way from the input to the output."""
    kept = set(edges)
    while True:
        senders, receivers = {s for s, _ in kept} | {OUTPUT}, {r for _, r in kept} | {INPUT}
        fewer = {(s, r) for s, r in kept if r in senders and s in receivers}
        if fewer == kept:
            return frozenset(kept)
        kept = fewer
