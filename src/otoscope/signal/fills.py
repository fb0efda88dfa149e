"""What stands where sound was taken away: silence, noise of the recording's mean spectrum, or of its quietest frames.

Each fill is one waveform as long as the recording, from which a masker takes the stretches it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Recording, UnknownName
from otoscope.signal.frames import hann
from otoscope.signal.stft import stft

QUIET_SHARE = 0.1
"""Share of the frames, quietest first, that the fill `noise` takes as the recording's background."""


def shaped_noise(power: NDArray[np.float64], n_samples: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return stationary Gaussian noise of a given power spectrum, `(n_samples,)`.

    Parameters
    ----------
    power
        `(n_bins,)` power density at evenly spaced frequencies from 0 to half the rate, in squared full scale a sample:
        ones give white noise of RMS 1.
    """
    from scipy import fft

    n_fft = fft.next_fast_len(max(n_samples, 2), real=True)
    spectrum = fft.rfft(rng.standard_normal(n_fft, dtype=np.float32))
    places = np.linspace(0.0, power.size - 1.0, spectrum.size)
    gain = np.interp(places, np.arange(power.size), np.sqrt(power)).astype(np.float32)
    return fft.irfft(spectrum * gain, n=n_fft)[:n_samples]


def silence(recording: Recording, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return digital zeros. Some recognisers take these for a broken line rather than for a pause."""
    return np.zeros(recording.n_samples, np.float32)


def mean_spectrum_noise(recording: Recording, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return noise of the recording's mean magnitude spectrum with random phases."""
    magnitudes = _density_roots(recording)
    return shaped_noise(magnitudes.mean(axis=0) ** 2, recording.n_samples, rng)


def background_noise(recording: Recording, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return noise of the mean power spectrum of the quietest tenth of the frames, digital zeros left aside."""
    power = _density_roots(recording) ** 2
    level = power.sum(axis=1)
    heard = power[level > 0]
    if heard.shape[0] == 0:
        return silence(recording, rng)
    n_quiet = max(1, round(QUIET_SHARE * heard.shape[0]))
    quiet = np.argpartition(heard.sum(axis=1), n_quiet - 1)[:n_quiet]
    return shaped_noise(heard[quiet].mean(axis=0), recording.n_samples, rng)


FILLS: Mapping[str, Callable[[Recording, np.random.Generator], NDArray[np.float32]]] = {
    "silence": silence,
    "mean": mean_spectrum_noise,
    "noise": background_noise,
}


def fill_samples(recording: Recording, fill: str, *, seed: int = 0) -> NDArray[np.float32]:
    """Return the `(n_samples,)` waveform of a fill; the same seed gives the same samples.

    Raises
    ------
    UnknownName
        `fill` is none of `FILLS`.
    """
    if fill not in FILLS:
        raise UnknownName("fill", fill, FILLS)
    return FILLS[fill](recording, np.random.default_rng(seed)).astype(np.float32, copy=False)


def _density_roots(recording: Recording) -> NDArray[np.float64]:
    """Return the square root of the power density in each frame, `(n_frames, n_bins)`; only frames inside count."""
    spectrum = stft(recording)
    inside = spectrum.values[2:-2] if spectrum.grid.n_frames > 6 else spectrum.values
    return np.abs(inside).astype(np.float64) / np.sqrt((hann(spectrum.grid.window).astype(np.float64) ** 2).sum())
