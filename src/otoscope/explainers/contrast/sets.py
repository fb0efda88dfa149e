"""The smallest set that reaches a goal: greedy, pruned, and proved smallest where all smaller sets can be tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

EXACT_UP_TO = 14
MOST_TRIES = 2000

Goal = Callable[[NDArray[np.bool_]], bool]
Guide = Callable[[NDArray[np.bool_]], NDArray[np.float64]]


@dataclass(frozen=True)
class FoundSet:
    """What was found.

    Parameters
    ----------
    members
        Indices, ascending; `None` where no set that was tried reaches the goal.
    exact
        Whether every smaller set was tried and fails: then there is none smaller.
    n_tried
        How many different sets the goal was asked of.
    note
        Why it is not exact, if it is not.
    """

    members: tuple[int, ...] | None
    exact: bool
    n_tried: int
    note: str = ""

    def mask(self, n: int) -> NDArray[np.bool_]:
        """Return the set as `(n,)` booleans; nothing where none was found."""
        found = np.zeros(n, dtype=bool)
        found[list(self.members or ())] = True
        return found


class _Asked:
    """A goal that is asked of each set only once."""

    def __init__(self, n: int, goal: Goal) -> None:
        self.n, self.goal = n, goal
        self.known: dict[bytes, bool] = {}

    def __call__(self, mask: NDArray[np.bool_]) -> bool:
        key = mask.tobytes()
        if key not in self.known:
            self.known[key] = bool(self.goal(mask))
        return self.known[key]

    def of(self, members: tuple[int, ...]) -> bool:
        mask = np.zeros(self.n, dtype=bool)
        mask[list(members)] = True
        return self(mask)


def smallest_set(
    n: int, goal: Goal, guide: Guide, *, exact_up_to: int = EXACT_UP_TO, max_tries: int = MOST_TRIES
) -> FoundSet:
    """Return a smallest set of `n` elements that reaches a goal.

    From nothing, the element that brings the guide furthest is added until the goal is reached; from everything, the
    one that costs least is taken away while it still is (with more than `exact_up_to` elements only if the first way
    fails); the smaller of the two is pruned until none of its elements can be spared. With at most `exact_up_to`
    elements all smaller sets are tried, smallest first, as long as there are no more than `max_tries` of them.

    Parameters
    ----------
    goal
        Takes `(n,)` booleans: does this set reach it? Need not be monotone. Asked once of each set.
    guide
        Takes `(n_sets, n)`, returns `(n_sets,)`: the larger, the nearer to the goal. Only orders what is tried.
    exact_up_to, max_tries
        As above.

    Examples
    --------
    >>> found = smallest_set(4, lambda mask: bool(mask[1] and mask[3]), lambda masks: masks @ np.array([0, 2, 1, 1.5]))
    >>> found.members, found.exact
    ((1, 3), True)
    """
    asked = _Asked(n, goal)
    if asked(np.zeros(n, dtype=bool)):
        return FoundSet((), True, len(asked.known))
    grown = _grown(n, asked, guide)
    shrunk = _shrunk(n, asked, guide) if grown is None or n <= exact_up_to else None
    candidates = [found for found in (grown, shrunk) if found is not None]
    pruned = [_pruned(n, found, asked, guide) for found in candidates]
    best = min(pruned, key=lambda mask: int(mask.sum()), default=None)
    return _proved(n, best, asked, guide, exact_up_to, max_tries)


def _grown(n: int, asked: _Asked, guide: Guide) -> NDArray[np.bool_] | None:
    current = np.zeros(n, dtype=bool)
    while not current.all():
        free = np.flatnonzero(~current)
        tried = np.repeat(current[None], free.size, axis=0)
        tried[np.arange(free.size), free] = True
        current = tried[int(np.argmax(guide(tried)))]
        if asked(current):
            return current
    return None


def _shrunk(n: int, asked: _Asked, guide: Guide) -> NDArray[np.bool_] | None:
    current = np.ones(n, dtype=bool)
    if not asked(current):
        return None
    while True:
        smaller = _one_less(current)
        order = np.argsort(-guide(smaller), kind="stable")
        better = next((smaller[i] for i in order[:3] if asked(smaller[i])), None)
        if better is None:
            return current
        current = better


def _pruned(n: int, mask: NDArray[np.bool_], asked: _Asked, guide: Guide) -> NDArray[np.bool_]:
    """Return the set without the elements it can spare: then none is left that can be spared by itself."""
    while mask.any():
        smaller = _one_less(mask)
        order = np.argsort(-guide(smaller), kind="stable")
        better = next((smaller[i] for i in order if asked(smaller[i])), None)
        if better is None:
            return mask
        mask = better
    return mask


def _one_less(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    inside = np.flatnonzero(mask)
    smaller = np.repeat(mask[None], inside.size, axis=0)
    smaller[np.arange(inside.size), inside] = False
    return smaller


def _proved(
    n: int, best: NDArray[np.bool_] | None, asked: _Asked, guide: Guide, exact_up_to: int, max_tries: int
) -> FoundSet:
    largest = n if best is None else int(best.sum()) - 1
    members = None if best is None else tuple(int(i) for i in np.flatnonzero(best))
    n_smaller = sum(comb(n, size) for size in range(1, largest + 1))
    if n > exact_up_to or n_smaller > max_tries:
        why = f"{n} parts, more than {exact_up_to}" if n > exact_up_to else f"{n_smaller} smaller sets"
        return FoundSet(members, False, len(asked.known), f"not proved smallest: {why}")
    alone = guide(np.eye(n, dtype=bool))
    by_promise = [int(i) for i in np.argsort(-alone, kind="stable")]
    for size in range(1, largest + 1):
        for chosen in combinations(by_promise, size):
            if asked.of(chosen):
                return FoundSet(tuple(sorted(chosen)), True, len(asked.known))
    return FoundSet(members, True, len(asked.known))
