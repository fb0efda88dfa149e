"""Small changes that leave a sound the same word in the same voice: directions along the manifold of sounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from otoscope.core import Recording
from otoscope.signal.conditions import sped
from otoscope.signal.levels import gain

GAIN_DB = 0.5
TILT = 0.02
DELAY_S = 0.001
SPEED = 1.01


@dataclass(frozen=True)
class Modification:
    """A change of a recording; what was at time t is at `t / speed` then."""

    apply: Callable[[Recording], Recording]
    speed: float = 1.0


def brighter(recording: Recording) -> Recording:
    """Return the sound through a first difference, a little of it, at the same power: high frequencies gain."""
    samples = recording.samples.astype(np.float64)
    tilted = samples - TILT * np.concatenate([[0.0], samples[:-1]])
    after = np.linalg.norm(tilted)
    return recording.with_samples(tilted * (np.linalg.norm(samples) / after if after > 0 else 1.0))


def later(recording: Recording) -> Recording:
    """Return the sound a thousandth of a second later, of the same length."""
    n = max(1, round(DELAY_S * recording.rate_hz))
    return recording.with_samples(np.concatenate([np.zeros(n, np.float32), recording.samples])[: recording.n_samples])


MODIFICATIONS: Mapping[str, Modification] = MappingProxyType(
    {
        "level": Modification(lambda recording: gain(recording, GAIN_DB)),
        "brightness": Modification(brighter),
        "delay": Modification(later),
        "speed and pitch": Modification(lambda recording: sped(recording, SPEED), speed=SPEED),
    }
)
"""What speakers and rooms do all the time, by name."""
