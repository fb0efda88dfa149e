"""Viterbi of a model whose states lead to themselves and the next one: the most common model, and the fastest kernel.

Four frames go over the states together. Each needs its neighbour's score of the frame before, which the pass has just
had at hand, so a score is loaded and stored once in four frames and the loop still runs in vectors.
"""

from __future__ import annotations

import numpy as np
from numba import njit

FRAMES = 4
"""Frames in a pass; their choices share a byte."""


@njit(cache=True)
def best_advance(emissions, band):  # type: ignore[no-untyped-def]
    """Best path from the first state to the last, over at least as many frames as states.

    Parameters
    ----------
    emissions
        `(n_frames, n_states)` natural logs.
    band
        `(n_states, 2)` log probability of staying in a state and of leaving it for the next.

    Returns
    -------
    score, states, clean
        Score of the path, its `(n_frames,)` states, and whether all emissions that paths can pass were below +inf.

    Notes
    -----
    A score that is NaN or +inf stays so to the end, for a stay is given up only for what is greater; so one look at
    the last scores finds it. Of the emissions that no path can pass, those of a state that is passed within three
    frames may be looked at.
    """
    n_frames, n_states = emissions.shape
    stay, move = band[:, 0].copy(), np.full(n_states, -np.inf)
    move[1:] = band[:-1, 1]
    first = 1 + (n_frames - 1) % FRAMES
    choices = np.zeros((1 + (n_frames - 1) // FRAMES, n_states), dtype=np.uint8)
    scores = np.full(n_states + 1, -np.inf)
    scores[1] = emissions[0, 0]
    for t in range(1, first):
        _one_frame(emissions, t, stay, move, scores, choices[0])
    for t in range(first, n_frames, FRAMES):
        _four_frames(emissions, t, stay, move, scores, choices)
    clean = True
    for score in scores:
        clean &= score < np.inf
    return scores[n_states], _trace(choices, n_frames), clean


@njit(cache=True, inline="always")
def _cell(before, left, stay, move, emission):  # type: ignore[no-untyped-def]
    """Score of a cell, and whether its path came from the state to the left."""
    stays, comes = before + stay, left + move
    return (comes if comes > stays else stays) + emission, comes > stays


@njit(cache=True)
def _one_frame(emissions, t, stay, move, scores, choices):  # type: ignore[no-untyped-def]
    here, left = scores[1:], -np.inf
    for s in range(np.uint64(min(t + 1, stay.shape[0]))):
        before = here[s]
        here[s], comes = _cell(before, left, stay[s], move[s], emissions[t, s])
        choices[s] = choices[s] << 1 | comes
        left = before


@njit(cache=True)
def _four_frames(emissions, t, stay, move, scores, choices):  # type: ignore[no-untyped-def]
    """Frames t to t + 3, over the states on a path from the first state to the last in any of them."""
    n_frames, n_states = emissions.shape
    low, high = max(0, n_states - n_frames + t), min(n_states, t + FRAMES)
    here, row = scores[1:], np.uint64(1 + (t - 1) // FRAMES)
    e1, e2, e3, e4 = emissions[t], emissions[t + 1], emissions[t + 2], emissions[t + 3]
    left, left1, left2, left3 = scores[low], -np.inf, -np.inf, -np.inf
    for s in range(np.uint64(low), np.uint64(high)):
        before = here[s]
        now1, come1 = _cell(before, left, stay[s], move[s], e1[s])
        now2, come2 = _cell(now1, left1, stay[s], move[s], e2[s])
        now3, come3 = _cell(now2, left2, stay[s], move[s], e3[s])
        here[s], come4 = _cell(now3, left3, stay[s], move[s], e4[s])
        choices[row, s] = come1 << 3 | come2 << 2 | come3 << 1 | come4
        left, left1, left2, left3 = before, now1, now2, now3


@njit(cache=True)
def _trace(choices, n_frames):  # type: ignore[no-untyped-def]
    """States of the path, from the last frame back to the first."""
    states = np.zeros(n_frames, dtype=np.int64)
    state, last = choices.shape[1] - 1, choices.shape[0] - 1
    for t in range(n_frames - 1, 0, -1):
        states[t] = state
        back = n_frames - 1 - t
        state -= (choices[last - back // FRAMES, state] >> (back % FRAMES)) & 1
    return states
