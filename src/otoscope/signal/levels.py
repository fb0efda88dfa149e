"""How loud a recording is, in dB re full scale, and making it so. 0 dB is the RMS of a full-scale square wave."""

from __future__ import annotations

import numpy as np

from otoscope.core import BadInput, Recording
from otoscope.signal.frames import analysis_grid, frame_view

ACTIVITY_MARGIN_DB = 15.9
"""A frame counts as active when it lies less than this below the active level (the margin of ITU-T P.56)."""


def rms_db(recording: Recording) -> float:
    """Return the root-mean-square level, dB re full scale; minus infinity for digital silence.

    Examples
    --------
    >>> round(rms_db(Recording(np.tile([0.1, -0.1], 100), 16000)), 6)
    -20.0
    """
    return _db(float(np.mean(recording.samples.astype(np.float64) ** 2)))


def peak_db(recording: Recording) -> float:
    """Return the level of the largest sample, dB re full scale."""
    return _db(float(np.max(np.abs(recording.samples.astype(np.float64)))) ** 2)


def active_level_db(recording: Recording) -> float:
    """Return the level of the speech in a recording, its pauses left out, dB re full scale.

    The mean power of those 25 ms frames that lie at most 15.9 dB below that very mean: ITU-T P.56's definition, with
    frames in place of its envelope. A recording shorter than a frame has its plain RMS level.
    """
    grid = analysis_grid(recording.n_samples, recording.rate_hz)
    frames = frame_view(recording.samples, grid)
    if grid.n_frames == 0:
        return rms_db(recording)
    power = np.sort(np.einsum("ij,ij->i", frames, frames, dtype=np.float64) / grid.window)[::-1]
    mean = np.cumsum(power) / np.arange(1, power.size + 1)
    active = power >= mean * 10 ** (-ACTIVITY_MARGIN_DB / 10)
    n_active = int(np.argmin(active)) if not active.all() else power.size
    return _db(float(mean[n_active - 1]))


def gain(recording: Recording, gain_db: float) -> Recording:
    """Return the recording louder by `gain_db`. Nothing is clipped: samples may leave [-1, 1]."""
    return recording.with_samples(recording.samples * np.float32(10 ** (gain_db / 20)))


def at_level(recording: Recording, level_db: float) -> Recording:
    """Return the recording at an RMS level of `level_db` re full scale.

    Raises
    ------
    BadInput
        It is digital silence.
    """
    now_db = rms_db(recording)
    if now_db == -np.inf:
        raise BadInput("digital silence cannot be brought to a level")
    return gain(recording, level_db - now_db)


def _db(power: float) -> float:
    return 10 * float(np.log10(power)) if power > 0 else -np.inf
