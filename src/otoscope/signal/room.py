"""A room by the image method: where a loudspeaker and a microphone stand goes in, an impulse response comes out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Recording

SPEED_OF_SOUND_M_S = 343.0
OVERSAMPLING = 32
"""Delays are kept to this fraction of a sample: 2 microseconds at 16 kHz."""
HALF_TAPS = 16
"""Samples on each side of a fractional delay."""
DECAY_BIN_S = 0.005
SHORTEST_RT60_S = 0.05
MOST_IMAGES = 10_000_000
"""More would need gigabytes: an RT60 of 1.5 s in the default room."""

ROOM_M = (5.0, 4.0, 2.7)
SOURCE_M = (1.5, 2.2, 1.5)
MICROPHONE_M = (2.6, 1.7, 1.3)


def room_response(
    rate_hz: int,
    *,
    rt60_s: float = 0.3,
    room_m: Sequence[float] = ROOM_M,
    source_m: Sequence[float] = SOURCE_M,
    microphone_m: Sequence[float] = MICROPHONE_M,
) -> NDArray[np.float64]:
    """Return the impulse response of a shoebox room, `(n_samples,)`, as long as `rt60_s`.

    Allen & Berkley (1979): each wall mirrors the source; an image at distance d adds β^(reflections) / (4 π d) after
    d / c. Delays between samples are kept by windowed sinc interpolation (Peterson 1986). β is the same for all walls,
    chosen so that the response itself decays as asked (Sabine's formula alone is up to 45 % off), and negative, so
    that late reflections do not pile up at 0 Hz (Lehmann & Johansson 2008).

    Parameters
    ----------
    rate_hz
        Samples per second.
    rt60_s
        Time in which the energy falls by 60 dB.
    room_m, source_m, microphone_m
        Size of the room, and where they stand in it, in metres from one corner.

    Raises
    ------
    BadInput
        A place lies outside the room, or the room cannot ring so short or long.
    """
    size, source, microphone = (np.asarray(v, dtype=np.float64) for v in (room_m, source_m, microphone_m))
    for name, place in (("source_m", source), ("microphone_m", microphone)):
        if place.shape != (3,) or size.shape != (3,) or not ((place > 0) & (place < size)).all():
            raise BadInput(f"{name} must be a place inside the room {tuple(map(float, size))} m, got {place.tolist()}")
    if np.linalg.norm(source - microphone) < 0.01:
        raise BadInput("source and microphone need at least 1 cm between them")
    reach_m = SPEED_OF_SOUND_M_S * rt60_s
    n_images = 4 / 3 * np.pi * reach_m**3 / size.prod()
    if rt60_s < SHORTEST_RT60_S or n_images > MOST_IMAGES:
        raise BadInput(f"an RT60 of {rt60_s:g} s is out of reach for this room: try {SHORTEST_RT60_S} to 1 s")
    distance, bounces = _images(size, source, microphone, reach_m)
    amplitude = (-_reflection(distance, bounces, rt60_s)) ** bounces / (4 * np.pi * distance)
    return _impulses(distance / SPEED_OF_SOUND_M_S * rate_hz, amplitude, int(np.ceil(rt60_s * rate_hz)))


def reverberant(
    recording: Recording,
    *,
    rt60_s: float = 0.3,
    room_m: Sequence[float] = ROOM_M,
    source_m: Sequence[float] = SOURCE_M,
    microphone_m: Sequence[float] = MICROPHONE_M,
) -> Recording:
    """Return the recording as heard in a room: same length, direct sound at its old place and level.

    So the times of words stay true; what rings on after the end is cut off.
    """
    from scipy.signal import oaconvolve

    places = tuple(room_m), tuple(source_m), tuple(microphone_m)
    response = _kept_response(recording.rate_hz, rt60_s, *places)
    distance = float(np.linalg.norm(np.asarray(source_m, dtype=float) - np.asarray(microphone_m, dtype=float)))
    delay = round(distance / SPEED_OF_SOUND_M_S * recording.rate_hz)
    heard = oaconvolve(recording.samples, response * (4 * np.pi * distance))
    padded = np.concatenate([heard, np.zeros(max(0, delay + recording.n_samples - heard.size))])
    return recording.with_samples(padded[delay : delay + recording.n_samples])


@lru_cache(maxsize=8)
def _kept_response(
    rate_hz: int,
    rt60_s: float,
    room_m: tuple[float, ...],
    source_m: tuple[float, ...],
    microphone_m: tuple[float, ...],
) -> NDArray[np.float64]:
    """Return `room_response`, computed once for many recordings in one room."""
    return room_response(rate_hz, rt60_s=rt60_s, room_m=room_m, source_m=source_m, microphone_m=microphone_m)


def _images(
    size: NDArray[np.float64], source: NDArray[np.float64], microphone: NDArray[np.float64], reach_m: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return distance and number of reflections of all image sources within reach.

    Along one axis the images of x lie at (1 - 2 q) x + 2 n L, mirrored |n - q| + |n| times (eq. 9 and 10).
    """
    squares: list[NDArray[np.float64]] = []
    counts: list[NDArray[np.int64]] = []
    for length, x, heard_at in zip(size, source, microphone, strict=True):
        n = np.arange(-int(np.ceil(reach_m / (2 * length))) - 1, int(np.ceil(reach_m / (2 * length))) + 2)
        n, q = np.repeat(n, 2), np.tile([0, 1], n.size)
        squares.append(((1 - 2 * q) * x + 2 * n * length - heard_at) ** 2)
        counts.append(np.abs(n - q) + np.abs(n))
    square = squares[0][:, None, None] + squares[1][:, None] + squares[2]
    count = counts[0][:, None, None] + counts[1][:, None] + counts[2]
    near = square < reach_m**2
    return np.sqrt(square[near]), count[near]


def decay_time_s(energy: NDArray[np.float64], bin_s: float) -> float:
    """Return RT60 by backward integration (Schroeder 1965): three times the fall from -5 to -25 dB.

    `energy` is that of the response in bins of `bin_s`; crossings are interpolated.

    Examples
    --------
    >>> round(decay_time_s(10 ** (-6 * np.arange(1000) / 500), 0.001), 2)
    0.5
    """
    left = np.cumsum(energy[::-1])[::-1]
    level_db = 10 * np.log10(np.maximum(left / left[0], 1e-12))
    at = np.interp([5.0, 25.0], -level_db, np.arange(level_db.size) * bin_s)
    return 3.0 * float(at[1] - at[0])


def _reflection(distance: NDArray[np.float64], bounces: NDArray[np.int64], rt60_s: float) -> float:
    """Return the pressure reflection coefficient that makes the images decay in `rt60_s`, by bisection."""
    bins = (distance / SPEED_OF_SOUND_M_S / DECAY_BIN_S).astype(np.int64)
    n_bins, n_bounces = int(bins.max()) + 1, int(bounces.max()) + 1
    energy = np.bincount(bounces * n_bins + bins, weights=distance**-2.0, minlength=n_bounces * n_bins)
    energy = energy.reshape(n_bounces, n_bins)
    low, high = 0.01, 0.999
    for _ in range(20):
        middle = (low + high) / 2
        decayed = middle ** (2.0 * np.arange(n_bounces)) @ energy
        low, high = (middle, high) if decay_time_s(decayed, DECAY_BIN_S) < rt60_s else (low, middle)
    return low


def _impulses(delays: NDArray[np.float64], amplitudes: NDArray[np.float64], n_samples: int) -> NDArray[np.float64]:
    """Return the sum of impulses at fractional delays (samples), each a Hann-windowed sinc."""
    from scipy.signal import upfirdn

    fine = np.bincount(np.round(delays * OVERSAMPLING).astype(np.int64), weights=amplitudes)
    at = np.arange(-HALF_TAPS * OVERSAMPLING, HALF_TAPS * OVERSAMPLING + 1) / OVERSAMPLING
    kernel = np.sinc(at) * (0.5 + 0.5 * np.cos(np.pi * at / HALF_TAPS))
    response = upfirdn(kernel, fine, up=1, down=OVERSAMPLING)[HALF_TAPS:]
    fitted = np.zeros(n_samples)
    fitted[: min(n_samples, response.size)] = response[:n_samples]
    return fitted
