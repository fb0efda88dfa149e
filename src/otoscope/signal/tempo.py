"""Faster or slower at the same pitch, along any course of time, to the exact sample: WSOLA."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, Recording
from otoscope.signal.frames import hann

WINDOW_S = 0.030
REACH_S = 0.0125
"""How far a window may be moved to go on smoothly: half a period of 40 Hz."""
SLOWEST, FASTEST = 0.2, 5.0


def stretched(recording: Recording, tempo: float) -> Recording:
    """Return the recording `tempo` times as fast, its pitch and formants as they were.

    Exactly `round(n_samples / tempo)` samples long; time t of the recording is at t / tempo.

    Raises
    ------
    BadInput
        The tempo is not 0.2 to 5.

    Examples
    --------
    >>> tone = Recording(np.sin(np.arange(16000) / 5), 16000)
    >>> stretched(tone, 1.25).n_samples, stretched(tone, 0.8).n_samples
    (12800, 20000)
    """
    if not SLOWEST <= tempo <= FASTEST:
        raise BadInput(f"tempo must be {SLOWEST} to {FASTEST}, got {tempo:g}")
    return fitted_to(recording, max(1, round(recording.n_samples / tempo)))


def fitted_to(recording: Recording, n_samples: int) -> Recording:
    """Return the recording evenly stretched or pressed to exactly `n_samples`, its pitch as it was."""
    ends = [0.0, n_samples / recording.rate_hz], [0.0, recording.duration_s]
    return warped(recording, *ends, n_samples=n_samples)


def warped(recording: Recording, to_s: ArrayLike, from_s: ArrayLike, *, n_samples: int) -> Recording:
    """Return the recording along another course of time, exactly `n_samples` long.

    Waveform similarity overlap-add (Verhelst and Roelands 1993): windows of 30 ms, each taken from within 12.5 ms of
    where the course of time wants it, so that it goes on as the one before would have. Where time runs as before, the
    samples are those of the recording.

    Parameters
    ----------
    recording
        What is warped.
    to_s, from_s
        `(n_points,)` times of the result, and those of the recording that come to lie there; both must not fall.
        Straight lines between, the last slopes go on beyond.
    n_samples
        Length of the result.

    Raises
    ------
    BadInput
        Fewer than two points, times that fall, or no sample.
    """
    to, source = np.asarray(to_s, dtype=np.float64), np.asarray(from_s, dtype=np.float64)
    if (
        to.ndim != 1
        or to.shape != source.shape
        or to.size < 2
        or (np.diff(to) < 0).any()
        or (np.diff(source) < 0).any()
    ):
        raise BadInput("a course of time needs two or more points on both sides that do not fall")
    if n_samples < 1:
        raise BadInput(f"a recording needs at least one sample, got {n_samples}")
    if n_samples == recording.n_samples and np.array_equal(to, source):
        return recording
    hop = max(1, round(WINDOW_S * recording.rate_hz / 2))
    centres = np.arange(-(-n_samples // hop) + 1) * hop
    wanted = np.interp(centres / recording.rate_hz, to, source) * recording.rate_hz
    samples = _overlapped(recording.samples, wanted, hop, round(REACH_S * recording.rate_hz))
    return recording.with_samples(samples[hop : hop + n_samples].astype(np.float32))


def _overlapped(samples: NDArray[np.float32], wanted: NDArray[np.float64], hop: int, reach: int) -> NDArray[np.float64]:
    """Return windows of two hops around the samples wanted, moved to fit, overlapped one hop apart."""
    margin = 3 * hop + reach
    padded = np.pad(samples.astype(np.float64), margin)
    window = hann(2 * hop).astype(np.float64)
    total = np.zeros((wanted.size + 1) * hop)
    place = margin + round(float(wanted[0])) - hop
    for index, centre in enumerate(np.clip(np.round(wanted), 0, samples.size).astype(int)):
        if index:
            following = padded[place + hop : place + 3 * hop]
            place = _fitting(padded, following, margin + int(centre) - hop, reach)
        total[index * hop : (index + 2) * hop] += window * padded[place : place + 2 * hop]
    return total


def _fitting(padded: NDArray[np.float64], following: NDArray[np.float64], place: int, reach: int) -> int:
    """Return where, near `place`, the sound is most like what would follow (normalised cross-correlation)."""
    size = following.size
    around = padded[place - reach : place + reach + size]
    likeness = np.correlate(around, following)
    energy = np.cumsum(np.pad(around**2, (1, 0)))
    scale = np.sqrt(np.maximum(energy[size:] - energy[:-size], 1e-12))
    near = 1e-6 * np.abs(np.arange(-reach, reach + 1)) / max(reach, 1)
    return place - reach + int(np.argmax(likeness / scale - near * np.sqrt(following @ following)))
