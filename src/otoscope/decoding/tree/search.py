"""Token passing over (graph node, language-model state), compiled: frames in, word arcs out.

A token is the best path into a pair of a node and a language-model state (Ney and Ortmanns 1999, section IV). Its score
holds the look-ahead of its node; arcs carry the differences, so that words with rare continuations are pruned early and
the exact n-gram score takes the look-ahead's place when the word ends.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from otoscope.decoding.lattice.ngram_steps import step

N_BINS = 512
"""Bins of the histogram by which the number of tokens is bounded."""

BEAM_MARGIN = 1 / 16
"""By what share of the beam new tokens may exceed the beam that `max_active` left in the frame before."""

DONE, MORE_TOKENS, MORE_ARCS, DEAD = 0, 1, 2, 3


class GraphArrays(NamedTuple):
    """A `DecodingGraph` for one language model and one scaling; nodes first, then roots."""

    column: NDArray[np.int32]
    log_loop: NDArray[np.float32]
    arc_start: NDArray[np.int32]
    arc_next: NDArray[np.int32]
    arc_log: NDArray[np.float32]
    """Weight plus look-ahead of the node entered minus that of the node left; falling within a node."""
    arc_column: NDArray[np.int32]
    exit_start: NDArray[np.int32]
    exit_root: NDArray[np.int32]
    exit_words: NDArray[np.int32]
    exit_log: NDArray[np.float32]
    set_start: NDArray[np.int32]
    set_word: NDArray[np.int32]
    set_log: NDArray[np.float32]
    lm_word: NDArray[np.int32]
    ahead: NDArray[np.float32]
    """Look-ahead of each node and root."""


class Limits(NamedTuple):
    """What is kept."""

    beam: float
    max_active: int
    lm_scale: float
    word_penalty: float
    acoustic_scale: float


class Tokens(NamedTuple):
    """Tokens of one frame; all `(capacity,)`."""

    node: NDArray[np.int32]
    lm: NDArray[np.int32]
    score: NDArray[np.float64]
    place: NDArray[np.int32]
    """The word boundary this token's word began at."""


class Boundaries(NamedTuple):
    """Word boundaries, all `(capacity,)`: the tokens that stood between two words."""

    frame: NDArray[np.int32]
    score: NDArray[np.float64]
    arc: NDArray[np.int32]
    """The best arc that leads there, -1 for the start."""


class WordArcs(NamedTuple):
    """Words between boundaries, all `(capacity,)`; word -1 is a silence."""

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    word: NDArray[np.int32]
    score: NDArray[np.float64]
    """Of the path up to the arc's end."""
    lm: NDArray[np.float32]
    """log P(word | history), not scaled."""


@njit(cache=True, nogil=True)
def look_ahead(graph_arcs, exits, word_log, ahead, n_nodes):  # type: ignore[no-untyped-def]
    """Best word score below each node; arcs lead to higher nodes, roots and silence have what is set there before."""
    arc_start, arc_next = graph_arcs
    exit_start, exit_words, set_start, set_word, set_log = exits
    for v in range(n_nodes - 1, -1, -1):
        best = ahead[v]
        for a in range(arc_start[v], arc_start[v + 1]):
            best = max(best, ahead[arc_next[a]])
        for e in range(exit_start[v], exit_start[v + 1]):
            k = exit_words[e]
            if k >= 0:
                for i in range(set_start[k], set_start[k + 1]):
                    best = max(best, word_log[set_word[i]] + set_log[i])
        ahead[v] = best


@njit(cache=True, nogil=True, inline="always")
def _slot(table, tokens, node, lm, stamp):  # type: ignore[no-untyped-def]
    """Slot of a token in the hash table: the token's, or the free one where it belongs. A slot is stamp and index."""
    mask = table.shape[0] - 1
    h = (np.uint64(np.uint32(node)) << np.uint64(32)) | np.uint64(np.uint32(lm))
    h = h * np.uint64(0x9E3779B97F4A7C15)
    at = np.int64(h >> np.uint64(24)) & mask
    while True:
        entry = table[at]
        if (entry >> 32) != stamp:
            return at
        k = entry & 0xFFFFFFFF
        if tokens.node[k] == node and tokens.lm[k] == lm:
            return at
        at = (at + 1) & mask


@njit(cache=True, nogil=True)
def cutoff(tokens, n_tokens, limits):  # type: ignore[no-untyped-def]
    """Score below which tokens are dropped: the beam, or what leaves about `max_active`. Also the best token."""
    best = -1
    for i in range(n_tokens):
        if best < 0 or tokens.score[i] > tokens.score[best]:
            best = i
    if best < 0:
        return -np.inf, best
    top = tokens.score[best]
    floor = top - limits.beam
    if n_tokens <= limits.max_active:
        return floor, best
    counts = np.zeros(N_BINS, dtype=np.int64)
    width = min(limits.beam, 1e3) / N_BINS
    for i in range(n_tokens):
        k = int((top - tokens.score[i]) / width)
        if k < N_BINS:
            counts[k] += 1
    total = 0
    for k in range(N_BINS):
        total += counts[k]
        if total > limits.max_active:
            return max(floor, top - width * max(k, 1)), best
    return floor, best


@njit(cache=True, nogil=True, inline="always")
def _offer(new, n_new, table, stamp, node, lm, score, place):  # type: ignore[no-untyped-def]
    """Let a path compete for a pair of node and language-model state; return the number of tokens, -1 without room."""
    at = _slot(table, new, node, lm, stamp)
    entry = table[at]
    if (entry >> 32) == stamp:
        k = entry & 0xFFFFFFFF
        if score > new.score[k]:
            new.score[k], new.place[k] = score, place
        return n_new
    if n_new == new.node.shape[0]:
        return -1
    table[at] = (stamp << 32) | n_new
    new.node[n_new], new.lm[n_new], new.score[n_new], new.place[n_new] = node, lm, score, place
    return n_new + 1


@njit(cache=True, nogil=True)
def _emit(graph, limits, row, now, n_now, new, table, stamp):  # type: ignore[no-untyped-def]
    """Carry tokens over one frame. Return (number of new tokens, their best score), or -1 where there is no room.

    Arcs of a node stand best first, so the first that even the frame's best score cannot save ends them. Where
    `max_active` cut more than the beam, new tokens are held to little more than what it left.
    """
    floor, best = cutoff(now, n_now, limits)
    beam = limits.beam if best < 0 else min(limits.beam, now.score[best] - floor + limits.beam * BEAM_MARGIN)
    n_nodes = graph.column.shape[0]
    n_new, top, loudest = 0, -np.inf, row.max()
    for turn in range(-1, n_now):  # the best token first: it sets the mark for all others
        i = best if turn < 0 else turn
        if i < 0 or now.score[i] < floor or (turn >= 0 and i == best):
            continue
        v, lm, score, place = now.node[i], now.lm[i], now.score[i], now.place[i]
        if v < n_nodes:
            coming = score + graph.log_loop[v] + row[graph.column[v]]
            if coming >= top - beam and coming > -np.inf:
                top = max(top, coming)
                n_new = _offer(new, n_new, table, stamp, v, lm, coming, place)
                if n_new < 0:
                    return -1, top
        for a in range(graph.arc_start[v], graph.arc_start[v + 1]):
            coming = score + graph.arc_log[a]
            if coming + loudest < top - beam:
                break
            coming += row[graph.arc_column[a]]
            if coming >= top - beam and coming > -np.inf:
                top = max(top, coming)
                n_new = _offer(new, n_new, table, stamp, graph.arc_next[a], lm, coming, place)
                if n_new < 0:
                    return -1, top
    return n_new, top


@njit(cache=True, nogil=True, inline="always")
def _at_boundary(new, n_new, table, stamp, root, lm, places, counts, frame):  # type: ignore[no-untyped-def]
    """Return the token of a root and a language-model state, placed with a boundary of its own if new, and how many."""
    at = _slot(table, new, root, lm, stamp)
    entry = table[at]
    if (entry >> 32) == stamp:
        return entry & 0xFFFFFFFF, n_new
    table[at] = (stamp << 32) | n_new
    new.node[n_new], new.lm[n_new], new.score[n_new], new.place[n_new] = root, lm, -np.inf, counts[0]
    places.frame[counts[0]] = frame
    counts[0] += 1
    return n_new, n_new + 1


@njit(cache=True, nogil=True, inline="always")
def _add_arc(arcs, counts, source, target, word, score, log_prob):  # type: ignore[no-untyped-def]
    a = counts[1]
    arcs.source[a], arcs.target[a], arcs.word[a], arcs.score[a], arcs.lm[a] = source, target, word, score, log_prob
    counts[1] += 1


@njit(cache=True, nogil=True)
def _end_words(graph, limits, ngram, new, n_new, top, table, stamp, places, arcs, counts, frame):  # type: ignore[no-untyped-def]
    """Let tokens leave words: each way out is an arc to a boundary, and each boundary a token at its root."""
    n_nodes, n_emitted, room = graph.column.shape[0], n_new, new.node.shape[0]
    for i in range(n_emitted):
        v = new.node[i]
        if new.score[i] < top - limits.beam:
            continue
        for e in range(graph.exit_start[v], graph.exit_start[v + 1]):
            leaving = new.score[i] - graph.ahead[v] + graph.exit_log[e]
            root = n_nodes + graph.exit_root[e]
            k = graph.exit_words[e]
            first = graph.set_start[k] if k >= 0 else 0
            stop = graph.set_start[k + 1] if k >= 0 else 1
            for w in range(first, stop):
                word, log_prob, state, score = -1, 0.0, new.lm[i], leaving
                if k >= 0:
                    word = graph.set_word[w]
                    log_prob, state = step(ngram, state, graph.lm_word[word])
                    score += graph.set_log[w] + limits.lm_scale * log_prob + limits.word_penalty
                coming = score + graph.ahead[root]
                if coming < top - limits.beam or score == -np.inf:
                    continue
                if n_new == room:
                    return -1, MORE_TOKENS
                if counts[1] == arcs.word.shape[0] or counts[0] == places.frame.shape[0]:
                    return -1, MORE_ARCS
                token, n_new = _at_boundary(new, n_new, table, stamp, root, state, places, counts, frame)
                target = new.place[token]
                if coming > new.score[token]:
                    new.score[token] = coming
                    places.score[target], places.arc[target] = score, counts[1]
                _add_arc(arcs, counts, new.place[i], target, word, score, log_prob)
    return n_new, DONE


@njit(cache=True, nogil=True)
def advance(graph, limits, ngram, scores, now, new, table, places, arcs, counts):  # type: ignore[no-untyped-def]
    """Take frames until all are taken or room runs out; return (frames taken, status, whether `now` and `new` swapped).

    `counts` holds the numbers of boundaries, arcs, tokens and frames so far, and the stamp of the table. Where every
    token dies, those of the frame before are kept, and no further frame is taken.
    """
    swapped = False
    row = np.empty(scores.shape[1], dtype=np.float32)
    for t in range(scores.shape[0]):
        n_places, n_arcs = counts[0], counts[1]
        counts[4] += 1
        for c in range(row.shape[0]):
            row[c] = scores[t, c] * limits.acoustic_scale
        n_new, top = _emit(graph, limits, row, now, counts[2], new, table, counts[4])
        status = MORE_TOKENS
        if n_new >= 0:
            frame = counts[3] + 1
            n_new, status = _end_words(
                graph, limits, ngram, new, n_new, top, table, counts[4], places, arcs, counts, frame
            )
        if n_new < 0:
            counts[0], counts[1] = n_places, n_arcs
            return t, status, swapped
        if n_new == 0:
            return t, DEAD, swapped
        counts[2], counts[3] = n_new, counts[3] + 1
        now, new = new, now
        swapped = not swapped
    return scores.shape[0], DONE, swapped
