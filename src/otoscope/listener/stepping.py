"""Frames of evidence through the tree of words, compiled: every state of every word, none left out."""

from __future__ import annotations

import numpy as np
from numba import njit

BLOCK = 256
"""Nodes whose parents are looked up at a time; what they need then lies in the nearest cache."""
STRETCH = 64
"""Forms whose highest activation is noted, so that the best of all are found without sorting all."""

ORDERLY = {"nnan", "nsz"}
"""Nothing is ever NaN and the sign of zero does not matter, so that maxima are found several at a time."""
SUMS = {"nnan", "nsz", "reassoc", "contract"}
"""Sums may be made several terms at a time."""
FUSED = {"nsz", "contract"}
"""Minus infinity less itself is NaN, and is caught: nothing may be assumed about it."""

F = np.float32
_LOG2E, _LN2_HIGH, _LN2_LOW = F(1.4426950408889634), F(0.693359375), F(-2.12194440e-4)
_E6, _E5, _E4, _E3, _E2 = (
    F(1.9875691500e-4),
    F(1.3981999507e-3),
    F(8.3334519073e-3),
    F(4.1665795894e-2),
    F(1.6666665459e-1),
)
_HALF, _ONE, _TWO, _FAR = F(0.5), F(1.0), F(2.0), F(-80.0)
_A3, _A5, _A7, _A9, _A11, _A13 = (F(1 / k) for k in (3, 5, 7, 9, 11, 13))


@njit(cache=True, fastmath=FUSED, error_model="numpy", inline="always")
def exp_of_negative(x):  # type: ignore[no-untyped-def]
    """Return exp(x) of a float32 of 0 or below, to 2e-7 of itself; below -80 (and for NaN) as at -80.

    Cephes' `expf` (Moshier): the power of two by its bits, the rest by a polynomial, so that it goes several at a time.
    """
    x = x if x > _FAR else _FAR
    n = np.int32(x * _LOG2E - _HALF)
    k = np.float32(n)
    r = x - k * _LN2_HIGH - k * _LN2_LOW
    p = ((((_E6 * r + _E5) * r + _E4) * r + _E3) * r + _E2) * r + _HALF
    scale = np.int32((n + np.int32(127)) << np.int32(23)).view(np.float32)
    return (p * r * r + r + _ONE) * scale


@njit(cache=True, fastmath=FUSED, error_model="numpy", inline="always")
def joined(a, b):  # type: ignore[no-untyped-def]
    """Return log(exp(a) + exp(b)) of two float32, minus infinity among them."""
    top = a if a > b else b
    low = b if a > b else a
    u = exp_of_negative(low - top)
    s = u / (_TWO + u)  # log(1 + u) = 2 artanh(u / (2 + u))
    q = s * s
    return top + _TWO * s * ((((((_A13 * q + _A11) * q + _A9) * q + _A7) * q + _A5) * q + _A3) * q + _ONE)


@njit(cache=True, fastmath=ORDERLY)
def step_viterbi(row, roots, n_segments, tree, costs, state, forms, room):  # type: ignore[no-untyped-def]
    """Advance all states by a frame (A1 with the maximum), and finish the words of lone leaves (A2).

    Parameters
    ----------
    row, roots
        Scores of the frame's columns; the score of entering the root, of being in it now, and of silence.
    n_segments
        Segments from here on cannot have been reached.
    tree, costs
        `parent, segments, lone` of `WordTree`; `n_states, column, loop, leave, skip` of `Units`.
    state
        `v (most_states, n_nodes)` holds V of the frame before and then of this one; `way_out (n_nodes,)` becomes the
        score of having left a node, `best (n_nodes,)` the best state on the way from the root. Shallow nodes come
        first: what children take from `way_out` was made from the frame before. Lone leaves have neither.
    forms
        `prior, behind, activations (n_forms,)`: behind a form is silence.
    room
        Two arrays of `BLOCK` values.
    """
    parent, segments, lone = tree
    n_states, column, loop, leave, skip = costs
    v, way_out, best = state
    prior, behind, activations = forms
    arriving, highest = room
    way_out[0], best[0], silent = roots[0], roots[1], roots[2]
    for k in range(n_segments):
        unit, begin = segments[k, 0], segments[k, 1]
        for lo in range(begin, segments[k, 2], BLOCK):
            n = min(BLOCK, segments[k, 2] - lo)
            above = parent[lo : lo + n]
            for i in range(n):
                arriving[i] = way_out[np.uint32(above[i])]
                highest[i] = best[np.uint32(above[i])]
            for s in range(n_states[unit]):
                b, stay, go, over = row[column[unit, s]], loop[unit, s], leave[unit, s], skip[unit, s]
                here = v[s, lo : lo + n]
                for i in range(n):
                    old, come = here[i], arriving[i]
                    stayed = old + stay
                    new = (stayed if stayed > come else come) + b
                    left, passed = old + go, come + over
                    arriving[i] = left if left > passed else passed
                    here[i] = new
                    highest[i] = new if new > highest[i] else highest[i]
            if lone[k] >= 0:
                f = lone[k] + lo - begin
                bonus, waiting, heard = prior[f : f + n], behind[f : f + n], activations[f : f + n]
                for i in range(n):
                    quiet = (arriving[i] if arriving[i] > waiting[i] else waiting[i]) + silent
                    waiting[i] = quiet
                    heard[i] = (highest[i] if highest[i] > quiet else quiet) + bonus[i]
            else:
                outward, best_here = way_out[lo : lo + n], best[lo : lo + n]
                for i in range(n):
                    outward[i] = arriving[i]
                    best_here[i] = highest[i]


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def step_forward(row, roots, n_segments, tree, costs, state, forms, room):  # type: ignore[no-untyped-def]
    """Do the same with sums over all paths (A1 with the sum), in logarithms: however unlikely, nothing underflows."""
    parent, segments, lone = tree
    n_states, column, loop, leave, skip = costs
    v, way_out, best = state
    prior, behind, activations = forms
    arriving, highest = room
    way_out[0], best[0], silent = roots[0], roots[1], roots[2]
    for k in range(n_segments):
        unit, begin = segments[k, 0], segments[k, 1]
        for lo in range(begin, segments[k, 2], BLOCK):
            n = min(BLOCK, segments[k, 2] - lo)
            above = parent[lo : lo + n]
            for i in range(n):
                arriving[i] = way_out[np.uint32(above[i])]
                highest[i] = best[np.uint32(above[i])]
            for s in range(n_states[unit]):
                b, stay, go, over = row[column[unit, s]], loop[unit, s], leave[unit, s], skip[unit, s]
                here = v[s, lo : lo + n]
                passable = over > -np.inf
                for i in range(n):
                    old, come = here[i], arriving[i]
                    new = joined(old + stay, come) + b
                    arriving[i] = joined(old + go, come + over) if passable else old + go
                    here[i] = new
                    highest[i] = new if new > highest[i] else highest[i]
            if lone[k] >= 0:
                f = lone[k] + lo - begin
                bonus, waiting, heard = prior[f : f + n], behind[f : f + n], activations[f : f + n]
                for i in range(n):
                    quiet = joined(arriving[i], waiting[i]) + silent
                    waiting[i] = quiet
                    heard[i] = (highest[i] if highest[i] > quiet else quiet) + bonus[i]
            else:
                outward, best_here = way_out[lo : lo + n], best[lo : lo + n]
                for i in range(n):
                    outward[i] = arriving[i]
                    best_here[i] = highest[i]


@njit(cache=True, fastmath=ORDERLY)
def pass_down(n_segments, tree, state, forms):  # type: ignore[no-untyped-def]
    """Give the segments that cannot have been reached the best of their parents: so begins what they say."""
    parent, segments, lone = tree
    best, (prior, _, activations) = state[2], forms
    for k in range(n_segments, len(segments)):
        begin = segments[k, 1]
        for node in range(begin, segments[k, 2]):
            if lone[k] >= 0:
                f = lone[k] + node - begin
                activations[f] = best[parent[node]] + prior[f]
            else:
                best[node] = best[parent[node]]


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def inner_words(silent, total, end, n_lone, state, forms):  # type: ignore[no-untyped-def]
    """Fill activations by the partial rule of the forms that end where others go on, or where another ends."""
    way_out, best = state[1], state[2]
    ends, bonus, waiting, heard = end[n_lone:], forms[0][n_lone:], forms[1][n_lone:], forms[2][n_lone:]
    for i in range(ends.size):
        at = np.uint32(ends[i])
        out, old, inside = way_out[at], waiting[i], best[at]
        if total:
            quiet = joined(out, old) + silent
        else:
            quiet = (out if out > old else old) + silent
        waiting[i] = quiet
        heard[i] = (inside if inside > quiet else quiet) + bonus[i]


@njit(cache=True)
def whole_words(end, unit_of_end, costs, state, forms, into):  # type: ignore[no-untyped-def]
    """Fill `into (n_forms,)` by the final-state rule: the last state, those before it that may be passed, silence."""
    n_states, skip, v = costs[0], costs[4], state[0]
    prior, behind = forms[0], forms[1]
    for f in range(end.size):
        unit = unit_of_end[f]
        cost, found = np.float32(0.0), behind[f]
        for s in range(n_states[unit] - 1, -1, -1):
            found = max(found, v[s, end[f]] + cost)
            if skip[unit, s] == -np.inf:
                break
            cost += skip[unit, s]
        into[f] = found + prior[f]


@njit(cache=True)
def hear(rows, silent, clock, tree, ends, costs, state, forms, room, options, kept, out):  # type: ignore[no-untyped-def]
    """Hear a chunk of frames: all of `compete` but for the leads.

    Parameters
    ----------
    rows, silent
        `(n_frames, n_columns)` scores relative to the best, `(n_frames,)` those of silence.
    clock
        Frames before this chunk, the first frame of the final-state rule (-1: none).
    tree, costs, state, forms, room
        As for `step_viterbi`; `room` has two more arrays: for the root's score `(1,)` and for `best_of_all`.
    ends
        `earliest, end` of the tree, the unit of each end, and `n_lone`.
    options
        κ, and whether to sum over paths.
    kept
        Places of the forms that are tracked, and `tops` of stretches of forms.
    out
        `forms, activations (n_frames, n_kept)`, `log_total, entropy_bits (n_frames,)`, `tracked`.
    """
    earliest, end, unit_of_end, n_lone = ends
    before, offset = clock
    scale, total = options
    track, tops = kept
    places, values, totals, bits, tracked = out
    arriving, highest, root, found = room
    for t in range(len(rows)):
        roots = (root[0], root[0] + silent[t], silent[t])
        root[0] = roots[1]
        n_segments = np.searchsorted(earliest, before + t, side="right")
        if total:
            step_forward(rows[t], roots, n_segments, tree, costs, state, forms, (arriving, highest))
        else:
            step_viterbi(rows[t], roots, n_segments, tree, costs, state, forms, (arriving, highest))
        pass_down(n_segments, tree, state, forms)
        inner_words(silent[t], total, end, n_lone, state, forms)
        activations = forms[2]
        if 0 <= offset <= before + t:
            whole_words(end, unit_of_end, costs, state, forms, activations)
        note_tops(activations, tops)
        best_of_all(activations, tops, places.shape[1], found, places[t], values[t])
        totals[t], bits[t] = total_and_entropy(activations, tops, scale)
        for i in range(track.size):
            tracked[t, i] = activations[track[i]]


@njit(cache=True, fastmath=ORDERLY)
def note_tops(activations, tops):  # type: ignore[no-untyped-def]
    """Fill `tops` with the highest activation of each stretch of forms."""
    for block in range(tops.size):
        top = np.float32(-np.inf)
        here = activations[block * STRETCH : (block + 1) * STRETCH]
        for i in range(here.size):
            top = here[i] if here[i] > top else top
        tops[block] = top


@njit(cache=True)
def best_of_all(activations, tops, n_kept, found, places, values):  # type: ignore[no-untyped-def]
    """Fill `places` and `values (n_kept,)` with the highest activations, best first; of equals the first place.

    The `n_kept`-th highest of the stretches' tops is a bound that no kept activation is below. `found
    (n_forms,)` is room to work in.
    """
    bound = np.float32(-np.inf)
    if tops.size >= n_kept:
        bound = np.partition(tops, tops.size - n_kept)[tops.size - n_kept]
    n = 0
    for block in range(tops.size):
        if tops[block] >= bound:
            for f in range(block * STRETCH, min(activations.size, (block + 1) * STRETCH)):
                if activations[f] >= bound:
                    found[n] = f
                    n += 1
    among = activations[found[:n]]
    least = np.partition(among, n - n_kept)[n - n_kept]
    n_equal = n_kept - (among > least).sum()
    kept = 0
    chosen = np.empty(n_kept, np.int32)
    for i in range(n):
        if among[i] > least or (among[i] == least and n_equal > 0):
            n_equal -= among[i] == least
            chosen[kept] = found[i]
            kept += 1
    order = np.argsort(-activations[chosen], kind="mergesort")
    for i in range(n_kept):
        places[i] = chosen[order[i]]
        values[i] = activations[chosen[order[i]]]


FAR = 30.0
"""A stretch whose best is so many nats (times κ) below the leader adds less than 1e-8 to the sum of all."""


@njit(cache=True, fastmath=SUMS)
def total_and_entropy(activations, tops, scale):  # type: ignore[no-untyped-def]
    """Return log Σ exp(κ A) and the entropy of the posteriors in bits (A3, D2)."""
    top = tops[0]
    for block in range(tops.size):
        top = tops[block] if tops[block] > top else top
    if top < np.float32(-3e38):
        return -np.inf, 0.0
    total, weighted, by = 0.0, 0.0, np.float32(scale)
    for block in range(tops.size):
        if scale * (top - tops[block]) > FAR:
            continue
        here = activations[block * STRETCH : (block + 1) * STRETCH]
        for i in range(here.size):
            x = by * (here[i] - top)
            x = x if x > _FAR else _FAR
            e = exp_of_negative(x)
            total += np.float64(e)
            weighted += np.float64(e * x)
    return scale * top + np.log(total), (np.log(total) - weighted / total) / np.log(2.0)


@njit(cache=True)
def leads_of(forms, values, starts, words, leads):  # type: ignore[no-untyped-def]
    """Fill `leads (n_frames,)`: the first form's activation over the first that shares no word with it."""
    for t in range(forms.shape[0]):
        leader = forms[t, 0]
        own = words[starts[leader] : starts[leader + 1]]
        leads[t] = np.inf
        for k in range(1, forms.shape[1]):
            shared = False
            for word in words[starts[forms[t, k]] : starts[forms[t, k] + 1]]:
                for mine in own:
                    shared = shared or word == mine
            if not shared:
                leads[t] = values[t, 0] - values[t, k] if values[t, 0] > -np.inf else 0.0
                break
            if k == forms.shape[1] - 1:
                leads[t] = values[t, 0] - values[t, k]
