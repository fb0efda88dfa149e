"""How likely a graph finds a sound, and how likely each emission column is in use at each frame: forward–backward.

Both kernels work with probabilities, scaled to sum to one at every frame: `occupancies` in float64 for one utterance on
a graph of its own, `batch_occupancies` in float32 for many utterances on one graph, side by side in the innermost loop.
Scores are natural-log acoustic scores up to a constant a frame; they need not be normalised.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.decoding.mmi.graph import PhoneGraph

HALF = np.float32(0.5)


def occupancies(scores: NDArray[np.float32], graph: PhoneGraph) -> tuple[float, NDArray[np.float64]]:
    """Return log P(sound | graph) and the posterior of each column at each frame, `(n_frames, n_columns)`.

    Where the graph cannot be passed in so many frames, minus infinity and zeros.
    """
    scores = np.ascontiguousarray(scores, dtype=np.float32)
    if scores.ndim != 2 or scores.shape[0] == 0:
        raise BadInput(f"scores must be (n_frames, n_columns) with a frame at least, got {scores.shape}")
    gamma = np.zeros(scores.shape)
    log_prob = _occupancies(scores, _parts(graph), gamma)
    return float(log_prob), gamma


def batch_occupancies(
    scores: NDArray[np.float32], lengths: NDArray[np.int64], graph: PhoneGraph, *, leak: float = 1e-5
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return log P(sound | graph), `(n,)`, and posteriors `(n, n_frames, n_columns)`, zero behind each utterance's end.

    Parameters
    ----------
    scores
        `(n, n_frames, n_columns)`, anything behind the end of a shorter utterance.
    lengths
        `(n,)` frames of each utterance, at least 1.
    leak
        Share of the mass that starts anew at every frame (the leaky hidden Markov model of Povey et al. 2016,
        section 2.6): it forgives what the trigrams have not seen.
    """
    lanes = np.ascontiguousarray(np.asarray(scores, dtype=np.float32).transpose(1, 2, 0))
    lengths = np.asarray(lengths, dtype=np.int64)
    if lengths.min(initial=1) < 1 or lengths.max(initial=1) > lanes.shape[0]:
        raise BadInput(f"lengths must lie between 1 and the {lanes.shape[0]} frames, got {lengths.tolist()}")
    gamma = np.zeros(lanes.shape, dtype=np.float32)
    log_probs = _batch_occupancies(lanes, lengths, _parts(graph), gamma, leak)
    return log_probs, gamma.transpose(2, 0, 1)


def _parts(graph: PhoneGraph) -> tuple[Any, ...]:
    into = (graph.into_start, graph.into_source, graph.into_prob)
    return (
        graph.first,
        graph.rest,
        graph.initial,
        graph.final,
        *into,
        graph.out_start,
        graph.out_target,
        graph.out_prob,
    )


@numba.njit(cache=True, nogil=True)
def _occupancies(scores: Any, graph: Any, gamma: Any) -> Any:
    emitted, log_prob = _exponentials(scores)
    log_passed, a, b, scale = _forward(emitted, graph)
    final = graph[3]
    ended = (0.5 * (a[-1] + b[-1]) * final).sum()
    if log_passed == -np.inf or ended <= 0.0:
        return -np.inf
    _backward(emitted, graph, a, b, scale, 0.5 * final / ended, gamma)
    return log_prob + log_passed + np.log(ended)


@numba.njit(cache=True, nogil=True)
def _exponentials(scores: Any) -> Any:
    """Return exp(score - the frame's best), and the sum of the best."""
    emitted, log_prob = np.empty(scores.shape), 0.0
    for t in range(scores.shape[0]):
        top = scores[t].max()
        log_prob += top
        for c in range(scores.shape[1]):
            emitted[t, c] = np.exp(scores[t, c] - top)
    return emitted, log_prob


@numba.njit(cache=True, nogil=True)
def _forward(emitted: Any, graph: Any) -> Any:
    """Return the log of the mass that passes, -inf if none does, its shares in first and later frames, and scales."""
    first, rest, initial, _, i_start, i_source, i_prob, _, _, _ = graph
    n_frames, n = emitted.shape[0], first.size
    a, b = np.zeros((n_frames, n)), np.zeros((n_frames, n))
    scale, leaving, log_prob = np.ones(n_frames), np.zeros(n), 0.0
    for t in range(n_frames):
        total = 0.0
        for s in range(n):
            if t == 0:
                a[t, s] = initial[s] * emitted[t, first[s]]
            else:
                entering = 0.0
                for k in range(i_start[s], i_start[s + 1]):
                    entering += leaving[i_source[k]] * i_prob[k]
                a[t, s] = entering * emitted[t, first[s]]
                b[t, s] = leaving[s] * emitted[t, rest[s]]
            total += a[t, s] + b[t, s]
        if total <= 0.0:
            return -np.inf, a, b, scale
        scale[t] = total
        log_prob += np.log(total)
        for s in range(n):
            a[t, s] /= total
            b[t, s] /= total
            leaving[s] = 0.5 * (a[t, s] + b[t, s])
    return log_prob, a, b, scale


@numba.njit(cache=True, nogil=True)
def _backward(emitted: Any, graph: Any, a: Any, b: Any, scale: Any, back: Any, gamma: Any) -> None:
    """Add posteriors to `gamma`; `back` holds what follows each state, at first behind the last frame."""
    first, rest, _, _, _, _, _, o_start, o_target, o_prob = graph
    onward = np.empty(first.size)
    for t in range(a.shape[0] - 1, -1, -1):
        for s in range(first.size):
            gamma[t, first[s]] += a[t, s] * back[s]
            gamma[t, rest[s]] += b[t, s] * back[s]
            onward[s] = back[s] * emitted[t, first[s]] / scale[t]
        if t:
            for s in range(first.size):
                later = back[s] * emitted[t, rest[s]] / scale[t]
                for k in range(o_start[s], o_start[s + 1]):
                    later += o_prob[k] * onward[o_target[k]]
                back[s] = 0.5 * later


@numba.njit(cache=True, nogil=True, fastmath=True)
def _batch_occupancies(scores: Any, lengths: Any, graph: Any, gamma: Any, leak: float) -> Any:
    first, rest, initial, _, i_start, i_source, i_prob, _, _, _ = graph
    n_frames, _, n_lanes = scores.shape
    n = first.size
    emitted, log_probs = _batch_exponentials(scores, lengths)
    a = np.zeros((n_frames, n, n_lanes), np.float32)
    b = np.zeros((n_frames, n, n_lanes), np.float32)
    scale = np.ones((n_frames, n_lanes), np.float32)
    leaving = np.zeros((n, n_lanes), np.float32)
    lane = np.zeros(n_lanes, np.float32)
    total = np.zeros(n_lanes)
    for t in range(n_frames):
        total[:] = 0.0
        for s in range(n):
            start = np.float32(initial[s]) if t == 0 else np.float32(leak * initial[s])
            for j in range(n_lanes):
                lane[j] = start
            if t:
                for k in range(i_start[s], i_start[s + 1]):
                    source, prob = i_source[k], i_prob[k]
                    for j in range(n_lanes):
                        lane[j] += leaving[source, j] * prob
            for j in range(n_lanes):
                a[t, s, j] = lane[j] * emitted[t, first[s], j]
                b[t, s, j] = leaving[s, j] * emitted[t, rest[s], j]
                total[j] += a[t, s, j] + b[t, s, j]
        for j in range(n_lanes):
            scale[t, j] = max(total[j], 1e-30)
            lane[j] = np.float32(1.0) / scale[t, j]
            if t < lengths[j]:
                log_probs[j] += np.log(max(total[j], 1e-300))
        for s in range(n):
            for j in range(n_lanes):
                a[t, s, j] *= lane[j]
                b[t, s, j] *= lane[j]
                leaving[s, j] = HALF * (a[t, s, j] + b[t, s, j])
    _batch_backward(lengths, graph, gamma, leak, emitted, a, b, scale, log_probs)
    return log_probs


@numba.njit(cache=True, nogil=True, fastmath=True)
def _batch_exponentials(scores: Any, lengths: Any) -> Any:
    n_frames, n_columns, n_lanes = scores.shape
    emitted = np.empty((n_frames, n_columns, n_lanes), np.float32)
    log_probs = np.zeros(n_lanes)
    top = np.empty(n_lanes, np.float32)
    for t in range(n_frames):
        top[:] = scores[t, 0]
        for c in range(1, n_columns):
            for j in range(n_lanes):
                top[j] = max(top[j], scores[t, c, j])
        for j in range(n_lanes):
            if t < lengths[j]:
                log_probs[j] += top[j]
        for c in range(n_columns):
            for j in range(n_lanes):
                emitted[t, c, j] = np.exp(scores[t, c, j] - top[j])
    return emitted, log_probs


@numba.njit(cache=True, nogil=True, fastmath=True)
def _batch_backward(
    lengths: Any, graph: Any, gamma: Any, leak: float, emitted: Any, a: Any, b: Any, scale: Any, log_probs: Any
) -> None:
    first, rest, initial, final, _, _, _, o_start, o_target, o_prob = graph
    n_frames, n, n_lanes = a.shape
    back = np.zeros((n, n_lanes), np.float32)
    onward = np.zeros((n, n_lanes), np.float32)
    lane = np.zeros(n_lanes, np.float32)
    anew = np.zeros(n_lanes, np.float32)
    for t in range(n_frames - 1, -1, -1):
        for j in range(n_lanes):
            if lengths[j] == t + 1:
                ended = 0.0
                for s in range(n):
                    ended += 0.5 * (a[t, s, j] + b[t, s, j]) * final[s]
                log_probs[j] += np.log(max(ended, 1e-300))
                for s in range(n):
                    back[s, j] = np.float32(0.5 * final[s] / max(ended, 1e-30))
            lane[j] = np.float32(1.0) / scale[t, j]
            anew[j] = np.float32(0.0)
        for s in range(n):
            restart = np.float32(2.0 * leak * initial[s])
            for j in range(n_lanes):
                gamma[t, first[s], j] += a[t, s, j] * back[s, j]
                gamma[t, rest[s], j] += b[t, s, j] * back[s, j]
                onward[s, j] = back[s, j] * emitted[t, first[s], j] * lane[j]
                anew[j] += onward[s, j] * restart
        if t:
            for s in range(n):
                column = rest[s]
                for j in range(n_lanes):
                    back[s, j] = anew[j] + back[s, j] * emitted[t, column, j] * lane[j]
                for k in range(o_start[s], o_start[s + 1]):
                    target, prob = o_target[k], o_prob[k]
                    for j in range(n_lanes):
                        back[s, j] += prob * onward[target, j]
                for j in range(n_lanes):
                    back[s, j] *= HALF
