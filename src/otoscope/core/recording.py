"""A recording: samples in [-1, 1] and their rate."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.core.errors import BadAudio, BadInput
from otoscope.core.late import helper


@dataclass(frozen=True, eq=False)
class Recording(ByValue):
    """One channel of sound.

    Parameters
    ----------
    samples
        `(n_samples,)`, kept as read-only float32, nominally in [-1, 1].
    rate_hz
        Samples per second, a whole number.
    source
        Where it came from (a path, "synthetic", …), for provenance only.

    Raises
    ------
    BadAudio
        The samples are not finite numbers, or there is none.

    Examples
    --------
    >>> rec = Recording(np.zeros(8000), 16000)
    >>> rec.duration_s
    0.5
    """

    samples: NDArray[np.float32]
    rate_hz: int
    source: str | None = dataclasses.field(default=None, compare=False)

    def __post_init__(self) -> None:
        samples = frozen_array(self.samples, n_dims=1, name="samples", dtype=np.float32)
        if samples.size == 0:
            raise BadAudio(f"{self.source or 'the recording'} holds no samples")
        if not np.isfinite(samples).all():
            n_bad = int((~np.isfinite(samples)).sum())
            raise BadAudio(f"{self.source or 'the recording'} has {n_bad} samples that are NaN or infinite")
        if int(self.rate_hz) != self.rate_hz or self.rate_hz <= 0:
            raise BadInput(f"rate_hz must be a whole number above 0, got {self.rate_hz!r}")
        set_frozen(self, samples=samples, rate_hz=int(self.rate_hz))

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return int(self.samples.size)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.rate_hz

    @property
    def digest(self) -> str:
        """SHA-256 of rate and samples: the same sound has the same digest, whatever its file was called."""
        return hashlib.sha256(self.rate_hz.to_bytes(4, "little") + self.samples.tobytes()).hexdigest()

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, rate_hz: int | None = 16000) -> Recording:
        """Read an audio file as one channel; `rate_hz=None` keeps the file's own rate (see `otoscope.io.audio`)."""
        return helper("read_recording")(path, rate_hz=rate_hz)

    def cut(self, start_s: float, end_s: float) -> Recording:
        """Return the stretch from `start_s` to `end_s`, clipped to the recording."""
        first = max(0, round(start_s * self.rate_hz))
        last = min(self.n_samples, round(end_s * self.rate_hz))
        return dataclasses.replace(self, samples=self.samples[first:last])

    def with_samples(self, samples: Any) -> Recording:
        """Return a recording of the same rate and source with other samples."""
        return dataclasses.replace(self, samples=samples)

    def _repr_html_(self) -> str:
        return helper("html")(self)
