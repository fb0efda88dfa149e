"""Path patching: what one node hands to another, by itself, and what that does to the score.

The sender is corrupted while every other node stays as it is, so that each receiver changes by what comes straight from
the sender; then one receiver is set to what it became, and the rest of the network hears it (Wang et al. 2022, section
3.1; Goldowsky-Dill et al. 2023). The first half needs one run a sender, the second one run an edge, or, to first order,
one gradient a site (edge attribution patching, Syed, Rager & Conmy 2023; here only what lies behind the receiver is
approximated).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np

from otoscope.core import BadInput, Finding, Recognizer, Recording
from otoscope.core.protocols import Differentiable, Intervenable, Progress
from otoscope.explainers.mechanisms.graph import INPUT, OUTPUT, Edge, Graph, graph_of
from otoscope.explainers.mechanisms.pairs import pair_of
from otoscope.explainers.mechanisms.parts import Node, residual_nodes
from otoscope.explainers.mechanisms.patching import Asked
from otoscope.explainers.mechanisms.pictures import bars, made_of
from otoscope.explainers.mechanisms.running import Rows, need

How = Literal["patching", "attribution"]


def path_patch(
    recognizer: Recognizer,
    recording: Recording,
    corrupted: Recording | str = "silence",
    *,
    target: Asked = None,
    nodes: Sequence[Node] | None = None,
    how: How = "patching",
    progress: Progress | None = None,
) -> Finding:
    """Return how much of the score each edge carries.

    Parameters
    ----------
    nodes
        By default all heads and feed-forward parts.
    how
        `patching` runs every edge, `attribution` estimates them from gradients.
    progress
        Told (senders done, all). The other parameters are those of `patch`.

    Returns
    -------
    Finding
        One row an edge, strongest first: `sender`, `receiver` and `effect`, the share of the score that is lost when
        this edge alone is corrupted.

    Raises
    ------
    NotAble
        The recogniser cannot be changed inside, has no residual stream, or no gradient where one is needed.
    """
    need(recognizer, Intervenable, *((Differentiable,) if how == "attribution" else ()))
    pair = pair_of(recognizer, recording, corrupted, target)
    graph = graph_of(recognizer, pair, tuple(nodes) if nodes is not None else residual_nodes(recognizer, recording))
    effects = edge_effects(graph, how=how, progress=progress)
    order = sorted(effects, key=lambda edge: -abs(effects[edge]))
    best = order[0]
    return Finding(
        "path-patching",
        f"Of {len(order)} edges {best[0]} → {best[1]} is the strongest: it carries {effects[best]:.2f} of the score.",
        tuple({"sender": s, "receiver": r, "effect": effects[s, r]} for s, r in order),
        (
            bars(
                "Edges",
                [f"{s} → {r}" for s, r in order],
                [effects[edge] for edge in order],
                y_label="share of the score lost",
                caption="What is lost when one edge alone hands on what is corrupted; the strongest edges.",
                warning="; ".join(pair.failures),
            ),
        ),
        made_of(recognizer, (pair.clean, pair.corrupted), pair.target, how=how, n_nodes=len(graph.nodes)),
        pair.failures,
    )


def edge_effects(graph: Graph, *, how: How = "patching", progress: Progress | None = None) -> dict[Edge, float]:
    """Return the share of the score that each edge carries.

    Raises
    ------
    BadInput
        `how` is unknown.
    """
    if how not in get_args(How):
        raise BadInput(f"edges are judged by {' or '.join(get_args(How))}, not by {how!r}")
    slopes = _slopes(graph) if how == "attribution" else {}
    effects: dict[Edge, float] = {}
    senders = (INPUT, *graph.labels)
    for done, sender in enumerate(senders):
        score, handed = handed_on(graph, sender)
        effects[sender, OUTPUT] = 1 - float(graph.pair.normalized(score))
        for receiver, rows in handed.items():
            if how == "attribution":
                change = ((rows - graph.of(receiver, graph.clean)) * slopes[receiver]).sum()
                effects[sender, receiver] = -float(change) / graph.pair.gap
            else:
                effects[sender, receiver] = 1 - float(graph.pair.normalized(graph.run({receiver: rows}).score))
        if progress is not None:
            progress(done + 1, len(senders))
    return effects


def handed_on(graph: Graph, sender: str) -> tuple[float, dict[str, Rows]]:
    """Return the score, and what each later node becomes, when a sender is corrupted and all else stays as it is."""
    values = graph.frozen(graph.clean)
    base = graph.pair.corrupted if sender == INPUT else graph.pair.clean
    if sender != INPUT:
        values[sender] = graph.of(sender, graph.corrupted)
    later = [label for label in graph.labels if sender in graph.upstream(label)]
    sites = tuple(dict.fromkeys(graph.node(label).site for label in later))
    found = graph.run(values, base=base, sites=sites)
    return found.score, {label: graph.of(label, found.seen) for label in later}


def _slopes(graph: Graph) -> Mapping[str, Rows]:
    """Return the gradient of the score in the clean recording at every node."""
    sites = tuple(dict.fromkeys(node.site for node in graph.nodes))
    pair = graph.pair
    by_site = {
        site: np.asarray(graph.recognizer.gradient(pair.clean, pair.target, at=site))  # type: ignore[attr-defined]
        for site in sites
    }
    return {label: graph.of(label, by_site) for label in graph.labels}
