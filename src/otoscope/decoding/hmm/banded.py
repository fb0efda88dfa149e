"""Viterbi and forward-backward of a left-to-right model, linear in the number of states.

Sums are those of `otoscope.decoding.band_sums`: as fast as scaled probabilities, and exact where those underflow,
as they do when a text is forced onto sound that does not fit.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from otoscope.core import BadInput, DoesNotFit
from otoscope.decoding.band_sums import BandLattice, cell_posteriors
from otoscope.decoding.hmm.results import (
    StatePath,
    StatePosteriors,
    check_reachable,
    checked_emissions,
    checked_logs,
)


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

    Parameters and errors as in `viterbi_banded`.

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
    emissions = emissions.astype(np.float64, copy=False)
    n_states, width = band.shape
    start = np.full(n_states, -np.inf)
    start[0] = 0.0
    into = np.full((width, n_states), -np.inf)
    for k in range(min(width, n_states)):
        into[k, k:] = band[: n_states - k, k]
    total, posteriors = cell_posteriors(
        BandLattice(emissions, into, start, 1),
        BandLattice(emissions[::-1, ::-1], np.ascontiguousarray(band.T[:, ::-1]), start, 1),
    )
    check_reachable(total)
    return StatePosteriors(posteriors, total)


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
