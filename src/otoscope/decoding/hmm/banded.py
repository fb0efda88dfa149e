"""Viterbi and forward-backward of a left-to-right model, linear in the number of states.

Sums are those of `otoscope.decoding.band_sums`: scaled probabilities, and logs where those would underflow, as they do
when a text is forced onto sound that does not fit.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, DoesNotFit
from otoscope.decoding.band_sums import BandLattice, cell_posteriors
from otoscope.decoding.hmm.advancing import best_advance
from otoscope.decoding.hmm.results import (
    StatePath,
    StatePosteriors,
    check_clean,
    check_reachable,
    checked_emissions,
    checked_logs,
    shaped_emissions,
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
        Wrong shapes, NaN or +inf. Emissions of states that no path from the first to the last can be in at that frame
        need not be looked at.

    Notes
    -----
    Rabiner (1989), equations 32 to 35, over the states that can be reached and can still reach the end. On ties the
    smallest step into a state is taken. O(n_frames · n_states · width). Width 2 has a kernel of its own.

    Examples
    --------
    >>> import numpy as np
    >>> emissions = np.log([[0.9, 0.1, 0.1], [0.2, 0.9, 0.1], [0.1, 0.8, 0.2], [0.1, 0.1, 0.9]])
    >>> viterbi_banded(emissions, np.log(np.full((3, 2), 0.5))).states
    array([0, 1, 1, 2])
    """
    emissions = shaped_emissions(log_emissions)
    band = _checked_band(log_band, emissions.shape)
    if band.shape[1] == 2:
        score, states, clean = best_advance(emissions, band)
    else:
        score, states, clean = _viterbi(emissions, np.ascontiguousarray(band.T))
    check_clean(clean)
    check_reachable(score)
    return StatePath(states, float(score))


def forward_backward_banded(log_emissions: ArrayLike, log_band: ArrayLike) -> StatePosteriors:
    """Return the posterior of each state at each frame, over all paths from the first state to the last.

    Parameters and errors as in `viterbi_banded`; all emissions are looked at.

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
    emissions = checked_emissions(log_emissions).astype(np.float64, copy=False)
    band = _checked_band(log_band, emissions.shape)
    n_states, width = band.shape
    start = np.full(n_states, -np.inf)
    start[0] = 0.0
    into = np.full((width, n_states), -np.inf)
    for k in range(min(width, n_states)):
        into[k, k:] = band[: n_states - k, k]
    total, posteriors = cell_posteriors(BandLattice(emissions, into, start, 1))
    check_reachable(total)
    return StatePosteriors(posteriors, total)


def _checked_band(log_band: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float64]:
    n_frames, n_states = shape
    width = np.shape(log_band)[1] if np.ndim(log_band) == 2 else 0
    if not 1 <= width <= 255:
        raise BadInput(f"log_band must be (n_states, width) with a width of 1 to 255, got shape {np.shape(log_band)}")
    band = checked_logs(log_band, "log_band", (n_states, width))
    if (n_frames - 1) * (width - 1) < n_states - 1:
        raise DoesNotFit(f"{n_states} states with steps of at most {width - 1} do not fit {n_frames} frames")
    return band


@njit(cache=True, inline="always")
def _reach(t, n_frames, n_states, width):  # type: ignore[no-untyped-def]
    """First and one past the last state that lies on a path from the first state to the last."""
    step = width - 1
    return max(0, n_states - 1 - step * (n_frames - 1 - t)), min(n_states - 1, step * t) + 1


@njit(cache=True)
def _viterbi(emissions, band):  # type: ignore[no-untyped-def]
    """Score, states and whether what was looked at is clean, for a band `(width, n_states)`."""
    n_frames, n_states = emissions.shape
    width = band.shape[0]
    steps = np.zeros((n_frames, n_states), dtype=np.uint8)
    before, now = np.full(n_states, -np.inf), np.full(n_states, -np.inf)
    now[0] = emissions[0, 0]
    clean = emissions[0, 0] < np.inf
    for t in range(1, n_frames):
        before, now = now, before
        low, high = _reach(t, n_frames, n_states, width)
        _stay(before[low:high], band[0, low:high], now[low:high])
        for k in range(1, width):
            first = max(low, k)
            if first < high:
                sources = slice(first - k, high - k)
                _better(before[sources], band[k, sources], now[first:high], steps[t, first:high], k)
        clean &= _emit(emissions[t, low:high], now[low:high])
    states = np.empty(n_frames, dtype=np.int64)
    states[-1] = n_states - 1
    for t in range(n_frames - 1, 0, -1):
        states[t - 1] = states[t] - steps[t, states[t]]
    return now[n_states - 1], states, clean


@njit(cache=True)
def _stay(before, transition, now):  # type: ignore[no-untyped-def]
    for i in range(now.shape[0]):
        now[i] = before[i] + transition[i]


@njit(cache=True)
def _better(before, transition, now, steps, k):  # type: ignore[no-untyped-def]
    for i in range(now.shape[0]):
        coming = before[i] + transition[i]
        better = coming > now[i]
        now[i] = coming if better else now[i]
        steps[i] = k if better else steps[i]


@njit(cache=True)
def _emit(emission, now):  # type: ignore[no-untyped-def]
    clean = True
    for i in range(now.shape[0]):
        now[i] += emission[i]
        clean &= emission[i] < np.inf
    return clean
