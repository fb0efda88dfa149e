"""Which moments of recordings belong together, found by dynamic time warping of their spectra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Recording
from otoscope.decoding.dtw import dtw
from otoscope.signal.features import log_mel
from otoscope.signal.tempo import warped

Course = Literal["dtw", "linear"]
N_MELS = 24
FLOOR = 5.0
"""Nats below the loudest frame's mean at which bands are cut off: silence is not told from other silence."""
STEP_S = 0.04
"""Points of a course of time are so far apart: finer ones would follow the noise of the warping path."""


def anchors_of(recordings: Sequence[Recording], *, course: Course = "dtw") -> NDArray[np.float64]:
    """Return times that belong together, `(n_points, n_recordings)` seconds, none falling.

    `linear` ties beginnings and ends only; `dtw` warps each recording onto the first by log-mel spectra, each band
    less its mean.

    Raises
    ------
    BadInput
        No such course.
    """
    ends = np.array([[0.0] * len(recordings), [recording.duration_s for recording in recordings]])
    if course == "linear":
        return ends
    if course != "dtw":
        raise BadInput(f"unknown course {course!r}; one of dtw, linear")
    first = recordings[0]
    n_points = max(2, round(first.duration_s / STEP_S) + 1)
    points = np.linspace(0, first.duration_s, n_points)
    columns = [points, *(_matching(first, other, points) for other in recordings[1:])]
    return np.stack(columns, axis=1)


def onto(recording: Recording, like: Recording, *, course: Course = "dtw") -> Recording:
    """Return a recording at the rate, of the length and along the course of time of another."""
    from otoscope.signal.resampling import resampled

    other = resampled(recording, like.rate_hz)
    anchors = anchors_of([like, other], course=course)
    return warped(other, anchors[:, 0], anchors[:, 1], n_samples=like.n_samples)


def _matching(first: Recording, other: Recording, points: NDArray[np.float64]) -> NDArray[np.float64]:
    (mine, my_times), (theirs, their_times) = (_spectra(each) for each in (first, other))
    if len(mine) < 2 or len(theirs) < 2:
        return points * (other.duration_s / first.duration_s)
    pairs = dtw(mine, theirs).pairs
    mean = np.array([pairs[pairs[:, 0] == row, 1].mean() for row in range(len(mine))])
    times = np.interp(mean, np.arange(len(theirs)), their_times)
    matched = np.interp(points, np.concatenate([[0.0], my_times, [first.duration_s]]),
                        np.concatenate([[0.0], times, [other.duration_s]]))  # fmt: skip
    return np.maximum.accumulate(np.clip(matched, 0, other.duration_s))


def _spectra(recording: Recording) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    found = log_mel(recording, n_mels=N_MELS)
    values = found.values.astype(np.float64)
    if not len(values):
        return values, found.grid.times_s()
    values = np.maximum(values, values.mean(1).max() - FLOOR)
    return values - values.mean(0), found.grid.times_s()
