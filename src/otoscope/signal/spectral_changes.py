"""Where the spectrum changes most: boundaries between sounds, near where somebody already expects them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Recording
from otoscope.signal.features import log_mel

REACH_S = 0.020
"""How far a time may be moved."""
LOOK_S = 0.050
"""How much sound on either side is looked at."""
SPREAD_S = 0.012
"""Standard deviation of a true change about the expected time."""
FLOOR_DB = -40.0
"""Re the mean power of a band: what is fainter does not count as a change."""
LEAST_FRAMES = 2
"""Frames that a side must have to be told from the other."""
_N_MELS, _WINDOW_S, _HOP_S = 24, 0.020, 0.005


def at_changes(recording: Recording, times_s: Sequence[float]) -> NDArray[np.float64]:
    """Move each of some times to the likeliest change of the spectrum near it.

    Parameters
    ----------
    recording
        What is heard.
    times_s
        `(n,)` expected boundaries in ascending order.

    Returns
    -------
    NDArray
        `(n,)` times in ascending order, each at most `REACH_S` from where it was; where the sound between two times is
        too short to tell, they stay.

    Notes
    -----
    The sound on either side, up to `LOOK_S` and never past the next boundary, is taken as one Gaussian each with the
    variance of the whole recording; the change lies where the two explain the log-mel frames best, given that it is
    normal about the expected time (the maximum-likelihood change of a mean: Hinkley 1970, with a prior).
    """
    frames, edges_s = _frames(recording)
    if not len(frames):
        return np.array(times_s, dtype=np.float64)
    sums, squares = (np.cumsum(np.pad(x, ((1, 0), (0, 0))), 0) for x in (frames, frames**2))
    found: list[float] = []
    for i, time_s in enumerate(times_s):
        before = max(time_s - LOOK_S, found[-1] if found else 0.0)
        after = min(time_s + LOOK_S, times_s[i + 1] if i + 1 < len(times_s) else edges_s[-1])
        first, stop = int(np.searchsorted(edges_s, before)), int(np.searchsorted(edges_s, after, "right")) - 1
        found.append(_change(sums, squares, edges_s, (first, stop), time_s))
    return np.maximum.accumulate(np.array(found, dtype=np.float64))


def _change(
    sums: NDArray[np.float64],
    squares: NDArray[np.float64],
    edges_s: NDArray[np.float64],
    span: tuple[int, int],
    time_s: float,
) -> float:
    """Return the likeliest edge between two frames of `span`, or `time_s` where there is none to choose."""
    first, stop = span
    splits = np.arange(first + LEAST_FRAMES, stop - LEAST_FRAMES + 1)
    splits = splits[np.abs(edges_s[splits] - time_s) <= REACH_S + 1e-9] if splits.size else splits
    if not splits.size:
        return time_s
    left = squares[splits] - squares[first] - (sums[splits] - sums[first]) ** 2 / (splits - first)[:, None]
    right = squares[stop] - squares[splits] - (sums[stop] - sums[splits]) ** 2 / (stop - splits)[:, None]
    cost = (left + right).mean(1) + (edges_s[splits] - time_s) ** 2 / (2 * SPREAD_S**2)
    return float(edges_s[splits[int(np.argmin(cost))]])


def _frames(recording: Recording) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return `(n_frames, n_mels)` log power and the `(n_frames + 1,)` edges of the frames.

    Its standard deviation over time is 1 in the mean of the bands.
    """
    found = log_mel(recording, n_mels=_N_MELS, window_s=_WINDOW_S, hop_s=_HOP_S)
    values = found.values.astype(np.float64)
    if not len(values):
        return values, found.grid.edges_s()
    floor = np.log(np.exp(values).mean(0)) + FLOOR_DB / 10 * np.log(10)
    values = np.logaddexp(values, floor)
    return (values - values.mean(0)) / max(float(values.std(0).mean()), 1e-9), found.grid.edges_s()
