"""Viterbi and forward-backward of a left-to-right model, linear in the number of states.

Sums run on float64 numbers with an exponent of their own (a value is `mantissa * 2 ** (256 * exponent)`): as fast as
scaled probabilities, and exact where those underflow. A text forced onto sound that does not fit needs both.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from otoscope.core import BadInput, DoesNotFit
from otoscope.decoding.hmm.results import (
    StatePath,
    StatePosteriors,
    check_reachable,
    checked_emissions,
    checked_logs,
)

RADIX = 2.0**256
LOG_RADIX = 256 * np.log(2.0)
SMALL, LARGE = 2.0**-128, 2.0**128
LEAST_TRANSITION = -130.0
"""Natural-log transition probabilities lie above this or are -inf, so that no sum loses a term that counts."""


def viterbi_banded(log_emissions: ArrayLike, log_band: ArrayLike) -> StatePath:
    """Return the best state sequence from the first state to the last.

    Parameters
    ----------
    log_emissions
        `(n_frames, n_states)` natural-log likelihood of each frame in each state.
    log_band
        `(n_states, width)`: column k is the natural log of P(state s + k after state s). Width 2 is a model that stays
        or advances, width 3 one that may skip a state. What would lead past the last state is not used.

    Raises
    ------
    DoesNotFit
        Fewer frames than it takes to reach the last state, or every path has probability 0.
    BadInput
        Wrong shapes, NaN or +inf.

    Notes
    -----
    Rabiner (1989), equations 32 to 35, over the states that can be reached and can still reach the end. On ties the
    smallest step into a state is taken. O(n_frames · n_states · width).

    Examples
    --------
    >>> import numpy as np
    >>> emissions = np.log([[0.9, 0.1, 0.1], [0.2, 0.9, 0.1], [0.1, 0.8, 0.2], [0.1, 0.1, 0.9]])
    >>> viterbi_banded(emissions, np.log(np.full((3, 2), 0.5))).states
    array([0, 1, 1, 2])
    """
    emissions, band = _checked(log_emissions, log_band)
    score, states = _viterbi(emissions, np.ascontiguousarray(band.T))
    check_reachable(score)
    return StatePath(states, float(score))


def forward_backward_banded(log_emissions: ArrayLike, log_band: ArrayLike) -> StatePosteriors:
    """Return the posterior of each state at each frame, over all paths from the first state to the last.

    Parameters and errors as in `viterbi_banded`; `BadInput` also for finite transitions below -130 nats.

    Notes
    -----
    Rabiner (1989), equations 19 to 27.

    Examples
    --------
    >>> import numpy as np
    >>> forward_backward_banded(np.zeros((3, 2)), np.log(np.full((2, 2), 0.5))).posteriors  # paths 001 and 011
    array([[1. , 0. ],
           [0.5, 0.5],
           [0. , 1. ]])
    """
    emissions, band = _checked(log_emissions, log_band)
    if np.any((band < LEAST_TRANSITION) & (band > -np.inf)):
        raise BadInput(f"log_band must lie above {LEAST_TRANSITION} or be -inf, got {band[band > -np.inf].min()}")
    best = emissions.max(axis=1, keepdims=True).astype(np.float64)
    if (best == -np.inf).any():
        check_reachable(-np.inf)
    relative = emissions - best
    shifts = np.zeros(relative.shape, dtype=np.int32)
    if relative.min() < -LOG_RADIX:
        shifts = np.trunc(np.maximum(relative, -1e9) / LOG_RADIX).astype(np.int32)
        relative = relative - shifts * LOG_RADIX
    total, exponent, posteriors = _forward_backward(np.exp(relative), shifts, np.ascontiguousarray(np.exp(band).T))
    check_reachable(np.log(total) if total > 0 else -np.inf)
    return StatePosteriors(posteriors, float(np.log(total) + exponent * LOG_RADIX + best.sum()))


def _checked(log_emissions, log_band):  # type: ignore[no-untyped-def]
    emissions = checked_emissions(log_emissions)
    n_frames, n_states = emissions.shape
    width = np.shape(log_band)[1] if np.ndim(log_band) == 2 else 0
    if not 1 <= width <= 255:
        raise BadInput(f"log_band must be (n_states, width) with a width of 1 to 255, got shape {np.shape(log_band)}")
    band = checked_logs(log_band, "log_band", (n_states, width))
    if (n_frames - 1) * (width - 1) < n_states - 1:
        raise DoesNotFit(f"{n_states} states with steps of at most {width - 1} do not fit {n_frames} frames")
    return emissions, band


@njit(cache=True, inline="always")
def _reach(t, n_frames, n_states, width):  # type: ignore[no-untyped-def]
    """First and one past the last state that lies on a path from the first state to the last."""
    step = width - 1
    return max(0, n_states - 1 - step * (n_frames - 1 - t)), min(n_states - 1, step * t) + 1


@njit(cache=True)
def _viterbi(emissions, band):  # type: ignore[no-untyped-def]
    n_frames, n_states = emissions.shape
    width = band.shape[0]
    steps = np.zeros((n_frames, n_states), dtype=np.uint8)
    before, now = np.full(n_states, -np.inf), np.full(n_states, -np.inf)
    now[0] = emissions[0, 0]
    for t in range(1, n_frames):
        before, now = now, before
        low, high = _reach(t, n_frames, n_states, width)
        _step(before[low:high], band[0, low:high], emissions[t, low:high], now[low:high])
        for k in range(1, width):
            first = max(low, k)
            if first < high:
                sources = slice(first - k, high - k)
                into = slice(first, high)
                _better(before[sources], band[k, sources], emissions[t, into], now[into], steps[t, into], k)
    states = np.empty(n_frames, dtype=np.int64)
    states[-1] = n_states - 1
    for t in range(n_frames - 1, 0, -1):
        states[t - 1] = states[t] - steps[t, states[t]]
    return now[n_states - 1], states


@njit(cache=True)
def _step(before, transition, emission, now):  # type: ignore[no-untyped-def]
    for i in range(now.shape[0]):
        now[i] = before[i] + transition[i] + emission[i]


@njit(cache=True)
def _better(before, transition, emission, now, steps, k):  # type: ignore[no-untyped-def]
    for i in range(now.shape[0]):
        coming = before[i] + transition[i] + emission[i]
        better = coming > now[i]
        now[i] = coming if better else now[i]
        steps[i] = k if better else steps[i]


@njit(cache=True, inline="always")
def _shifted(value, exponent):  # type: ignore[no-untyped-def]
    """value * RADIX ** exponent; from -2 on it is nothing beside what it is added to or compared with."""
    if exponent == 0:
        return value
    if exponent < 0:
        return value / RADIX if exponent == -1 else 0.0
    return value * RADIX if exponent == 1 else value * RADIX * RADIX


@njit(cache=True, inline="always")
def _sum(value, exponent, other, other_exponent):  # type: ignore[no-untyped-def]
    """Add two numbers that carry exponents; the result is not normalised."""
    if other == 0.0:
        return value, exponent
    if value == 0.0:
        return other, other_exponent
    if other_exponent > exponent:
        return other + _shifted(value, exponent - other_exponent), other_exponent
    return value + _shifted(other, other_exponent - exponent), exponent


@njit(cache=True, inline="always")
def _normalised(value, exponent):  # type: ignore[no-untyped-def]
    """Bring a mantissa other than 0 into the range from SMALL to LARGE."""
    if value != 0.0:
        while value < SMALL:
            value *= RADIX
            exponent -= 1
        while value > LARGE:
            value /= RADIX
            exponent += 1
    return value, exponent


@njit(cache=True)
def _forward_backward(mantissas, shifts, band):  # type: ignore[no-untyped-def]
    n_frames, n_states = mantissas.shape
    values, exponents = _forward(mantissas, shifts, band)
    total, scale = values[-1, n_states - 1], exponents[-1, n_states - 1]
    posteriors = np.zeros((n_frames, n_states))
    if total == 0.0:
        return total, scale, posteriors
    after, after_exponents = np.zeros(n_states), np.zeros(n_states, dtype=np.int64)
    after[-1] = 1.0
    for t in range(n_frames - 1, -1, -1):
        low, high = _reach(t, n_frames, n_states, band.shape[0])
        if t < n_frames - 1:
            _backward_step(mantissas[t + 1], shifts[t + 1], band, (after, after_exponents), low, high)
        for s in range(low, high):
            share = values[t, s] / total * after[s]
            posteriors[t, s] = _shifted(share, exponents[t, s] + after_exponents[s] - scale)
    return total, scale, posteriors


@njit(cache=True)
def _forward(mantissas, shifts, band):  # type: ignore[no-untyped-def]
    n_frames, n_states = mantissas.shape
    values, exponents = np.zeros((n_frames, n_states)), np.zeros((n_frames, n_states), dtype=np.int64)
    values[0, 0], exponents[0, 0] = _normalised(mantissas[0, 0], np.int64(shifts[0, 0]))
    for t in range(1, n_frames):
        low, high = _reach(t, n_frames, n_states, band.shape[0])
        for s in range(low, high):
            value, exponent = values[t - 1, s] * band[0, s], exponents[t - 1, s]
            for k in range(1, min(band.shape[0], s + 1)):
                other = values[t - 1, s - k] * band[k, s - k]
                value, exponent = _sum(value, exponent, other, exponents[t - 1, s - k])
            values[t, s], exponents[t, s] = _normalised(value * mantissas[t, s], exponent + shifts[t, s])
    return values, exponents


@njit(cache=True)
def _backward_step(mantissas, shifts, band, later, low, high):  # type: ignore[no-untyped-def]
    """From the frame after to this one, in place: a state only needs itself and those above it, not yet updated."""
    after, exponents = later
    n_states = after.shape[0]
    for s in range(low, min(high + band.shape[0] - 1, n_states)):
        after[s], exponents[s] = _normalised(after[s] * mantissas[s], exponents[s] + shifts[s])
    for s in range(low, high):
        value, exponent = after[s] * band[0, s], exponents[s]
        for k in range(1, min(band.shape[0], n_states - s)):
            value, exponent = _sum(value, exponent, after[s + k] * band[k, s], exponents[s + k])
        after[s], exponents[s] = value, exponent
