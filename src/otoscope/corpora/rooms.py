"""Random rooms: impulse responses drawn once, by the image method, to reverberate many recordings quickly."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.core.arrays import frozen_array, set_frozen
from otoscope.signal.room import SPEED_OF_SOUND_M_S, room_response

Samples = NDArray[np.float32]

SMALLEST_ROOM_M, LARGEST_ROOM_M = (2.5, 2.5, 2.3), (8.0, 7.0, 3.5)
FROM_WALL_M = 0.3
DISTANCE_M = (0.3, 3.0)
"""Least and most distance of talker and microphone."""


@dataclass(frozen=True, eq=False)
class RoomBank:
    """Impulse responses of one rate, in which the direct sound is 1 and known by its place.

    Parameters
    ----------
    responses
        Each `(n_samples,)` float32.
    delays
        Index of the direct sound in each.
    rate_hz
        Samples per second.
    rt60_s
        Time in which each response falls by 60 dB.
    """

    responses: tuple[Samples, ...] = field(repr=False)
    delays: tuple[int, ...] = field(repr=False)
    rate_hz: int = 16000
    rt60_s: tuple[float, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        made = tuple(frozen_array(r, n_dims=1, name="a response", dtype=np.float32) for r in self.responses)
        set_frozen(self, responses=made, delays=tuple(self.delays), rt60_s=tuple(self.rt60_s))
        if not made or len(made) != len(self.delays):
            raise BadInput(f"a room bank needs a delay for each response, got {len(made)} and {len(self.delays)}")

    def __len__(self) -> int:
        return len(self.responses)

    def describe(self) -> dict[str, Any]:
        """Return what a model card says of the bank: JSON values."""
        times = {"rt60_s": [min(self.rt60_s), max(self.rt60_s)]} if self.rt60_s else {}
        digest = hashlib.sha256(b"".join(response.tobytes() for response in self.responses)).hexdigest()
        return {"n_rooms": len(self), "rate_hz": self.rate_hz, **times, "sha256": digest}

    def reverberant(self, samples: Samples, rng: np.random.Generator) -> Samples:
        """Return `(n_samples,)` as heard in one of the rooms: direct sound at its old place and level."""
        from scipy.signal import oaconvolve

        room = int(rng.integers(len(self.responses)))
        delay = self.delays[room]
        heard = oaconvolve(samples, self.responses[room])[delay : delay + samples.size]
        return np.pad(heard, (0, samples.size - heard.size)).astype(np.float32, copy=False)


def random_rooms(
    n_rooms: int = 60, *, seed: int = 0, rt60_s: Sequence[float] = (0.1, 0.6), rate_hz: int = 16000
) -> RoomBank:
    """Draw rooms from a bathroom to a small lecture room, talker and microphone somewhere in each.

    The same arguments give the same rooms. Sixty take some three seconds.

    Parameters
    ----------
    n_rooms
        How many.
    rt60_s
        Least and most reverberation time, drawn log-uniformly.

    Raises
    ------
    BadInput
        A reverberation time is out of reach; see `otoscope.signal.room.room_response`.
    """
    rng = np.random.default_rng(seed)
    responses, delays, times = [], [], []
    for _ in range(n_rooms):
        size = rng.uniform(SMALLEST_ROOM_M, LARGEST_ROOM_M)
        source, microphone = _places(size, rng)
        rt60 = float(np.exp(rng.uniform(*np.log(rt60_s))))
        response = room_response(
            rate_hz, rt60_s=rt60, room_m=size.tolist(), source_m=source.tolist(), microphone_m=microphone.tolist()
        )
        distance = float(np.linalg.norm(source - microphone))
        responses.append((response * (4 * np.pi * distance)).astype(np.float32))
        delays.append(round(distance / SPEED_OF_SOUND_M_S * rate_hz))
        times.append(rt60)
    return RoomBank(tuple(responses), tuple(delays), rate_hz, tuple(times))


def _places(size: NDArray[np.float64], rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw talker and microphone, at least 30 cm from a wall and 0.3 to 3 m from each other."""
    while True:
        source = rng.uniform(FROM_WALL_M, size - FROM_WALL_M)
        microphone = rng.uniform(FROM_WALL_M, size - FROM_WALL_M)
        if DISTANCE_M[0] <= np.linalg.norm(source - microphone) <= DISTANCE_M[1]:
            return source, microphone
