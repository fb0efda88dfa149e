"""Noise at a given signal-to-noise ratio: white, pink, shaped like the speech itself, or another recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Recording, UnknownName
from otoscope.signal.fills import shaped_noise
from otoscope.signal.frames import hann
from otoscope.signal.levels import active_level_db, gain, rms_db
from otoscope.signal.resampling import resampled
from otoscope.signal.stft import stft

N_BINS = 257
PINK_LOW_HZ = 20.0


def white_density(recording: Recording) -> NDArray[np.float64]:
    """Return the same power at all frequencies."""
    return np.ones(N_BINS)


def pink_density(recording: Recording) -> NDArray[np.float64]:
    """Return power that falls as 1 / f (3 dB an octave) above 20 Hz, none at 0 Hz."""
    frequencies = np.linspace(0, recording.rate_hz / 2, 8 * N_BINS)
    density = 1.0 / np.maximum(frequencies, PINK_LOW_HZ)
    density[0] = 0.0
    return density


def speech_density(recording: Recording) -> NDArray[np.float64]:
    """Return the recording's own long-term average power spectrum."""
    spectrum = stft(recording)
    power = (np.abs(spectrum.values).astype(np.float64) ** 2).mean(axis=0)
    return power / (hann(spectrum.grid.window).astype(np.float64) ** 2).sum()


NOISES: Mapping[str, Callable[[Recording], NDArray[np.float64]]] = {
    "white": white_density,
    "pink": pink_density,
    "speech": speech_density,
}


def noise_like(recording: Recording, noise: str | Recording, *, seed: int = 0) -> Recording:
    """Return noise as long as the recording, at its rate, with an RMS that is not yet set.

    A recording given as noise is resampled, entered at a random place and looped.

    Raises
    ------
    UnknownName
        `noise` is no name of `NOISES`.
    """
    rng = np.random.default_rng(seed)
    if isinstance(noise, Recording):
        source = resampled(noise, recording.rate_hz).samples
        first = int(rng.integers(source.size))
        places = (first + np.arange(recording.n_samples)) % source.size
        return recording.with_samples(source[places])
    if noise not in NOISES:
        raise UnknownName("noise", noise, NOISES)
    return recording.with_samples(shaped_noise(NOISES[noise](recording), recording.n_samples, rng))


def add_noise(
    recording: Recording,
    noise: str | Recording,
    *,
    snr_db: float,
    seed: int = 0,
    level: Literal["active", "rms"] = "active",
) -> Recording:
    """Return the recording with noise at a signal-to-noise ratio; the speech itself keeps its level.

    Parameters
    ----------
    noise
        `white`, `pink`, `speech` (the recording's own long-term spectrum), or another recording.
    snr_db
        Level of the signal less the RMS level of the noise.
    seed
        Of the noise, or of the place at which a recording is entered.
    level
        Which level of the signal counts: `active`, that of the speech without its pauses (see
        `otoscope.signal.levels.active_level_db`), or `rms`, that of the whole recording.

    Raises
    ------
    BadInput
        Signal or noise is digital silence: no ratio can be had.
    UnknownName
        No such noise or level.

    Examples
    --------
    >>> tone = Recording(0.5 * np.sin(np.arange(16000) / 5), 16000)
    >>> noisy = add_noise(tone, "white", snr_db=10, seed=1)
    >>> round(rms_db(tone) - rms_db(tone.with_samples(noisy.samples - tone.samples)), 3)
    10.0
    """
    levels = {"active": active_level_db, "rms": rms_db}
    if level not in levels:
        raise UnknownName("level", level, levels)
    added = noise_like(recording, noise, seed=seed)
    signal_db, noise_db = levels[level](recording), rms_db(added)
    if not (np.isfinite(signal_db) and np.isfinite(noise_db)):
        raise BadInput(
            f"no signal-to-noise ratio can be had of {signal_db:g} dB of signal and {noise_db:g} dB of noise"
        )
    return recording.with_samples(recording.samples + gain(added, signal_db - snr_db - noise_db).samples)
