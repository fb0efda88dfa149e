"""How likely there is sound at each step of 10 ms, from the level alone: what places the edges of words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Recording

STEP_S = 0.01
WINDOW_S = 0.02
LEAST_RANGE_DB = 10.0
"""Where loud and quiet steps lie nearer together than this, the level says nothing about words and pauses."""
FLOOR_DB = -80.0
THRESHOLD = 0.35
"""Where between quiet and loud (in dB) it is as likely as not that there is sound."""


def sound_odds(recording: Recording) -> NDArray[np.float64]:
    """Return log odds `(n_steps,)` that there is sound in each step of 10 ms.

    The level of a window of 20 ms is set between the recording's quiet (10th percentile) and loud (95th) levels: the
    odds are even at `THRESHOLD` of the way, ±5 at the ends. All zero where the level hardly changes.
    """
    level_db = levels_db(recording)
    quiet_db, loud_db = np.percentile(level_db, [10, 95])
    reach_db = loud_db - quiet_db
    if reach_db < LEAST_RANGE_DB:
        return np.zeros(level_db.size)
    place = (level_db - quiet_db) / reach_db
    slope = np.where(place < THRESHOLD, 5 / THRESHOLD, 5 / (1 - THRESHOLD))
    return np.clip((place - THRESHOLD) * slope, -5, 5)


def levels_db(recording: Recording) -> NDArray[np.float64]:
    """Return the level `(n_steps,)` in dB re full scale of a window of 20 ms around each step of 10 ms."""
    rate_hz = recording.rate_hz
    n_steps = max(1, round(recording.n_samples / rate_hz / STEP_S))
    power = np.concatenate([[0.0], np.cumsum(recording.samples.astype(np.float64) ** 2)])
    centres = (np.arange(n_steps) + 0.5) * STEP_S * rate_hz
    low, high = (
        np.clip(np.rint(centres + side * WINDOW_S * rate_hz / 2).astype(int), 0, recording.n_samples)
        for side in (-1, 1)
    )
    mean = (power[high] - power[low]) / np.maximum(1, high - low)
    return 10 * np.log10(np.maximum(mean, 10 ** (FLOOR_DB / 10)))
