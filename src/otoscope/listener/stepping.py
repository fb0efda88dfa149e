"""Frames of evidence through the tree of words, compiled: every state of every word, none left out.

Some frames go through a stretch of nodes before the next stretch is looked at, so that its states stay in the nearest
cache; nothing that a word does comes back to the root, so the order makes no difference.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from otoscope.listener.logarithms import FUSED, joined
from otoscope.listener.ranking import ORDERLY, best_of_all, note_tops, total_and_entropy

BLOCK = 512
"""Nodes whose parents are looked up at a time; what they need then lies in the nearest cache."""
AT_ONCE = 4
"""Frames that go through a block of nodes before the next block, where so many are there."""


@njit(cache=True, fastmath=ORDERLY)
def _best_through(here, ways, costs):  # type: ignore[no-untyped-def]
    """Advance a state of many nodes by a frame, the best path counting (A1 with the maximum).

    `ways (2 * n_nodes,)`: by node the score of coming, which becomes that of going on, and the best so far.
    """
    b, stay, go, over = costs
    for i in range(here.size):
        old, come, top = here[i], ways[2 * i], ways[2 * i + 1]
        stayed = old + stay
        new = (stayed if stayed > come else come) + b
        left, passed = old + go, come + over
        here[i] = new
        ways[2 * i] = left if left > passed else passed
        ways[2 * i + 1] = new if new > top else top


@njit(cache=True, fastmath=ORDERLY, error_model="numpy")
def _best_through_three(one, two, three, ways, b, stay, go):  # type: ignore[no-untyped-def]
    """Do the same with three states at once, none of which may be passed by; `b`, `stay`, `go` have three numbers."""
    b_one, b_two, b_three = b
    stay_one, stay_two, stay_three = stay
    go_one, go_two, go_three = go
    for i in range(one.size):
        come, top, x, y, z = ways[2 * i], ways[2 * i + 1], one[i], two[i], three[i]
        stayed, moved = x + stay_one, x + go_one
        x = (stayed if stayed > come else come) + b_one
        stayed, left = y + stay_two, y + go_two
        y = (stayed if stayed > moved else moved) + b_two
        stayed, moved = z + stay_three, z + go_three
        z = (stayed if stayed > left else left) + b_three
        one[i], two[i], three[i] = x, y, z
        top = x if x > top else top
        top = y if y > top else top
        top = z if z > top else top
        ways[2 * i], ways[2 * i + 1] = moved, top


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def _sum_through(here, ways, costs):  # type: ignore[no-untyped-def]
    """Do as `_best_through` with the sum over all paths, in logarithms: however unlikely, nothing underflows."""
    b, stay, go, over = costs
    passable = over > -np.inf
    for i in range(here.size):
        old, come, top = here[i], ways[2 * i], ways[2 * i + 1]
        new = joined(old + stay, come) + b
        here[i] = new
        ways[2 * i] = joined(old + go, come + over) if passable else old + go
        ways[2 * i + 1] = new if new > top else top


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def _sum_through_three(one, two, three, ways, b, stay, go):  # type: ignore[no-untyped-def]
    """Do as `_best_through_three` with the sum over all paths."""
    (b_one, b_two, b_three), (stay_one, stay_two, stay_three), (go_one, go_two, go_three) = b, stay, go
    for i in range(one.size):
        come, top, x, y, z = ways[2 * i], ways[2 * i + 1], one[i], two[i], three[i]
        left, moved = x + go_one, y + go_two
        x = joined(x + stay_one, come) + b_one
        y = joined(y + stay_two, left) + b_two
        left = z + go_three
        z = joined(z + stay_three, moved) + b_three
        one[i], two[i], three[i] = x, y, z
        top = x if x > top else top
        top = y if y > top else top
        top = z if z > top else top
        ways[2 * i], ways[2 * i + 1] = left, top


@njit(cache=True, fastmath=ORDERLY)
def _best_end(ways, silent, prior, behind, activations):  # type: ignore[no-untyped-def]
    """Let silence follow words: `behind` and `activations (n_forms,)` from their ways (A2)."""
    for i in range(activations.size):
        out, inside, waiting = ways[2 * i], ways[2 * i + 1], behind[i]
        quiet = (out if out > waiting else waiting) + silent
        behind[i] = quiet
        activations[i] = (inside if inside > quiet else quiet) + prior[i]


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def _sum_end(ways, silent, prior, behind, activations):  # type: ignore[no-untyped-def]
    """Do the same with the sum over all paths."""
    for i in range(activations.size):
        inside, quiet = ways[2 * i + 1], joined(ways[2 * i], behind[i]) + silent
        behind[i] = quiet
        activations[i] = (inside if inside > quiet else quiet) + prior[i]


@njit(cache=True, fastmath=ORDERLY)
def _begun(ways, prior, activations):  # type: ignore[no-untyped-def]
    """Fill activations of words whose last node cannot have been reached: the best of their parents, and the prior."""
    for i in range(activations.size):
        activations[i] = ways[2 * i + 1] + prior[i]


@njit(cache=True, fastmath=ORDERLY, error_model="numpy")
def advance(rows, roots, before, tree, costs, state, forms, total):  # type: ignore[no-untyped-def]
    """Advance all states by some frames (A1), and finish the words of lone leaves (A2).

    Parameters
    ----------
    rows, roots
        `(n_frames, n_columns)` scores, at most `AT_ONCE` frames; `(3, n_frames)` scores of entering the root, of being
        in it, and of silence behind a word.
    before
        Frames heard before these.
    tree, costs
        `parent, segments, lone, earliest` of `WordTree`; `n_states, column, loop, leave, skip` of `Units`.
    state
        `v (most_states, n_nodes)` holds V of the frame before and then of the last; `ways (n_nodes, 2 * AT_ONCE)`,
        or `(n_nodes, 2)` where frames come one by one,
        becomes, by frame, the score of having left a node and the best state on the way from the root. Shallow nodes
        come first: what children take was made from the frame before. Lone leaves have no ways.
    forms
        `prior, behind (n_forms,)`, `activations (AT_ONCE, n_forms)`: behind a form is silence.
    total
        Whether to sum over paths.
    """
    parent, segments, lone, earliest = tree
    n_states, column, loop, leave, skip = costs
    v, ways = state
    prior, behind, activations = forms
    pairs, found = ways.view(np.int64), np.empty((AT_ONCE, BLOCK), np.int64)
    room, n_frames = found.view(np.float32), len(rows)
    j, m = min(1, len(v) - 1), min(2, len(v) - 1)  # the second and third state, where there are so many
    for t in range(n_frames):
        ways[0, 2 * t], ways[0, 2 * t + 1] = roots[0, t], roots[1, t]
    for k in range(len(segments)):
        unit, begin = segments[k, 0], segments[k, 1]
        three = n_states[unit] == 3 and skip[unit, :3].max() == -np.inf
        stay, go = (loop[unit, 0], loop[unit, j], loop[unit, m]), (leave[unit, 0], leave[unit, j], leave[unit, m])
        unreached = max(0, min(n_frames, earliest[k] - before))
        for lo in range(begin, segments[k, 2], BLOCK):
            n = min(BLOCK, segments[k, 2] - lo)
            f = lone[k] + lo - begin
            first, second, third = v[0, lo : lo + n], v[j, lo : lo + n], v[m, lo : lo + n]
            _look_up(pairs, parent[lo : lo + n], found)
            for t in range(n_frames):
                here = room[t, : 2 * n]
                if t >= unreached and three:
                    b = rows[t, column[unit, 0]], rows[t, column[unit, j]], rows[t, column[unit, m]]
                    if total:
                        _sum_through_three(first, second, third, here, b, stay, go)
                    else:
                        _best_through_three(first, second, third, here, b, stay, go)
                elif t >= unreached:
                    _through(rows[t], unit, lo, costs, v, here, total)
                if lone[k] < 0:
                    continue
                if t < unreached:
                    _begun(here, prior[f : f + n], activations[t, f : f + n])
                elif total:
                    _sum_end(here, roots[2, t], prior[f : f + n], behind[f : f + n], activations[t, f : f + n])
                else:
                    _best_end(here, roots[2, t], prior[f : f + n], behind[f : f + n], activations[t, f : f + n])
            if lone[k] < 0:
                _put_back(pairs, lo, n, found)


@njit(cache=True)
def _look_up(pairs, nodes, found):  # type: ignore[no-untyped-def]
    """Fill `found (AT_ONCE, n)` with the ways of nodes: all frames of a node lie together, so each is fetched once."""
    if pairs.shape[1] == 1:
        for i in range(nodes.size):
            found[0, i] = pairs[np.uint32(nodes[i]), 0]
        return
    for i in range(nodes.size):
        node = np.uint32(nodes[i])
        for t in range(AT_ONCE):
            found[t, i] = pairs[node, t]


@njit(cache=True)
def _put_back(pairs, lo, n, found):  # type: ignore[no-untyped-def]
    """Set the ways of `n` nodes from `lo` on."""
    if pairs.shape[1] == 1:
        for i in range(n):
            pairs[lo + i, 0] = found[0, i]
        return
    for i in range(n):
        for t in range(AT_ONCE):
            pairs[lo + i, t] = found[t, i]


@njit(cache=True)
def _through(row, unit, lo, costs, v, ways, total):  # type: ignore[no-untyped-def]
    """Advance the nodes from `lo` on, all of one unit of any states, by a frame."""
    n_states, column, loop, leave, skip = costs
    for s in range(n_states[unit]):
        cost = row[column[unit, s]], loop[unit, s], leave[unit, s], skip[unit, s]
        if total:
            _sum_through(v[s, lo : lo + ways.size // 2], ways, cost)
        else:
            _best_through(v[s, lo : lo + ways.size // 2], ways, cost)


@njit(cache=True, fastmath=ORDERLY, error_model="numpy")
def inner_words(n_frames, silent, total, end, n_lone, state, forms):  # type: ignore[no-untyped-def]
    """Fill activations by the partial rule of the forms that end where others go on, or where another ends."""
    pairs, found = state[1].view(np.int64), np.empty((AT_ONCE, BLOCK), np.int64)
    room = found.view(np.float32)
    prior, behind, activations = forms
    for lo in range(n_lone, end.size, BLOCK):
        hi = min(lo + BLOCK, end.size)
        _look_up(pairs, end[lo:hi], found)
        for t in range(n_frames):
            here = room[t, : 2 * (hi - lo)]
            if total:
                _sum_end(here, silent[t], prior[lo:hi], behind[lo:hi], activations[t, lo:hi])
            else:
                _best_end(here, silent[t], prior[lo:hi], behind[lo:hi], activations[t, lo:hi])


@njit(cache=True, fastmath=ORDERLY, error_model="numpy")
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


@njit(cache=True, nogil=True, fastmath=ORDERLY, error_model="numpy")
def hear(rows, silent, clock, tree, ends, costs, state, forms, room, options, kept, out):  # type: ignore[no-untyped-def]
    """Hear a chunk of frames: all of `compete` but for the leads.

    Parameters
    ----------
    rows, silent
        `(n_frames, n_columns)` scores relative to the best, `(n_frames,)` those of silence.
    clock
        Frames before this chunk, the first frame of the final-state rule (-1: none).
    tree, costs, state, forms
        As for `advance`.
    ends
        `end` of the tree, the unit of each end, and `n_lone`.
    room
        Arrays for the root's score `(1,)` and for `best_of_all`.
    options
        κ, and whether to sum over paths.
    kept
        Places of the forms that are tracked, and `tops` of stretches of forms.
    out
        `forms, activations (n_frames, n_kept)`, `log_total, entropy_bits (n_frames,)`, `tracked`.
    """
    end, unit_of_end, n_lone = ends
    before, offset = clock
    scale, total = options
    track, tops = kept
    places, values, totals, bits, tracked = out
    root, found = room
    roots = np.empty((3, AT_ONCE), np.float32)
    first = 0
    while first < len(rows):
        n = min(AT_ONCE, len(rows) - first)
        if offset >= 0:  # whole words are read off the states, which are those of the last frame
            n = 1 if before + first >= offset else min(n, offset - before - first)
        for t in range(n):
            roots[0, t], roots[2, t] = root[0], silent[first + t]
            root[0] += silent[first + t]
            roots[1, t] = root[0]
        advance(rows[first : first + n], roots[:, :n], before + first, tree, costs, state, forms, total)
        inner_words(n, roots[2], total, end, n_lone, state, forms)
        for t in range(n):
            activations = forms[2][t]
            if 0 <= offset <= before + first:
                whole_words(end, unit_of_end, costs, state, forms, activations)
            note_tops(activations, tops)
            best_of_all(activations, tops, places.shape[1], found, places[first + t], values[first + t])
            totals[first + t], bits[first + t] = total_and_entropy(activations, tops, scale)
            for i in range(track.size):
                tracked[first + t, i] = activations[track[i]]
        first += n
