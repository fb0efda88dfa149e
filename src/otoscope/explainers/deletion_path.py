"""The way down: which stretches, taken away one after the other, undo a word fastest, each step measured.

Shapley values average over all orders in which segments may go; nearly all of these orders take away what does not
matter. Here one order counts, the one that costs the word most at each step, and a segment is worth what the score
lost when it went. So the map adds up to the whole change of the score, no two seeds differ, and the deletion curve of
the map is the measured path itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.explainers.direct import DirectMethod
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.plan import Estimate, Masks, ends

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class DeletionPath(DirectMethod):
    """Deletion by beam search: the order of segments that lowers the score soonest
    (Fong & Vedaldi 2017, in whole steps).

    First blocks of neighbours are taken away, then each segment of the blocks that cost most: the proposals. Nobody is
    told where the word lies. Then a few orders go on side by side: for each, the segments that were worth most when
    last measured (as in lazy greedy search, Minoux 1978) and neighbours of what is gone are measured beside what is
    gone, and the orders with the least level summed over their steps, which is the area under their deletion curve, are
    kept. The level of a score is 1 in the whole recording and 0 in the filled one; where a second fill has a say it is
    the mean of both, each no lower than 0. An order ends where every fill has next to nothing of its level left, or
    where no step lowers it any more.

    A segment is worth what the level fell when it went, in nats of the fill that is asked for. Relevance falls along
    the path: where a later step cost more than the one before, the two share what they cost together (pool adjacent
    violators). Segments that no step took share alike what is left, so that the sum is the whole change of the score.

    Parameters
    ----------
    n_proposals, block
        Segments measured alone, and how many neighbours make a block.
    n_tried, n_beside
        Segments measured at each step of each order: those that were worth most, and neighbours of what is gone.
    width
        Orders kept.
    most_steps
        Segments taken away at most.
    enough
        Share of the level that may be left under each fill when an order ends.
    patience
        Steps without a lower level after which the search ends.
    second_fill
        Another fill in which the order must serve as well, so that it is no order of one fill's artefacts. `None` for
        the fill that is asked for alone.
    """

    n_proposals: int = 20
    block: int = 4
    n_tried: int = 2
    n_beside: int = 2
    width: int = 2
    most_steps: int = 24
    enough: float = 0.05
    patience: int = 3
    second_fill: str | None = "mean"
    name: str = "deletion-path"

    def look(self, score: MaskedScores, *, fill: str, seed: int) -> Estimate:
        """Return the path of each target."""
        columns = [self._path(score, k, fill=fill) for k in range(len(score.targets))]
        return Estimate(np.stack(columns, axis=1), exact=True)

    def _path(self, score: MaskedScores, target: int, *, fill: str) -> Vector:
        level = _Level(score, target, self._fills(fill))
        n_segments = len(score.segments)
        alone = np.full(n_segments, -np.inf)
        proposed = self._proposals(level)
        start = float(level([()])[0].mean())
        alone[proposed] = start - level.kept([[int(i)] for i in proposed]).mean(1)
        beam, ended = [_Order((), (start,), start, alone)], list[_Order]()
        least_level, n_futile = start, 0
        while beam and len(beam[0].gone) < min(self.most_steps, n_segments) and n_futile < self.patience:
            tries = [(order, i) for order in beam for i in self._trial(order)]
            found = level.kept([(*order.gone, i) for order, i in tries])
            for (order, i), row in zip(tries, found, strict=True):
                order.worth[i] = order.levels[-1] - row.mean()
            beam = _best([order.longer(i, row) for (order, i), row in zip(tries, found, strict=True)], self.width)
            lowest = min(order.levels[-1] for order in beam)
            n_futile = 0 if lowest < least_level else n_futile + 1
            least_level = min(lowest, least_level)
            ended = _best([*ended, *(order for order in beam if order.most <= self.enough)], 1)
            least = ended[0].area if ended else np.inf
            beam = [order for order in beam if order.most > self.enough and order.area < least]
        chosen = min((order.cut() for order in (*ended, *beam)), key=lambda order: order.area_with_rest)
        levels = level([chosen.gone[:n] for n in range(len(chosen.gone) + 1)]).mean(1)
        return _relevance(chosen.gone, level.nats * np.minimum.accumulate(levels), n_segments)

    def _fills(self, fill: str) -> tuple[str, ...]:
        if self.second_fill is None:
            return (fill,)
        return (fill, self.second_fill if self.second_fill != fill else "noise")

    def _proposals(self, level: _Level) -> NDArray[np.intp]:
        n_segments = len(level.score.segments)
        if n_segments <= self.n_proposals:
            return np.arange(n_segments)
        blocks = [range(i, min(i + self.block, n_segments)) for i in range(0, n_segments, self.block)]
        chosen = np.argsort(level.first(blocks), kind="stable")[: max(1, self.n_proposals // self.block)]
        return np.array(sorted(i for k in chosen for i in blocks[k]), dtype=np.intp)

    def _trial(self, order: _Order) -> list[int]:
        ranked = [int(i) for i in np.argsort(-order.worth, kind="stable") if np.isfinite(order.worth[i])]
        beside = {i + step for i in order.gone for step in (-1, 1)} - set(order.gone)
        near = sorted((i for i in beside if 0 <= i < order.worth.size), key=lambda i: (-order.worth[i], i))
        return sorted({*ranked[: self.n_tried], *near[: self.n_beside]})


class _Level:
    """How much of the score is left: 1 in the whole recording, 0 in the filled one, a column for each fill.

    A fill in which the target scores no worse than in the recording does not count. Where that is so of the fill that
    is asked for there is no other, and levels are what the score has above the filled one, in nats.
    """

    def __init__(self, score: MaskedScores, target: int, fills: Sequence[str]) -> None:
        self.score, self.target = score, target
        spans = {fill: score(ends(len(score.segments)), fill=fill)[:, target] for fill in fills}
        whole, floor = spans[fills[0]]
        self.falls = bool(whole > floor)
        self.nats = float(whole - floor) if self.falls else 1.0
        self.spans = {fill: span for fill, span in spans.items() if span[0] > span[1]}
        if not self.falls:
            self.spans = {fills[0]: np.array([floor + 1.0, floor])}

    def _under(self, fill: str, orders: Sequence[Sequence[int]]) -> Vector:
        whole, floor = self.spans[fill]
        found = self.score(without(orders, len(self.score.segments)), fill=fill)[:, self.target]
        return np.asarray((found - floor) / (whole - floor))

    def first(self, orders: Sequence[Sequence[int]]) -> Vector:
        """Return the levels under the fill that is asked for, `(n_orders,)`."""
        return self._under(next(iter(self.spans)), orders)

    def __call__(self, orders: Sequence[Sequence[int]]) -> Vector:
        """Return the levels with these segments taken away, `(n_orders, n_fills)`."""
        return np.stack([self._under(fill, orders) for fill in self.spans], axis=1)

    def kept(self, orders: Sequence[Sequence[int]]) -> Vector:
        """Return the levels, no lower than 0 where they start above it."""
        return np.maximum(self(orders), 0.0) if self.falls else self(orders)


@dataclass(frozen=True)
class _Order:
    """Segments that are gone, in order; the mean level before and after each, and the highest one at the end.

    `worth` is what each segment was worth when last measured.
    """

    gone: tuple[int, ...]
    levels: tuple[float, ...]
    most: float
    worth: Vector

    def longer(self, segment: int, found: Vector) -> _Order:
        """Return the order with one more segment, after which these levels are found."""
        worth = self.worth.copy()
        worth[segment] = -np.inf
        return _Order((*self.gone, segment), (*self.levels, float(found.mean())), float(found.max()), worth)

    def cut(self) -> _Order:
        """Return the order up to where the level is least."""
        n_steps = int(np.argmin(self.levels))
        return _Order(self.gone[:n_steps], self.levels[: n_steps + 1], self.most, self.worth)

    @property
    def area(self) -> float:
        """The level summed over the steps."""
        return float(sum(self.levels))

    @property
    def area_with_rest(self) -> float:
        """The same with the other segments, should they change nothing."""
        return self.area + self.levels[-1] * (self.worth.size - len(self.gone))


def without(orders: Sequence[Sequence[int]], n_segments: int) -> Masks:
    """Return the masks that take these segments away, `(n_orders, n_segments)`.

    Examples
    --------
    >>> without([[0, 2], []], 3).astype(int).tolist()
    [[0, 1, 0], [1, 1, 1]]
    """
    masks = np.ones((len(orders), n_segments), dtype=bool)
    for mask, order in zip(masks, orders, strict=True):
        mask[list(order)] = False
    return masks


def _best(orders: Sequence[_Order], n: int) -> list[_Order]:
    """Return the `n` orders of least area; of those that took the same segments away, only the best."""
    kept: dict[frozenset[int], _Order] = {}
    for order in sorted(orders, key=lambda o: (o.area, o.gone)):
        kept.setdefault(frozenset(order.gone), order)
    return list(kept.values())[:n]


def _relevance(order: Sequence[int], scores: Vector, n_segments: int) -> Vector:
    """Return what each segment of the order cost, given the scores above the filled one; the others share the rest."""
    n_rest = n_segments - len(order)
    relevance = np.full(n_segments, scores[-1] / max(1, n_rest))
    relevance[list(order)] = falling(-np.diff(scores))
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
