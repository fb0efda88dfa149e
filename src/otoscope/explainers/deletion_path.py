"""The way down: which stretches, taken away one after the other, undo a word fastest, each step measured.

Shapley values average over all orders in which segments may go; nearly all of these orders take away what does not
matter. Here one order counts, the one that costs the word most at each step, and a segment is worth what the score
lost when it went. So the map adds up to the whole change of the score, no two seeds differ, and the deletion curve of
the map is the measured path itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.explainers.direct import DirectMethod
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.plan import Estimate, ends

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class DeletionPath(DirectMethod):
    """Deletion by beam search: the order of segments that lowers the score soonest
    (Fong & Vedaldi 2017, in whole steps).

    First blocks of neighbours are taken away, then each segment of the blocks that cost most: the proposals. Nobody is
    told where the word lies. Then a few orders go on side by side: for each, the segments that were worth most when
    last measured (as in lazy greedy search, Minoux 1978) and neighbours of what is gone are measured beside what is
    gone, and the orders with the least score summed over their steps, which is the area under their deletion curve, are
    kept. An order ends where the score is all but as low as in the filled recording; the other segments share what is
    left of it by what they were last worth. Relevance falls along the path: where a later step cost more than the one
    before, the two share what they cost together (pool adjacent violators), and the sum stays.

    Parameters
    ----------
    n_proposals, block
        Segments measured alone, and how many neighbours make a block.
    n_tried
        Segments measured at each step of each order, and half as many neighbours.
    width
        Orders kept.
    most_steps
        Segments taken away at most.
    enough
        Share of the score that may be left when an order ends.
    second_fill
        Another fill in which the order must serve as well, so that it is no order of one fill's artefacts: the level
        that goes down is the mean of both. `None` for the fill that is asked for alone.
    """

    n_proposals: int = 20
    block: int = 4
    n_tried: int = 4
    width: int = 2
    most_steps: int = 16
    enough: float = 0.1
    second_fill: str | None = "mean"
    name: str = "deletion-path"

    def look(self, score: MaskedScores, *, fill: str, seed: int) -> Estimate:
        """Return the path of each target."""
        columns = [self._path(score, k, fill=fill) for k in range(len(score.targets))]
        return Estimate(np.stack(columns, axis=1), exact=True)

    def _path(self, score: MaskedScores, target: int, *, fill: str) -> Vector:
        n_segments = len(score.segments)
        level = _Level(score, target, self._fills(fill))
        proposed = self._proposals(n_segments, level.first)
        alone = np.full(n_segments, -np.inf)
        alone[proposed] = 1.0 - level([[int(i)] for i in proposed])
        beam = [_Order((), (1.0,), alone.copy())]
        ended: list[_Order] = []
        while beam and len(beam[0].gone) < min(self.most_steps, n_segments):
            tries = [(order, i) for order in beam for i in self._trial(order)]
            found = level([(*order.gone, i) for order, i in tries])
            longer = [order.longer(i, float(value)) for (order, i), value in zip(tries, found, strict=True)]
            beam = _best(longer, self.width)
            ended = _best([*ended, *(o for o in beam if o.levels[-1] <= self.enough)], 1)
            least = ended[0].area if ended else np.inf
            beam = [o for o in beam if o.levels[-1] > self.enough and o.area < least]
        chosen = _best([*ended, *beam], 1)[0]
        steps = [chosen.gone[:n] for n in range(len(chosen.gone) + 1)]
        last = np.where(np.isfinite(chosen.worth), chosen.worth, alone)
        return _relevance(chosen.gone, level.scores(steps, fill), level.floor, last)

    def _fills(self, fill: str) -> tuple[str, ...]:
        if self.second_fill is None:
            return (fill,)
        return (fill, self.second_fill if self.second_fill != fill else "noise")

    def _proposals(self, n_segments: int, of: Callable[[Sequence[Sequence[int]]], Vector]) -> NDArray[np.intp]:
        if n_segments <= self.n_proposals:
            return np.arange(n_segments)
        blocks = [range(i, min(i + self.block, n_segments)) for i in range(0, n_segments, self.block)]
        chosen = np.argsort(of(blocks), kind="stable")[: max(1, self.n_proposals // self.block)]
        return np.array(sorted(i for k in chosen for i in blocks[k]), dtype=np.intp)

    def _trial(self, order: _Order) -> list[int]:
        ranked = [int(i) for i in np.argsort(-order.worth, kind="stable") if np.isfinite(order.worth[i])]
        beside = {i + step for i in order.gone for step in (-1, 1)} - set(order.gone)
        near = sorted((i for i in beside if 0 <= i < order.worth.size), key=lambda i: (-order.worth[i], i))
        return sorted({*ranked[: self.n_tried], *near[: self.n_tried // 2]})


class _Level:
    """How much of a target's score is left: 1 in the whole recording, 0 in the filled one, mean over the fills.

    A fill in which the target scores no worse than in the recording does not count, unless there is no other.
    """

    def __init__(self, score: MaskedScores, target: int, fills: Sequence[str]) -> None:
        self.score, self.target = score, target
        n_segments = len(score.segments)
        spans = {fill: score(ends(n_segments), fill=fill)[:, target] for fill in fills}
        self.floor = float(spans[fills[0]][1])
        falls = {fill: span for fill, span in spans.items() if span[0] > span[1]}
        self.spans = falls or {fills[0]: np.array([1.0, 0.0]) + self.floor}

    def scores(self, orders: Sequence[Sequence[int]], fill: str) -> Vector:
        """Return the scores with these segments taken away, `(n_orders,)`."""
        masks = np.ones((len(orders), len(self.score.segments)), dtype=bool)
        for mask, order in zip(masks, orders, strict=True):
            mask[list(order)] = False
        return self.score(masks, fill=fill)[:, self.target]

    def first(self, orders: Sequence[Sequence[int]]) -> Vector:
        """Return the levels under one fill only."""
        return self._level(orders, next(iter(self.spans)))

    def _level(self, orders: Sequence[Sequence[int]], fill: str) -> Vector:
        whole, floor = self.spans[fill]
        return np.asarray((self.scores(orders, fill) - floor) / (whole - floor))

    def __call__(self, orders: Sequence[Sequence[int]]) -> Vector:
        """Return the levels, `(n_orders,)`; below 0 is no lower than 0."""
        return np.mean([np.maximum(self._level(orders, fill), 0.0) for fill in self.spans], axis=0)


@dataclass(frozen=True)
class _Order:
    """Segments that are gone, in order; the level before and after each; what each segment was last worth."""

    gone: tuple[int, ...]
    levels: tuple[float, ...]
    worth: Vector

    def longer(self, segment: int, level: float) -> _Order:
        """Return the order with one more segment."""
        self.worth[segment] = self.levels[-1] - level
        worth = self.worth.copy()
        worth[segment] = -np.inf
        return _Order((*self.gone, segment), (*self.levels, level), worth)

    @property
    def area(self) -> float:
        """The level summed over the steps."""
        return float(sum(self.levels))


def _best(orders: Sequence[_Order], n: int) -> list[_Order]:
    """Return the `n` orders of least area; of those that took the same segments away, only the best."""
    kept: dict[frozenset[int], _Order] = {}
    for order in sorted(orders, key=lambda o: (o.area, o.gone)):
        kept.setdefault(frozenset(order.gone), order)
    return list(kept.values())[:n]


def _relevance(order: Sequence[int], scores: Vector, floor: float, worth: Vector) -> Vector:
    """Return what each segment cost, up to where the score is lowest; the others share what is left.

    They share it by what they were worth when last measured, where it is anything and they were; else alike.
    """
    n_steps = int(np.argmin(scores))
    gone = list(order[:n_steps])
    left = scores[n_steps] - floor
    alone = np.maximum(worth, 0.0)
    alone[gone] = 0.0
    rest = np.setdiff1d(np.arange(worth.size), gone)
    relevance = np.zeros(worth.size)
    if left > 0 and alone.sum() > 0:
        relevance[rest] = left * alone[rest] / alone.sum()
    else:
        relevance[rest] = left / max(1, rest.size)
    relevance[gone] = falling(-np.diff(scores[: n_steps + 1]))
    return relevance


def falling(drops: Vector) -> Vector:
    """Return the non-increasing row nearest to `drops`, with the same sum (pool adjacent violators), ties falling.

    Examples
    --------
    >>> falling(np.array([3.0, 1.0, 2.0])).round(3).tolist()
    [3.0, 1.5, 1.5]
    """
    pools: list[list[float]] = []
    for drop in drops:
        pools.append([drop, 1])
        while len(pools) > 1 and pools[-2][0] < pools[-1][0]:
            value, size = pools.pop()
            other, n = pools.pop()
            pools.append([(value * size + other * n) / (size + n), size + n])
    level = np.concatenate([np.full(int(n), value) for value, n in pools]) if pools else np.zeros(0)
    tilt = np.arange(level.size, dtype=np.float64)
    return level - 1e-9 * (tilt - tilt.mean() if level.size else tilt) * (np.abs(level).max() if level.size else 1.0)
