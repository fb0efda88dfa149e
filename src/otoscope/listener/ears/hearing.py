"""What the ear makes of sound: gammatone power, brought to a level, freed of steady noise, compressed; causal.

After power-normalised cepstral coefficients (Kim & Stern 2016, "Power-normalized cepstral coefficients (PNCC) for
robust speech recognition", IEEE/ACM TASLP 24(7)): gammatone weighting, asymmetric noise floor (eq. 6), power law. Two
things differ: every average runs over the past only, so that a listener can follow speech while it is spoken, and each
channel is given twice, as it is and with the noise taken away, because in clean speech the second loses something.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from otoscope.core import FrameGrid

Floats = NDArray[np.float32]

RATE_HZ, HOP, WINDOW, N_FFT = 16000, 160, 400, 512
PAD = (WINDOW - HOP) // 2
"""Samples of the window before and behind the 10 ms that a frame stands for."""
N_CHANNELS, LOW_HZ, HIGH_HZ = 40, 100.0, 7000.0
N_FEATURES = 2 * N_CHANNELS

PREEMPHASIS = np.float32(0.97)
LEAST_POWER = np.float32(1e-11)
"""Added to every channel: the power of digital silence, somewhat below 16-bit rounding."""
LEAST_LEVEL = np.float32(1e-8)
RISE, FALL = np.float32(np.exp(-0.01 / 0.05)), np.float32(np.exp(-0.01 / 1.5))
"""The level follows louder sound within 50 ms and forgets it in 1.5 s."""
FLOOR_RISE, FLOOR_FALL = np.float32(0.995), np.float32(0.5)
"""The noise floor rises slowly and falls at once (λ_a and λ_b of Kim & Stern 2016, eq. 6)."""
MEDIUM = 5
"""Frames of the medium-time average that the noise floor is measured in."""
LEAST_LEFT = np.float32(0.02)
"""Share of a channel's power that is left however noisy it is."""
EXPONENT = np.float32(0.1)


def equivalent_width_hz(frequency_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the equivalent rectangular bandwidth at a frequency (Glasberg & Moore 1990, eq. 3)."""
    return 24.7 * (4.37e-3 * frequency_hz + 1.0)


def centres_hz() -> NDArray[np.float64]:
    """Return the centre frequency of each channel, evenly spaced on the ERB-rate scale, `(n_channels,)`."""
    ends = np.log1p(4.37e-3 * np.array([LOW_HZ, HIGH_HZ]))
    return np.expm1(np.linspace(ends[0], ends[1], N_CHANNELS)) / 4.37e-3


@lru_cache(maxsize=1)
def channel_weights() -> Floats:
    """Return what each bin of a power spectrum counts in each channel, `(n_bins, n_channels)`; columns sum to 1.

    The squared response of a gammatone filter of order four about its centre, (1 + ((f - f_c) / b)²)^-4 with
    b = 1.019 ERB(f_c) (Patterson et al. 1992).
    """
    bins = np.arange(N_FFT // 2 + 1)[:, None] * (RATE_HZ / N_FFT)
    centres = centres_hz()
    weights = (1.0 + ((bins - centres) / (1.019 * equivalent_width_hz(centres))) ** 2) ** -4
    weights = (weights / weights.sum(axis=0)).astype(np.float32)
    weights.flags.writeable = False
    return weights


def grid_of(n_samples: int) -> FrameGrid:
    """Return where the frames of a recording at 16 kHz lie: frame i stands for samples 160 i to 160 (i + 1)."""
    return FrameGrid(RATE_HZ, -PAD, HOP, WINDOW, n_samples // HOP)


@dataclass(eq=False)
class Hearing:
    """The ear at work: samples at 16 kHz go in, chunk by chunk, features come out as soon as they are certain.

    However the samples are cut into chunks, the same features come out.

    Examples
    --------
    >>> hearing = Hearing()
    >>> hearing.feed(np.zeros(16000, np.float32)).shape, hearing.finish().shape
    ((99, 80), (1, 80))
    """

    waiting: Floats = field(default_factory=lambda: np.zeros(PAD + 1, np.float32))
    level: Floats = field(default_factory=lambda: np.full(1, LEAST_LEVEL, np.float32))
    floor: Floats = field(default_factory=lambda: np.full(N_CHANNELS, -1.0, np.float32))
    recent: Floats = field(default_factory=lambda: np.zeros((MEDIUM, N_CHANNELS), np.float32))
    n_heard: int = 0
    n_given: int = 0

    def feed(self, samples: Floats) -> Floats:
        """Return the features `(n_new, n_features)` that these further samples complete."""
        self.n_heard += samples.size
        return self._features(np.asarray(samples, np.float32))

    def finish(self) -> Floats:
        """Return the features of what is left at the end; silence is taken to follow."""
        n_left = self.n_heard // HOP - self.n_given
        found = self._features(np.zeros(PAD + HOP, np.float32))
        return found[:n_left]

    def _features(self, samples: Floats) -> Floats:
        # One sample more than a window needs is kept in front, for the pre-emphasis.
        whole = np.concatenate([self.waiting, samples])
        n_frames = max(0, 1 + (whole.size - 1 - WINDOW) // HOP)
        self.waiting = whole[n_frames * HOP :].copy()
        self.n_given += n_frames
        if not n_frames:
            return np.empty((0, N_FEATURES), np.float32)
        power = _power(whole[: 1 + WINDOW + (n_frames - 1) * HOP])
        compressed = np.empty((n_frames, N_FEATURES), np.float32)
        _adapt(power, self.level, self.floor, self.recent, compressed)
        return np.power(compressed, EXPONENT, out=compressed)


def _power(samples: Floats) -> Floats:
    """Return the power in each channel, `(n_frames, n_channels)`, of samples with one more in front."""
    from scipy import fft

    emphasised = samples[1:] - PREEMPHASIS * samples[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(emphasised, WINDOW)[::HOP]
    window = _window()
    power = np.empty((len(frames), N_CHANNELS), np.float32)
    for start in range(0, len(frames), 512):
        spectra = fft.rfft(frames[start : start + 512] * window, n=N_FFT, axis=1)
        power[start : start + 512] = (spectra.real**2 + spectra.imag**2) @ channel_weights()
    return power + LEAST_POWER


@lru_cache(maxsize=1)
def _window() -> Floats:
    """Return a Hann window of unit energy."""
    window = np.hanning(WINDOW + 1)[:-1]
    return np.asarray(window / np.sqrt(np.square(window).sum()), np.float32)


@njit(cache=True)
def _adapt(power, level, floor, recent, out):  # type: ignore[no-untyped-def]  # numba compiles it
    """Fill `out` `(n_frames, 2 n_channels)` with power over the level, and the same less the noise floor."""
    n_frames, n_channels = power.shape
    for t in range(n_frames):
        mean = np.float32(0.0)
        for c in range(n_channels):
            mean += power[t, c]
        mean /= np.float32(n_channels)
        keep = RISE if mean > level[0] else FALL
        level[0] = max(LEAST_LEVEL, keep * level[0] + (np.float32(1.0) - keep) * mean)
        for c in range(n_channels):
            if floor[c] < 0:
                recent[:, c] = power[t, c]
                floor[c] = power[t, c]
            medium = power[t, c]
            for k in range(MEDIUM - 1):
                recent[k, c] = recent[k + 1, c]
                medium += recent[k, c]
            recent[MEDIUM - 1, c] = power[t, c]
            medium /= np.float32(MEDIUM)
            keep = FLOOR_RISE if medium > floor[c] else FLOOR_FALL
            floor[c] = keep * floor[c] + (np.float32(1.0) - keep) * medium
            out[t, c] = power[t, c] / level[0]
            out[t, n_channels + c] = max(power[t, c] - floor[c], LEAST_LEFT * power[t, c]) / level[0]
