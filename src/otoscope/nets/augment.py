"""Changes that leave the words as they are, so that a few speakers stand for many: for training only.

All take a `numpy.random.Generator` and float32 samples, and return new samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import lfilter

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Augmentation:
    """How strongly to change the training sound.

    Parameters
    ----------
    speed
        Largest factor of speed and pitch, either way (Ko et al. 2015): 1.2 draws from 1/1.2 … 1.2, log-uniformly.
    gain_db
        Lowest and highest gain.
    snr_db
        Lowest and highest signal-to-noise ratio of added noise, white to pink.
    tilt
        Largest coefficient of a first-order filter that tilts the spectrum up or down.
    n_bands, band_width
        Frequency masks and the largest width of each, in filters (SpecAugment, Park et al. 2019).
    n_gaps, gap_frames
        Time masks and the largest length of each, in frames.
    warp
        Largest factor by which the filter axis is stretched, either way: another vocal tract at the same pitch.
    channel
        Standard deviation of each of four cosines over the filter axis that are added, in nats: another microphone.
    """

    speed: float = 1.2
    gain_db: tuple[float, float] = (-20.0, 6.0)
    snr_db: tuple[float, float] = (5.0, 40.0)
    tilt: float = 0.6
    n_bands: int = 2
    band_width: int = 6
    n_gaps: int = 1
    gap_frames: int = 5
    warp: float = 1.1
    channel: float = 0.5


def change_speed(samples: Samples, rng: np.random.Generator, *, largest: float) -> Samples:
    """Play faster or slower: pitch, formants and tempo move together by one factor."""
    factor = float(np.exp(rng.uniform(-1, 1) * np.log(largest)))
    return soxr.resample(samples, factor, 1.0, quality="LQ").astype(np.float32)


def tilt_spectrum(samples: Samples, rng: np.random.Generator, *, largest: float) -> Samples:
    """Filter with 1 + a z⁻¹ or its inverse, a drawn from ±largest, keeping the energy."""
    a = float(rng.uniform(-largest, largest))
    up = rng.random() < 0.5
    tilted = lfilter([1.0, a] if up else [1.0], [1.0] if up else [1.0, a], samples)
    energy, after = float(np.square(samples).sum()), float(np.square(tilted).sum())
    return (tilted * np.sqrt(energy / after) if after > 0 else tilted).astype(np.float32)


def add_room_noise(samples: Samples, rng: np.random.Generator, *, snr_db: tuple[float, float]) -> Samples:
    """Add noise between white and pink at a ratio drawn from `snr_db`, measured over the whole stretch."""
    spectrum = np.fft.rfft(rng.standard_normal(samples.size))
    bins = np.arange(spectrum.size)
    noise = np.fft.irfft(spectrum / np.maximum(bins, 1) ** rng.uniform(0, 0.5), samples.size)
    power = float(np.mean(np.square(samples))) * 10 ** (-rng.uniform(*snr_db) / 10)
    return (samples + noise * np.sqrt(power / np.mean(np.square(noise)))).astype(np.float32)


def change_gain(samples: Samples, rng: np.random.Generator, *, gain_db: tuple[float, float]) -> Samples:
    """Make louder or softer, at most up to full scale."""
    gain = 10 ** (rng.uniform(*gain_db) / 20)
    peak = float(np.abs(samples).max(initial=0.0))
    return (samples * min(gain, 1 / peak if peak > 0 else gain)).astype(np.float32)


def change_voice(
    features: NDArray[np.float32], rng: np.random.Generator, *, largest: float, channel: float
) -> NDArray[np.float32]:
    """Stretch the filter axis of log-mel features `(n_frames, n_mels)`, and add a smooth curve over it to every frame.

    The stretch is vocal tract length perturbation (Jaitly & Hinton 2013) on the mel axis, by linear interpolation.
    """
    n_mels = features.shape[1]
    axis = np.arange(n_mels)
    at = np.clip(axis * np.exp(rng.uniform(-1, 1) * np.log(largest)), 0, n_mels - 1)
    low = np.minimum(at.astype(int), n_mels - 2)
    weight = (at - low).astype(np.float32)
    warped = features[:, low] * (1 - weight) + features[:, low + 1] * weight
    cosines = np.cos(np.pi * np.outer(np.arange(1, 5), axis / n_mels))
    return warped + (rng.normal(0, channel, 4) @ cosines).astype(np.float32)


def mask_features(
    features: NDArray[np.float32], rng: np.random.Generator, *, how: Augmentation, fill: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Put `fill` `(n_features,)` over random bands and stretches of `(n_frames, n_features)` (Park et al. 2019)."""
    masked = features.copy()
    n_frames, n_features = features.shape
    for _ in range(how.n_bands):
        width = int(rng.integers(0, min(how.band_width, n_features) + 1))
        first = int(rng.integers(0, n_features - width + 1))
        masked[:, first : first + width] = fill[first : first + width]
    for _ in range(how.n_gaps):
        length = int(rng.integers(0, min(how.gap_frames, n_frames // 4) + 1))
        first = int(rng.integers(0, n_frames - length + 1))
        masked[first : first + length] = fill
    return masked
