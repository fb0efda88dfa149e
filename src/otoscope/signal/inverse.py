"""Back from features towards sound: exactly where nothing was lost, as a stated approximation where something was.

Exact: the waveform, and the STFT (`otoscope.signal.stft.istft`). Lossy: the DCT of an MFCC keeps the coarse shape of
the spectrum only; mel bands do not say what lies inside a band; no power spectrum knows its phases.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Features, FrameGrid, Recording
from otoscope.signal.features import FLOOR_DB, PREEMPHASIS
from otoscope.signal.frames import hann, povey, power_of_two
from otoscope.signal.mel import dct_matrix, lifter_weights, mel_centres_hz, mel_filters
from otoscope.signal.stft import griffin_lim


def recording_of(features: Features, *, n_iterations: int = 60, seed: int = 0) -> Recording:
    """Return a recording of `waveform`, `spectrogram`, `log_mel` or `mfcc` features made with their defaults.

    A waveform comes back exactly. From the others comes sound with the same spectral envelope over time: intelligible,
    rough, and not the original; its phases are those Griffin & Lim's iteration finds from a seeded start. It is as long
    as the frames reach.

    Raises
    ------
    BadInput
        Features of another kind, or of no frame.
    """
    if features.kind == "waveform":
        return Recording(features.values[:, 0], features.grid.rate_hz)
    if features.grid.n_frames == 0:
        raise BadInput(f"{features.kind} of no frame holds no sound")
    if features.kind == "mfcc":
        features = log_mel_of(features)
    if features.kind == "log_mel":
        features = spectrogram_of(features)
    if features.kind != "spectrogram":
        raise BadInput(f"no sound can be made of {features.kind!r}; of waveform, spectrogram, log_mel and mfcc")
    grid = features.grid
    level = np.float32(hann(grid.window).sum() / 2)
    magnitudes = np.where(features.values > FLOOR_DB + 0.01, 10 ** (features.values / 20), 0) * level
    magnitudes = np.pad(magnitudes, ((0, 0), (0, 1))).astype(np.float32)
    n_samples = (grid.n_frames - 1) * grid.hop + grid.window
    samples = griffin_lim(magnitudes, grid, n_samples, n_iterations=n_iterations, seed=seed)
    return Recording(samples, grid.rate_hz)


def log_mel_of(features: Features, *, n_mels: int = 80, lifter: float = 0.0, low_hz: float = 20.0) -> Features:
    """Return the log-mel bands that an MFCC describes: smoothed, unless it kept all `n_mels` coefficients.

    `n_mels`, `lifter` and `low_hz` are those the MFCC was made with.
    """
    if features.kind != "mfcc":
        raise BadInput(f"log-mel bands are made of mfcc, got {features.kind}")
    n_coeffs = features.values.shape[1]
    values = (features.values / lifter_weights(n_coeffs, lifter)) @ dct_matrix(n_mels, n_coeffs).T
    centres = mel_centres_hz(n_mels, low_hz, features.grid.rate_hz / 2)
    return Features(values.astype(np.float32), features.grid, "log_mel", features.unit, centres, "Hz")


def spectrogram_of(features: Features, *, low_hz: float = 20.0) -> Features:
    """Return the spectrogram that log-mel bands describe, dB re a full-scale sine: as fine as the bands, no finer.

    The power in each bin is the least-squares solution (pseudo-inverse of the filters), cut off at zero; pre-emphasis
    and the window's power are taken out.
    """
    if features.kind != "log_mel":
        raise BadInput(f"a spectrogram is made of log_mel, got {features.kind}")
    grid, n_mels = features.grid, features.values.shape[1]
    n_fft = max(512, power_of_two(grid.window))
    filters = mel_filters(n_mels, n_fft, grid.rate_hz, low_hz, grid.rate_hz / 2)
    power = np.maximum(np.exp(features.values) @ np.linalg.pinv(filters), 0) / _front_end_power(grid, n_fft)
    frequencies = np.arange(n_fft // 2, dtype=np.float64) * (grid.rate_hz / n_fft)
    values = 10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10)))
    return Features(values.astype(np.float32), grid, "spectrogram", "dB re full-scale sine", frequencies, "Hz")


def _front_end_power(grid: FrameGrid, n_fft: int) -> NDArray[np.float64]:
    """Return the factor between the power of a Kaldi front end and that of a spectrogram, `(n_fft // 2,)`."""
    angles = 2 * np.pi * np.arange(n_fft // 2) / n_fft
    emphasis = np.abs(1 - float(PREEMPHASIS) * np.exp(-1j * angles)) ** 2
    windows = float(
        (povey(grid.window).astype(np.float64) ** 2).sum() / (hann(grid.window).astype(np.float64) ** 2).sum()
    )
    return emphasis * windows * float(hann(grid.window).sum() / 2) ** 2
