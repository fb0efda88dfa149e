"""Tying the states of triphones by phonetic decision trees (Young, Odell & Woodland 1994).

One tree for each state of each phone. A node's frames are modelled by one diagonal Gaussian; of all questions about
the left or right neighbour the one is taken that raises the likelihood of the frames most, and of all leaves of all
trees the one is split next that gains most.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.core.arrays import ByValue
from otoscope.recognizers.hmm.questions import questions
from otoscope.recognizers.hmm.tied_states import Node, TiedStates
from otoscope.recognizers.hmm.topology import PHONE_STATES, SILENCE

Context = tuple[str, str]
"""Left and right neighbour."""


@dataclass(frozen=True, eq=False)
class ContextStatistics(ByValue):
    """Frames of one state of one phone, by context.

    Parameters
    ----------
    contexts
        The `n_contexts` neighbours seen.
    counts
        `(n_contexts,)` frames.
    sums, squares
        `(n_contexts, n_dims)` sums of the frames and of their squares.
    """

    contexts: tuple[Context, ...]
    counts: NDArray[np.float64]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]


@dataclass(frozen=True)
class TreePlan:
    """When to stop.

    Parameters
    ----------
    n_leaves
        Most leaves of all trees together.
    least_gain
        Nats of log-likelihood that a split must bring.
    least_frames
        Frames that both halves must have.
    """

    n_leaves: int = 1000
    least_gain: float = 150.0
    least_frames: float = 50.0


@dataclass
class _Leaf:
    tree: tuple[str, int]
    node: int
    members: NDArray[np.int64]
    question: int = -1


def gaussian_log_likelihood(
    counts: NDArray[np.float64], sums: NDArray[np.float64], squares: NDArray[np.float64], floor: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the log-likelihood of frames under the diagonal Gaussian of their own mean and variance.

    -n/2 · sum over dims of (1 + ln 2π σ²) (Young et al. 1994, eq. 2); arrays `(…,)` and `(…, n_dims)`; 0 where n is 0.
    """
    n = np.maximum(counts, 1e-10)[..., None]
    variances = np.maximum(squares / n - (sums / n) ** 2, floor)
    values = -0.5 * counts * (1.0 + np.log(2 * np.pi * variances)).sum(-1)
    return np.where(counts > 0, values, 0.0)


def grow(
    statistics: Mapping[tuple[str, int], ContextStatistics],
    phones: Sequence[str],
    plan: TreePlan,
    *,
    floor: NDArray[np.float64],
) -> TiedStates:
    """Return tied states grown on the statistics of each (phone, state number from 0).

    Parameters
    ----------
    phones
        All phones; one that was never seen has trees of a single leaf.
    floor
        `(n_dims,)` least variances.

    Raises
    ------
    BadInput
        More trees than leaves are allowed.
    """
    roots = [(phone, state) for phone in phones for state in range(PHONE_STATES)]
    if len(roots) > plan.n_leaves:
        raise BadInput(f"{len(roots)} states of phones need as many leaves at least, {plan.n_leaves} are allowed")
    asked = questions(phones)
    masks = {tree: _answers(stats, asked) for tree, stats in statistics.items()}
    trees: dict[tuple[str, int], list[Node]] = {tree: [Node()] for tree in roots}
    queue: list[tuple[float, int, _Leaf]] = []
    n_pushed = 0

    def consider(leaf: _Leaf) -> None:
        nonlocal n_pushed
        if leaf.tree not in statistics:
            return
        gain, leaf.question = _best_question(statistics[leaf.tree], masks[leaf.tree], leaf.members, plan, floor)
        if leaf.question >= 0 and gain >= plan.least_gain:
            heapq.heappush(queue, (-gain, n_pushed, leaf))
            n_pushed += 1

    for tree in roots:
        n_contexts = len(statistics[tree].contexts) if tree in statistics else 0
        consider(_Leaf(tree, 0, np.arange(n_contexts)))
    n_leaves = len(roots)
    while queue and n_leaves < plan.n_leaves:
        leaf = heapq.heappop(queue)[2]
        nodes, yes = trees[leaf.tree], masks[leaf.tree][leaf.question, leaf.members]
        name, members = asked[leaf.question % len(asked)]
        side: Literal["left", "right"] = "left" if leaf.question < len(asked) else "right"
        nodes[leaf.node] = Node(side, name, members, len(nodes), len(nodes) + 1)
        nodes += [Node(), Node()]
        consider(_Leaf(leaf.tree, len(nodes) - 2, leaf.members[yes]))
        consider(_Leaf(leaf.tree, len(nodes) - 1, leaf.members[~yes]))
        n_leaves += 1
    return TiedStates.of_trees(tuple(phones), trees)


def _answers(statistics: ContextStatistics, asked: Sequence[tuple[str, frozenset[str]]]) -> NDArray[np.bool_]:
    """Return `(2 n_questions, n_contexts)` answers: about the left neighbour, then about the right."""
    return np.array(
        [[context[side] in members for context in statistics.contexts] for side in (0, 1) for _, members in asked]
    )


def _best_question(
    statistics: ContextStatistics,
    masks: NDArray[np.bool_],
    members: NDArray[np.int64],
    plan: TreePlan,
    floor: NDArray[np.float64],
) -> tuple[float, int]:
    """Return the greatest gain (nats) and its question, -1 where none leaves enough frames on both sides."""
    counts, sums, squares = statistics.counts[members], statistics.sums[members], statistics.squares[members]
    yes = masks[:, members].astype(np.float64)
    n_yes, n_all = yes @ counts, counts.sum()
    allowed = np.flatnonzero((n_yes >= plan.least_frames) & (n_all - n_yes >= plan.least_frames))
    if not allowed.size:
        return 0.0, -1
    sums_yes, squares_yes = yes[allowed] @ sums, yes[allowed] @ squares
    whole = gaussian_log_likelihood(np.array(n_all), sums.sum(0), squares.sum(0), floor)
    halves = gaussian_log_likelihood(n_yes[allowed], sums_yes, squares_yes, floor) + gaussian_log_likelihood(
        n_all - n_yes[allowed], sums.sum(0) - sums_yes, squares.sum(0) - squares_yes, floor
    )
    best = int(np.argmax(halves))
    return float(halves[best] - whole), int(allowed[best])


def context_statistics(
    frames: NDArray[np.float32], labels: Sequence[tuple[str, str, str, int]], label_of: NDArray[np.int64]
) -> dict[tuple[str, int], ContextStatistics]:
    """Return the statistics of each state of each phone, silence left out.

    Parameters
    ----------
    frames
        `(n_frames, n_dims)`.
    labels
        Left neighbour, phone, right neighbour and state number (from 0) of each of `n_labels` triphone states.
    label_of
        `(n_frames,)` index into `labels`, -1 for frames of no label.
    """
    from otoscope.decoding.gaussians import Occupancy

    groups: dict[tuple[str, int], list[tuple[Context, float, Any, Any]]] = {}
    for label, chosen, _ in Occupancy.of_path(label_of, len(labels)):
        left, phone, right, state = labels[label]
        if phone == SILENCE:
            continue
        values = frames[chosen].astype(np.float64)
        row = ((left, right), float(chosen.size), values.sum(0), (values * values).sum(0))
        groups.setdefault((phone, state), []).append(row)
    return {
        tree: ContextStatistics(
            tuple(row[0] for row in rows),
            np.array([row[1] for row in rows]),
            np.array([row[2] for row in rows]),
            np.array([row[3] for row in rows]),
        )
        for tree, rows in groups.items()
    }
