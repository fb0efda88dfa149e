"""One frame of running speech through the tree of words, compiled; each path knows where its word began."""

from __future__ import annotations

import numpy as np
from numba import njit

from otoscope.listener.ranking import ORDERLY
from otoscope.listener.stepping import BLOCK


@njit(cache=True, fastmath=ORDERLY)
def step_running(  # type: ignore[no-untyped-def]  # numba compiles it
    row, now, into_root, root_now, parent, segments, n_states, column, loop, leave, skip, v, since, way_out, out_since,
    best,
):  # fmt: skip
    """Advance all states by a frame; words that begin now come from `into_root`.

    As `stepping.step_viterbi`, with `since (most_states, n_nodes)`: the frame in which each best path's word began.
    """
    arriving = np.empty(BLOCK, np.float32)
    began = np.empty(BLOCK, np.int32)
    highest = np.empty(BLOCK, np.float32)
    way_out[0], out_since[0], best[0] = into_root, now, root_now
    for k in range(len(segments)):
        unit = segments[k, 0]
        for lo in range(segments[k, 1], segments[k, 2], BLOCK):
            n = min(BLOCK, segments[k, 2] - lo)
            for i in range(n):
                above = np.uint32(parent[lo + i])
                arriving[i], began[i], highest[i] = way_out[above], out_since[above], best[above]
            for s in range(n_states[unit]):
                b, stay, go, over = row[column[unit, s]], loop[unit, s], leave[unit, s], skip[unit, s]
                here, here_since = v[s, lo : lo + n], since[s, lo : lo + n]
                for i in range(n):
                    old, come = here[i], arriving[i]
                    old_since, come_since = here_since[i], began[i]
                    stayed = old + stay
                    stays = stayed >= come
                    new = (stayed if stays else come) + b
                    left, passed = old + go, come + over
                    leaves = left >= passed
                    arriving[i] = left if leaves else passed
                    began[i] = old_since if leaves else come_since
                    here[i] = new
                    here_since[i] = old_since if stays else come_since
                    highest[i] = new if new > highest[i] else highest[i]
            outward, outward_since, best_here = way_out[lo : lo + n], out_since[lo : lo + n], best[lo : lo + n]
            for i in range(n):
                outward[i], outward_since[i], best_here[i] = arriving[i], began[i], highest[i]


@njit(cache=True)
def best_end(end, prior, unit_of_end, tops, stretch, n_states, leave, skip, v, since):  # type: ignore[no-untyped-def]
    """Return which word ends best in this frame, with its score and the frame in which it began.

    No word ends better than its best state is, prior in both, when to leave and to pass by cost something: stretches
    whose `tops` are below the best end so far are passed over.
    """
    top, which, began = np.float32(-np.inf), -1, -1
    gain = max(np.float32(0.0), leave.max())
    for block in range(tops.size):
        if tops[block] + gain < top:
            continue
        for f in range(block * stretch, min(end.size, (block + 1) * stretch)):
            unit, at, bonus = unit_of_end[f], end[f], prior[f]
            over = np.float32(0.0)
            for s in range(n_states[unit] - 1, -1, -1):
                score = v[s, at] + leave[unit, s] + over + bonus
                if score > top:
                    top, which, began = score, f, since[s, at]
                over += skip[unit, s]
                if over == -np.inf:
                    break
    return top, which, began


@njit(cache=True, fastmath=ORDERLY)
def word_activations(end, prior, best, activations, tops, stretch):  # type: ignore[no-untyped-def]
    """Fill `activations (n_forms,)` with the best state on each word's path and its prior, and `tops` by stretches."""
    for block in range(tops.size):
        top = np.float32(-np.inf)
        for f in range(block * stretch, min(end.size, (block + 1) * stretch)):
            a = best[np.uint32(end[f])] + prior[f]
            activations[f] = a
            top = a if a > top else top
        tops[block] = top
