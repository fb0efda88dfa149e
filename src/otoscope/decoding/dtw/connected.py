"""Connected words: the string of templates that fits a stretch of frames best, in one pass over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, DoesNotFit
from otoscope.decoding.dtw.costs import local_costs
from otoscope.decoding.dtw.many import FrameStack


@dataclass(frozen=True)
class Placed:
    """A template at its place: frames `first` up to, not including, `stop`."""

    template: int
    first: int
    stop: int


@dataclass(frozen=True)
class TemplateString:
    """The best string of templates; `distance` is the mean local cost of a frame along it."""

    placed: tuple[Placed, ...]
    distance: float


def best_string(
    x: ArrayLike, stack: FrameStack, *, words: Sequence[Sequence[int]] | None = None, word_penalty: float = 0.0
) -> TemplateString:
    """Return the string of templates whose frames, one after the other, lie nearest to those of `x`.

    Parameters
    ----------
    x
        `(n_frames, n_coeffs)`.
    stack
        The templates.
    words
        For each word that must be found, in order, the templates that may stand for it; `None`: any string of one
        template or more.
    word_penalty
        Added to the sum of local costs at every word after the first.

    Raises
    ------
    DoesNotFit
        No string fits: a template runs at half to twice its speed.
    BadInput
        A word without templates, or frames that cannot be used.

    Notes
    -----
    One-pass dynamic programming (Vintsyuk 1971; Ney 1984, section III) with Itakura's (1975) local moves: from one
    frame to the next a template stays (not twice running), advances by one frame or by two. Every frame of `x` counts
    once, so strings of any number of words compare. Forced strings give every word a level of its own, as level
    building does (Myers & Rabiner 1981). O(n_frames · frames of all templates).

    Examples
    --------
    >>> up, down = np.array([[0.0], [1.0], [2.0]]), np.array([[2.0], [1.0], [0.0]])
    >>> found = best_string([[2.0], [1.0], [0.0], [0.0], [1.0], [2.0]], FrameStack.of([up, down]))
    >>> [(p.template, p.first, p.stop) for p in found.placed], found.distance
    ([(1, 0, 3), (0, 3, 6)], 0.0)
    """
    slots, levels, sources = _slots(len(stack), words)
    costs = local_costs(x, stack.frames)
    firsts, lasts = stack.offsets[slots], stack.offsets[slots + 1]
    ends, winners, starts = _one_pass(costs, firsts, lasts, levels, sources, word_penalty)
    level, time = len(sources) - 1, len(costs) - 1
    if ends[time, level] == np.inf:
        what = "no string of these templates" if words is None else f"no string of {len(sources)} words"
        raise DoesNotFit(f"{what} fits {len(costs)} frames: a template runs at half to twice its own speed")
    found = []
    while time >= 0:
        first = int(starts[time, level])
        found.append(Placed(int(slots[winners[time, level]]), first, time + 1))
        time, level = first - 1, int(sources[level])
    return TemplateString(tuple(reversed(found)), float(ends[-1, -1]) / len(costs))


def _slots(
    n_templates: int, words: Sequence[Sequence[int]] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the template and the level of each slot, and the level that each level follows (-1: the beginning)."""
    if words is None:
        return np.arange(n_templates), np.zeros(n_templates, dtype=np.int64), np.zeros(1, dtype=np.int64)
    if not words or any(not len(templates) for templates in words):
        raise BadInput("every word of a forced string needs at least one template, and there must be a word")
    slots = [template for templates in words for template in templates]
    levels = [level for level, templates in enumerate(words) for _ in templates]
    return np.array(slots, dtype=np.int64), np.array(levels, dtype=np.int64), np.arange(-1, len(words) - 1)


@njit(cache=True)
def _one_pass(costs, firsts, lasts, levels, sources, word_penalty):  # type: ignore[no-untyped-def]
    """At each frame and level: cost of the best string that ends there, its last slot, and where that began."""
    n_frames, n_levels = costs.shape[0], sources.size
    ends = np.full((n_frames, n_levels), np.inf)
    winners = np.zeros((n_frames, n_levels), dtype=np.int64)
    starts = np.zeros((n_frames, n_levels), dtype=np.int64)
    longest = (lasts - firsts).max()
    # Two scores a template frame: come by a move, come by staying. Frame f of the template lies at index f + 2.
    moved, stayed = np.full((firsts.size, longest + 2), np.inf), np.full((firsts.size, longest + 2), np.inf)
    moved_from, stayed_from = np.zeros(moved.shape, dtype=np.int64), np.zeros(moved.shape, dtype=np.int64)
    for t in range(n_frames):
        for slot in range(firsts.size):
            level = levels[slot]
            source = sources[level]
            if t == 0:
                entry = 0.0 if level == 0 else np.inf
            else:
                entry = ends[t - 1, source] + word_penalty if source >= 0 else np.inf
            cost = costs[t, firsts[slot] : lasts[slot]]
            _advance(cost, entry, t, moved[slot], stayed[slot], moved_from[slot], stayed_from[slot])
            last = cost.size + 1
            by_move = moved[slot, last] <= stayed[slot, last]
            total = moved[slot, last] if by_move else stayed[slot, last]
            if total < ends[t, level]:
                ends[t, level], winners[t, level] = total, slot
                starts[t, level] = moved_from[slot, last] if by_move else stayed_from[slot, last]
    return ends, winners, starts


@njit(cache=True)
def _advance(costs, entry, t, moved, stayed, moved_from, stayed_from):  # type: ignore[no-untyped-def]
    """One frame of one template, from its last frame back to its first, so that old scores are still there."""
    for f in range(costs.size - 1, -1, -1):
        i = f + 2
        held, held_from = moved[i], moved_from[i]
        best, begin = np.inf, 0
        if f == 0:
            best, begin = entry, t
        for back in range(1, 3):
            if moved[i - back] < best:
                best, begin = moved[i - back], moved_from[i - back]
            if stayed[i - back] < best:
                best, begin = stayed[i - back], stayed_from[i - back]
        moved[i], moved_from[i] = best + costs[f], begin
        stayed[i], stayed_from[i] = held + costs[f], held_from
