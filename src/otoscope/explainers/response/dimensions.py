"""Dimensions along which sound is changed: noise, band, time, voice, room, loudness and how much of a word is heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, Recording, Segment, UnknownName
from otoscope.signal.babble import babble, own_babble
from otoscope.signal.filters import high_pass, low_pass
from otoscope.signal.levels import gain
from otoscope.signal.masking import Masker
from otoscope.signal.noise import add_noise
from otoscope.signal.room import reverberant
from otoscope.signal.tempo import stretched
from otoscope.signal.voice_changes import formants_scaled, pitch_shifted

Noise = str | Recording | Sequence[Recording]
BACKGROUND_DB = 40.0
"""Trials of a change that draws nothing at random differ by faint speech-shaped noise, so far below the speech."""


@dataclass(frozen=True)
class Dimension:
    """One way of changing sound.

    Parameters
    ----------
    name, label, unit
        In the registry, in words, and of its levels.
    levels
        Tried by default.
    change
        Recording, level and seed to the changed recording; `None` for what needs more to be known (noise, gate).
    reference
        The level that changes nothing; `None` where it lies beyond all levels.
    rising
        Where there is no reference among the levels: whether more of it makes words easier to hear.
    logarithmic
        Whether equal ratios of levels count as equal steps.
    tempo
        Whether the level is a tempo, so that times shrink by it.
    """

    name: str
    label: str
    unit: str
    levels: tuple[float, ...]
    change: Callable[[Recording, float, int], Recording] | None = None
    reference: float | None = None
    rising: bool = True
    logarithmic: bool = False
    tempo: bool = False

    def scaled(self, levels: ArrayLike) -> NDArray[np.float64]:
        """Return levels on the axis on which steps are even: octaves where it is logarithmic."""
        values = np.asarray(levels, dtype=np.float64)
        if not self.logarithmic:
            return values
        if (values <= 0).any():
            raise BadInput(f"levels of {self.name} must lie above 0, got {values.min():g}")
        octaves: NDArray[np.float64] = np.log2(values)
        return octaves

    def unscaled(self, value: float) -> float:
        """Return the level at a place on that axis."""
        return float(2**value) if self.logarithmic else float(value)

    @property
    def x_label(self) -> str:
        """Name and unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


_SNRS = (-15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 15.0, 20.0, 30.0)


def _snr(kind: str) -> Dimension:
    words = {"speech": "speech-shaped noise", "babble": "babble"}.get(kind, f"{kind} noise")
    name = "snr" if kind == "speech" else f"snr-{kind}"
    return Dimension(name, f"signal-to-noise ratio, {words}", "dB", _SNRS)


_ALL = (
    *(_snr(kind) for kind in ("speech", "white", "pink", "babble")),
    Dimension("low-pass", "low-pass edge", "Hz", (250, 400, 600, 900, 1300, 1900, 2800, 4000, 6000),
              lambda r, level, seed: low_pass(r, level), logarithmic=True),
    Dimension("high-pass", "high-pass edge", "Hz", (150, 250, 400, 600, 900, 1300, 1900, 2800, 4000),
              lambda r, level, seed: high_pass(r, level), rising=False, logarithmic=True),
    Dimension("tempo", "tempo", "×", (0.33, 0.45, 0.6, 0.8, 1.0, 1.25, 1.6, 2.1, 2.8, 3.7),
              lambda r, level, seed: stretched(r, level), reference=1.0, logarithmic=True, tempo=True),
    Dimension("pitch", "pitch shift", "semitones", (-15, -12, -9, -6, -3, 0, 3, 6, 9, 12, 15),
              lambda r, level, seed: pitch_shifted(r, level), reference=0.0),
    Dimension("formants", "formant scale", "×", (0.5, 0.6, 0.71, 0.84, 1.0, 1.19, 1.41, 1.68, 2.0),
              lambda r, level, seed: formants_scaled(r, level), reference=1.0, logarithmic=True),
    Dimension("reverb", "reverberation time", "s", (0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8),
              lambda r, level, seed: reverberant(r, rt60_s=level), rising=False, logarithmic=True),
    Dimension("level", "gain", "dB", (-70, -60, -50, -40, -30, -20, -10, 0, 10, 20, 30),
              lambda r, level, seed: gain(r, level), reference=0.0),
    Dimension("gate", "sound heard since the word began", "s",
              (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65, 0.8)),
)  # fmt: skip

DIMENSIONS: Mapping[str, Dimension] = MappingProxyType({each.name: each for each in _ALL})
"""By name. `snr` is speech-shaped noise; `gate` keeps the sound up to so long after a word begins (Grosjean 1980)."""


def dimension(name: str) -> Dimension:
    """Return the dimension of a name, or raise `UnknownName`."""
    if name not in DIMENSIONS:
        raise UnknownName("dimension", name, DIMENSIONS)
    return DIMENSIONS[name]


def changed(
    recording: Recording,
    along: Dimension,
    level: float,
    *,
    seed: int = 0,
    noise: Noise | None = None,
    start_s: float = 0.0,
) -> Recording:
    """Return the recording changed to a level.

    Parameters
    ----------
    recording, along, level
        What is changed, how, and how far.
    seed
        Of the noise: the dimension's own, or where it has none the faint background that makes trials differ; a
        negative seed leaves that background out.
    noise
        For a dimension of noise: another noise in place of its own: `white`, `pink`, `speech`, `babble`, a recording
        of noise, or several of speech, of which babble is made.
    start_s
        Where the word begins (for `gate`).

    Raises
    ------
    BadInput
        The level is out of the range of the change.
    """
    if along.name.startswith("snr"):
        kind = (along.name.partition("-")[2] or "speech") if noise is None else noise
        return add_noise(recording, noise_of(recording, kind, seed=abs(seed)), snr_db=level, seed=abs(seed))
    if seed >= 0:
        recording = add_noise(recording, "speech", snr_db=BACKGROUND_DB, seed=seed)
    if along.change is not None:
        return along.change(recording, level, seed)
    return gated(recording, start_s + level)


def gated(recording: Recording, end_s: float) -> Recording:
    """Return the recording with silence from `end_s` on, exactly as long."""
    if end_s >= recording.duration_s:
        return recording
    return Masker(recording, [Segment(max(0.0, end_s), recording.duration_s)])([False])


def noise_of(recording: Recording, noise: Noise, *, seed: int) -> str | Recording:
    """Return noise as `otoscope.signal.noise.add_noise` takes it; `babble` without voices is made of the recording."""
    if isinstance(noise, Recording):
        return noise
    if isinstance(noise, str):
        return own_babble(recording, seed=seed) if noise == "babble" else noise
    return babble(noise, recording.n_samples, seed=seed)
