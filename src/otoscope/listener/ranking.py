"""Who is ahead among all forms at a frame: the best of them, their total and entropy, the leader's lead; compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from otoscope.listener.logarithms import LOWEST, exp_of_negative

STRETCH = 64
"""Forms whose highest activation is noted, so that the best of all are found without sorting all."""
ORDERLY = {"nnan", "nsz"}
"""Nothing is ever NaN and the sign of zero does not matter, so that maxima are found several at a time."""
SUMS = {"nnan", "nsz", "reassoc", "contract"}
"""Sums may be made several terms at a time."""


@njit(cache=True, fastmath=ORDERLY)
def note_tops(activations, tops):  # type: ignore[no-untyped-def]
    """Fill `tops` with the highest activation of each stretch of forms."""
    whole = activations.size // STRETCH
    room = np.empty(16, np.float32)
    for block in range(whole):
        lo = block * STRETCH
        for i in range(16):
            a, b, c, d = (activations[lo + i], activations[lo + i + 16], activations[lo + i + 32],
                          activations[lo + i + 48])  # fmt: skip
            a, c = a if a > b else b, c if c > d else d
            room[i] = a if a > c else c
        top = room[0]
        for i in range(1, 16):
            top = room[i] if room[i] > top else top
        tops[block] = top
    if whole < tops.size:
        tops[whole] = activations[whole * STRETCH :].max()


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
        some, more = np.float32(0), np.float32(0)
        for i in range(here.size):
            x = by * (here[i] - top)
            x = x if x > LOWEST else LOWEST
            e = exp_of_negative(x)
            some += e
            more += e * x
        total += np.float64(some)
        weighted += np.float64(more)
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
