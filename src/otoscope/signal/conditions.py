"""Listening conditions: one change to a recording, named by plain values so that it can be stored and sent.

A clean recording goes in; out comes what it would be in noise, in a room, over the telephone, or spoken faster. The
same condition, recording and seed give the same samples.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

from otoscope.core import BadInput, Recording
from otoscope.signal.filters import telephone
from otoscope.signal.noise import NOISES, add_noise
from otoscope.signal.resampling import resampled
from otoscope.signal.room import reverberant

Kind = Literal["clean", "noise", "reverb", "telephone", "speed"]
SLOWEST, FASTEST = 0.5, 2.0


@dataclass(frozen=True)
class Condition:
    """One change to a recording.

    Parameters
    ----------
    kind
        `clean` (none), `noise`, `reverb`, `telephone` (300 to 3400 Hz) or `speed`.
    value
        Of noise: signal-to-noise ratio in dB, the level of speech that of its active parts. Of reverb: RT60 in
        seconds. Of speed: the factor; pitch changes with it, as with a tape (Ko et al. 2015). Else `None`.
    noises
        Of noise: names of `otoscope.signal.noise.NOISES` or paths of audio files, one of which is drawn a recording.
    seed
        Which noise, from which place.
    """

    kind: Kind = "clean"
    value: float | None = None
    noises: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise BadInput(f"unknown condition {self.kind!r}; one of {', '.join(get_args(Kind))}")
        needed = self.kind in ("noise", "reverb", "speed")
        if needed != (self.value is not None):
            raise BadInput(f"condition {self.kind!r} {'needs a' if needed else 'takes no'} value, got {self.value}")
        if self.kind == "noise" and not self.noises:
            raise BadInput(f"condition 'noise' needs noises: audio files, or of {', '.join(NOISES)}")
        if self.kind == "speed" and not SLOWEST <= float(self.value or 0) <= FASTEST:
            raise BadInput(f"speed must be {SLOWEST} to {FASTEST}, got {self.value}")

    @property
    def label(self) -> str:
        """What it is, in a word or two.

        Examples
        --------
        >>> Condition("noise", 5, ("white",)).label, Condition("reverb", 0.6).label, Condition().label
        ('5 dB SNR', 'RT60 0.6 s', 'clean')
        """
        texts = {"noise": f"{self.value} dB SNR", "reverb": f"RT60 {self.value} s", "speed": f"speed × {self.value}"}
        return texts.get(self.kind, self.kind)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values; `Condition.of_json` reads them."""
        return {**asdict(self), "noises": list(self.noises)}

    @classmethod
    def of_json(cls, values: dict[str, Any]) -> Condition:
        """Make a condition from what `as_json` gave."""
        return cls(**{**values, "noises": tuple(values.get("noises", ()))})

    def apply(self, recording: Recording, name: str = "") -> Recording:
        """Return the recording in this condition; `name`, that of the utterance, goes into the seed of its noise.

        Raises
        ------
        BadInput
            The recording or the noise is digital silence.
        """
        if self.kind == "noise":
            return self._noisy(recording, name)
        if self.kind == "reverb":
            return reverberant(recording, rt60_s=float(self.value or 0))
        if self.kind == "telephone":
            return telephone(recording)
        if self.kind == "speed":
            return sped(recording, float(self.value or 0))
        return recording

    def _noisy(self, recording: Recording, name: str) -> Recording:
        rng = np.random.default_rng([self.seed, *name.encode()])
        chosen = self.noises[int(rng.integers(len(self.noises)))]
        noise = chosen if chosen in NOISES else Recording.read(os.fspath(chosen), rate_hz=recording.rate_hz)
        return add_noise(recording, noise, snr_db=float(self.value or 0), seed=int(rng.integers(2**31)))


def sped(recording: Recording, factor: float) -> Recording:
    """Return the recording played `factor` times as fast: shorter by that factor, higher by it too.

    Examples
    --------
    >>> tone = Recording(np.sin(np.arange(16000) / 5), 16000)
    >>> sped(tone, 1.25).n_samples
    12800
    """
    other_hz = round(recording.rate_hz / factor)
    faster = resampled(recording, other_hz).samples
    return Recording(faster, recording.rate_hz, recording.source)
