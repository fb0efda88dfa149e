"""Running speech through the tree of words, frame by frame, compiled; when a word began is found afterwards."""

from __future__ import annotations

import numpy as np
from numba import njit

from otoscope.listener.ranking import ORDERLY, best_of_all, note_tops, total_and_entropy
from otoscope.listener.stepping import advance, inner_words

LARGE = 1000.0
"""Nats below zero from which scores are brought back to zero, so that float32 stays exact in long recordings."""


@njit(cache=True)
def hear_running(rows, silent, tree, ends, costs, state, forms, kept, scale, ways_on, out):  # type: ignore[no-untyped-def]
    """Hear sequences of words: all of `compete_running` but for the leads and the winners.

    Parameters
    ----------
    rows, silent
        `(n_frames, n_columns)` scores relative to the best, `(n_frames,)` those of silence.
    tree, costs, state, forms
        As for `stepping.advance`; no silence follows a word here, the next one does.
    ends
        `end` of the tree, the unit of each end, `n_lone`.
    kept
        Places of the forms that are tracked, `tops` of stretches of forms, room `(n_forms,)` for `best_of_all`.
    scale
        κ.
    ways_on
        By frame what `words_from` needs: `entering`, the score with which words begin; `dropped`, what was taken off
        all scores after the frame; `ended`, the best end; `which`, the form that has it (-1: none); `after`, the frame
        in which the word before ended (-1: none); `taken`, what had been taken off before.
    out
        `forms, activations (n_frames, n_kept)`, `log_total, entropy_bits (n_frames,)`, `tracked`; and places and scores
        `(n_frames, n_ends)` of the words that end best, `n_ends` being 0 where nobody asks.

    Returns
    -------
    Whether the last frame is best left by a word, or else by the silence behind the last one; and where that ended.
    """
    end, unit_of_end, n_lone = ends
    track, tops, found = kept
    entering, dropped, ended, which, after, taken = ways_on
    places, values, totals, bits, tracked, end_places, end_values = out
    n_ends, scores = end_places.shape[1], np.empty(end.size, np.float32)
    v, ways = state
    roots = np.full((3, 1), -np.inf, np.float32)
    quiet, quiet_after, top, offset = np.float32(0.0), -1, np.float32(-np.inf), 0.0
    for t in range(len(rows)):
        from_end = top > quiet
        entering[t], after[t] = (top, t - 1) if from_end else (quiet, quiet_after)
        quiet, quiet_after = entering[t] + silent[t], after[t]
        roots[0, 0], roots[1, 0] = entering[t], quiet
        advance(rows[t : t + 1], roots, t, tree, costs, state, forms, False)
        inner_words(1, roots[2], False, end, n_lone, state, forms)
        activations = forms[2][0]
        note_tops(activations, tops)
        top, which[t] = best_end(tree, ends, costs, v, forms[0])
        ended[t], taken[t], dropped[t] = top, offset, 0.0
        best_of_all(activations, tops, places.shape[1], found, places[t], values[t])
        totals[t], bits[t] = total_and_entropy(activations, tops, scale)
        for i in range(track.size):
            tracked[t, i] = activations[track[i]]
        if n_ends:
            all_ends(end, unit_of_end, costs, v, forms[0], scores)
            note_tops(scores, tops)
            best_of_all(scores, tops, n_ends, found, end_places[t], end_values[t])
        best = max(quiet, top)
        if best <= -LARGE:
            v -= best
            ways -= best
            quiet, top, dropped[t] = quiet - best, top - best, best
            offset += np.float64(best)
    return top > quiet, quiet_after


@njit(cache=True)
def best_end(tree, ends, costs, v, prior):  # type: ignore[no-untyped-def]
    """Return the score of the word that ends best in this frame, prior in it, and which it is."""
    segments, lone = tree[1], tree[2]
    end, unit_of_end, n_lone = ends
    n_states, _, _, leave, skip = costs
    top, which, none = np.float32(-np.inf), -1, np.float32(-np.inf)
    for k in range(len(segments)):
        if lone[k] < 0:
            continue
        unit, lo, n, over = segments[k, 0], segments[k, 1], segments[k, 2] - segments[k, 1], np.float32(0.0)
        for s in range(n_states[unit] - 1, -1, -1):
            here, bonus = v[s, lo : lo + n], prior[lone[k] : lone[k] + n]
            best = _highest(here, leave[unit, s], over, bonus)
            if best > top:
                top, which = best, lone[k] + _place(here, leave[unit, s], over, bonus, best)
            over += skip[unit, s]
            if over == none:
                break
    for f in range(n_lone, end.size):
        unit, over = np.uint32(unit_of_end[f]), np.float32(0.0)
        s = n_states[unit] - 1
        at = np.uint32(end[f])
        score = v[s, at] + leave[unit, s] + over + prior[f]
        if score > top:
            top, which = score, f
        while skip[unit, s] > none and s:
            over += skip[unit, s]
            s -= 1
            score = v[s, at] + leave[unit, s] + over + prior[f]
            if score > top:
                top, which = score, f
    return top, which


@njit(cache=True)
def all_ends(end, unit_of_end, costs, v, prior, scores):  # type: ignore[no-untyped-def]
    """Fill `scores (n_forms,)`: how well each word ends in this frame, its prior in it."""
    n_states, _, _, leave, skip = costs
    for f in range(end.size):
        unit, over = unit_of_end[f], np.float32(0.0)
        scores[f] = -np.inf
        for s in range(n_states[unit] - 1, -1, -1):
            scores[f] = max(scores[f], v[s, end[f]] + leave[unit, s] + over + prior[f])
            over += skip[unit, s]
            if over == -np.inf:
                break


@njit(cache=True, fastmath=ORDERLY)
def _highest(here, leave, over, prior):  # type: ignore[no-untyped-def]
    top = np.float32(-np.inf)
    for i in range(here.size):
        score = here[i] + leave + over + prior[i]
        top = score if score > top else top
    return top


@njit(cache=True, fastmath=ORDERLY)
def _place(here, leave, over, prior, score):  # type: ignore[no-untyped-def]
    for i in range(here.size):
        if here[i] + leave + over + prior[i] == score:
            return i
    return -1


@njit(cache=True, fastmath=ORDERLY)
def began(rows, entering, dropped, chain, prior):  # type: ignore[no-untyped-def]
    """Return the best score of one word that ends in the last of these frames, and the frame in which it began.

    Every sum is made as `advance` made it, so the score is the same to the last bit, if the best path is in the frames.

    Parameters
    ----------
    rows, entering, dropped
        Of these frames, as in `hear_running`.
    chain
        `n_states` of each of the word's units, `column, loop, leave, skip (n_units, most_states)`.
    prior
        Of the word.
    """
    n_states, column, loop, leave, skip = chain
    v, since = np.full(loop.shape, -np.inf, np.float32), np.zeros(loop.shape, np.int64)
    for t in range(len(rows)):
        come, came = entering[t], t
        for u in range(n_states.size):
            for s in range(n_states[u]):
                old, began_at = v[u, s], since[u, s]
                stayed, left, passed = old + loop[u, s], old + leave[u, s], come + skip[u, s]
                if stayed >= come:
                    v[u, s] = stayed + rows[t, column[u, s]]
                else:
                    v[u, s], since[u, s] = come + rows[t, column[u, s]], came
                come, came = (left, began_at) if left >= passed else (passed, came)
        if t + 1 < len(rows):
            v -= dropped[t]
    top, first, over, u = np.float32(-np.inf), -1, np.float32(0.0), n_states.size - 1
    for s in range(n_states[u] - 1, -1, -1):
        score = v[u, s] + leave[u, s] + over + prior
        if score > top:
            top, first = score, since[u, s]
        over += skip[u, s]
        if over == -np.inf:
            break
    return top, first
