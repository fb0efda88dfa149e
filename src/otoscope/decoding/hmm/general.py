"""Viterbi and forward-backward with any transition matrix (Rabiner 1989)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from otoscope.decoding.hmm.results import (
    StatePath,
    StatePosteriors,
    check_reachable,
    checked_emissions,
    checked_logs,
)

SAFE_SUM = 1e-250
"""A sum of scaled probabilities below this may have lost terms to underflow; it is done again in log space."""


def viterbi(
    log_emissions: ArrayLike,
    log_transitions: ArrayLike,
    *,
    log_initial: ArrayLike,
    log_final: ArrayLike | None = None,
) -> StatePath:
    """Return the best state sequence.

    Parameters
    ----------
    log_emissions
        `(n_frames, n_states)` natural-log likelihood of each frame in each state.
    log_transitions
        `(n_states, n_states)`, from the row's state to the column's.
    log_initial
        `(n_states,)` of the state at the first frame.
    log_final
        `(n_states,)` of ending in a state; all 0 if `None`.

    Raises
    ------
    DoesNotFit
        Every state sequence has probability 0.
    BadInput
        Wrong shapes, NaN or +inf.

    Notes
    -----
    Rabiner (1989), equations 32 to 35; on ties the state with the lower index. O(n_frames · n_states²).

    Examples
    --------
    >>> import numpy as np
    >>> emissions, stay = np.log([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2]]), np.log([[0.8, 0.2], [0.2, 0.8]])
    >>> viterbi(emissions, stay, log_initial=np.log([0.5, 0.5])).states
    array([0, 0, 0])
    """
    emissions, transitions, initial, final = _checked(log_emissions, log_transitions, log_initial, log_final)
    score, states = _viterbi(emissions, transitions, initial, final)
    check_reachable(score)
    return StatePath(states, float(score))


def forward_backward(
    log_emissions: ArrayLike,
    log_transitions: ArrayLike,
    *,
    log_initial: ArrayLike,
    log_final: ArrayLike | None = None,
) -> StatePosteriors:
    """Return the posterior of each state at each frame, and the likelihood of all frames.

    Parameters and errors as in `viterbi`.

    Notes
    -----
    Rabiner (1989), equations 19 to 27. Scores are kept as logs; each frame's sums run on probabilities scaled by the
    frame's best, and those that come near underflow are done again in log space, so the result is exact for any model.

    Examples
    --------
    >>> import numpy as np
    >>> emissions, stay = np.log([[0.9, 0.1], [0.4, 0.6]]), np.log([[0.8, 0.2], [0.2, 0.8]])
    >>> forward_backward(emissions, stay, log_initial=np.log([0.5, 0.5])).posteriors.round(3)
    array([[0.876, 0.124],
           [0.655, 0.345]])
    """
    emissions, transitions, initial, final = _checked(log_emissions, log_transitions, log_initial, log_final)
    total, posteriors = _forward_backward(emissions.astype(np.float64), transitions, initial, final)
    check_reachable(total)
    return StatePosteriors(posteriors, float(total))


def _checked(log_emissions, log_transitions, log_initial, log_final):  # type: ignore[no-untyped-def]
    emissions = checked_emissions(log_emissions)
    n_states = emissions.shape[1]
    transitions = checked_logs(log_transitions, "log_transitions", (n_states, n_states))
    initial = checked_logs(log_initial, "log_initial", (n_states,))
    final = np.zeros(n_states) if log_final is None else checked_logs(log_final, "log_final", (n_states,))
    return emissions, transitions, initial, final


@njit(cache=True)
def _viterbi(emissions, transitions, initial, final):  # type: ignore[no-untyped-def]
    n_frames, n_states = emissions.shape
    came_from = np.zeros((n_frames, n_states), dtype=np.int32)
    scores = initial + emissions[0]
    for t in range(1, n_frames):
        best = scores[0] + transitions[0]
        source = came_from[t]
        for i in range(1, n_states):
            if scores[i] == -np.inf:
                continue
            for j in range(n_states):
                coming = scores[i] + transitions[i, j]
                better = coming > best[j]
                best[j] = coming if better else best[j]
                source[j] = i if better else source[j]
        scores = best + emissions[t]
    scores = scores + final
    states = np.empty(n_frames, dtype=np.int64)
    states[-1] = np.argmax(scores)
    for t in range(n_frames - 1, 0, -1):
        states[t - 1] = came_from[t, states[t]]
    return scores[states[-1]], states


@njit(cache=True)
def _log_sum(values):  # type: ignore[no-untyped-def]
    best = values.max()
    return best if best == -np.inf else best + math.log(np.exp(values - best).sum())


@njit(cache=True)
def _propagate(scores, matrix, log_matrix, out):  # type: ignore[no-untyped-def]
    """out[j] = log of the sum over i of exp(scores[i]) · matrix[i, j]."""
    best = scores.max()
    if best == -np.inf:
        out[:] = -np.inf
        return
    sums = np.zeros(out.shape[0])
    for i in range(scores.shape[0]):
        if scores[i] > -np.inf:
            scaled = math.exp(scores[i] - best)
            for j in range(out.shape[0]):
                sums[j] += scaled * matrix[i, j]
    for j in range(out.shape[0]):
        if sums[j] > SAFE_SUM:
            out[j] = math.log(sums[j]) + best
        else:
            out[j] = _log_sum(scores + log_matrix[:, j])


@njit(cache=True)
def _forward_backward(emissions, transitions, initial, final):  # type: ignore[no-untyped-def]
    n_frames, n_states = emissions.shape
    forward = np.empty((n_frames, n_states))
    forward[0] = initial + emissions[0]
    matrix = np.exp(transitions)
    for t in range(1, n_frames):
        _propagate(forward[t - 1], matrix, transitions, forward[t])
        forward[t] += emissions[t]
    total = _log_sum(forward[-1] + final)
    if total == -np.inf:
        return total, forward
    turned = np.ascontiguousarray(matrix.T)
    log_turned = np.ascontiguousarray(transitions.T)
    backward = final.copy()
    for t in range(n_frames - 1, -1, -1):
        following = backward + emissions[t]
        forward[t] = np.exp(forward[t] + backward - total)
        _propagate(following, turned, log_turned, backward)
    return total, forward
