"""Automatic circuit discovery: the few heads, feed-forward parts and units that carry one word rather than another.

`acdc` (Conmy et al. 2023, algorithm 1) walks from the output backwards and cuts every edge whose loss moves the score
by less than a threshold. `edge-attribution` (Syed, Rager & Conmy 2023) keeps the edges whose first-order effect is
above it. Inside each feed-forward part that is left, units are cut from the least on, while the score stays. See
`circuit_checks` for what speaks for and against a circuit.

Limits: a circuit is one for these recordings and this corruption. What is the same in both recordings is never part of
it, however needed. Where two places do the same work, a threshold finds one or none of them; places that work against
one another can both be cut. Which keys and values a head reads through which edge is not told apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from otoscope.core import BadInput, Recognizer, Recording
from otoscope.core.protocols import Differentiable, Intervenable, Progress
from otoscope.explainers.mechanisms.graph import INPUT, OUTPUT, Edge, Graph, connected, graph_of
from otoscope.explainers.mechanisms.pairs import pair_of
from otoscope.explainers.mechanisms.parts import Node, residual_nodes, units_at
from otoscope.explainers.mechanisms.patching import Asked
from otoscope.explainers.mechanisms.path_patching import edge_effects
from otoscope.explainers.mechanisms.running import Given, Rows, need, run, scores_with

Method = Literal["acdc", "edge-attribution"]
UNITS = ".hidden"


@dataclass(frozen=True)
class Circuit:
    """What is left of a graph.

    Parameters
    ----------
    edges
        Ways from input to output that were kept.
    effects
        Share of the score that each kept edge moved when it was cut (`acdc`), or its estimate.
    units
        Units kept inside each kept feed-forward part, by the part's label; empty where they were not searched.
    unit_effects
        Share of the score that each kept unit carries alone.
    """

    edges: frozenset[Edge]
    effects: Mapping[Edge, float]
    units: Mapping[str, tuple[Node, ...]]
    unit_effects: Mapping[str, float]

    @property
    def nodes(self) -> frozenset[str]:
        """Labels of the heads and feed-forward parts."""
        return frozenset(label for edge in self.edges for label in edge) - {INPUT, OUTPUT}

    @property
    def unit_labels(self) -> frozenset[str]:
        """Labels of the units."""
        return frozenset(unit.label for units in self.units.values() for unit in units)


def find_circuit(
    graph: Graph,
    *,
    method: Method = "acdc",
    threshold: float = 0.05,
    units: bool = True,
    progress: Progress | None = None,
) -> Circuit:
    """Return the circuit of a graph.

    Parameters
    ----------
    method
        `acdc` or `edge-attribution`.
    threshold
        Share of the difference between clean and corrupted score that an edge, or what is cut of a part's units, may
        cost at most.
    units
        Whether to look for units inside the feed-forward parts.
    progress
        Told (edges judged, all edges).

    Raises
    ------
    BadInput
        The method is unknown, or the threshold does not lie between 0 and 1.
    """
    if method not in get_args(Method) or not 0 < threshold < 1:
        raise BadInput(
            f"circuits are found by {' or '.join(get_args(Method))} and a threshold between 0 and 1, "
            f"not {method!r} and {threshold}"
        )
    if method == "acdc":
        effects = _cut_edges(graph, threshold, progress)
    else:
        found = edge_effects(graph, how="attribution", progress=progress)
        effects = {edge: effect for edge, effect in found.items() if abs(effect) >= threshold}
    edges = connected(effects)
    kept = {edge: effects[edge] for edge in edges}
    parts = [n for n in graph.nodes if n.index is None and any(n.label in edge for edge in edges)] if units else []
    inside = {part.label: units_of(graph, part, threshold) for part in parts}
    return Circuit(
        edges,
        kept,
        {label: tuple(found) for label, found in inside.items()},
        {unit.label: effect for found in inside.values() for unit, effect in found.items()},
    )


def _cut_edges(graph: Graph, threshold: float, progress: Progress | None) -> dict[Edge, float]:
    """Return the edges that are left when all that matter less are cut, output first, with what cutting them costs."""
    order = graph.edges()
    kept, effects = set(order), {}
    score = float(graph.pair.normalized(graph.pair.score_clean))
    for done, edge in enumerate(order):
        receiver = edge[1]
        if receiver != OUTPUT and not any(sender == receiver for sender, _ in kept):
            kept.discard(edge)
        else:
            without = float(graph.pair.normalized(graph.score_of_edges(kept - {edge})))
            if abs(score - without) < threshold:
                kept.discard(edge)
                score = without
            else:
                effects[edge] = score - without
        if progress is not None:
            progress(done + 1, len(order))
    return effects


def units_of(graph: Graph, part: Node, threshold: float) -> dict[Node, float]:
    """Return the units inside a feed-forward part that must stay clean, with the share of the score each carries.

    Units are ordered by what corrupting each alone costs; of the first ones in this order as many are cut as cost less
    than `threshold` together (found by halving).
    """
    site = part.site + UNITS
    if site not in [each.name for each in graph.recognizer.sites()]:  # type: ignore[attr-defined]
        return {}
    pair, recognizer = graph.pair, graph.recognizer
    clean, corrupted = (run(recognizer, r, pair.target, sites=(site,)).seen[site] for r in (pair.clean, pair.corrupted))
    units = units_at(recognizer, pair.clean, site)
    changed = [unit for unit in units if not np.array_equal(clean[:, unit.columns], corrupted[:, unit.columns])]
    scores = scores_with(recognizer, pair.clean, pair.target, (u.part.put(clean, corrupted) for u in changed), at=site)
    effects = 1 - pair.normalized(scores)
    order = np.argsort(np.abs(effects), kind="stable")

    def lost(n: int) -> float:
        values: Rows = clean.copy()
        for i in order[:n]:
            values[:, changed[i].columns] = corrupted[:, changed[i].columns]
        return abs(
            1 - float(pair.normalized(run(recognizer, pair.clean, pair.target, give={site: Given(values)}).score))
        )

    low, high = 0, len(changed) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if lost(middle) < threshold else (low, middle)
    return {changed[i]: float(effects[i]) for i in sorted(order[low:].tolist())}


def circuit_graph(
    recognizer: Recognizer,
    recording: Recording,
    corrupted: Recording | str = "silence",
    *,
    target: Asked = None,
    nodes: Sequence[Node] | None = None,
    method: Method = "acdc",
) -> Graph:
    """Return the graph in which a circuit is looked for; raises `NotAble` where a recogniser lacks what it needs."""
    need(recognizer, Intervenable, *((Differentiable,) if method == "edge-attribution" else ()))
    pair = pair_of(recognizer, recording, corrupted, target)
    return graph_of(recognizer, pair, tuple(nodes) if nodes is not None else residual_nodes(recognizer, recording))
