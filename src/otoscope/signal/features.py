"""From waveform to MFCC: the four classic front ends. A recording goes in, `Features` on an exact grid come out.

`otoscope.signal.inverse` goes the other way, `otoscope.signal.kaldi` computes the last two with Kaldi's own code.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Features, FrameGrid, Recording
from otoscope.signal.frames import BLOCK_FRAMES, analysis_grid, blocks, frame_view, hann, povey, power_of_two
from otoscope.signal.mel import dct_matrix, lifter_weights, mel_centres_hz, mel_filters
from otoscope.signal.stft import istft, stft

__all__ = ["FLOOR_DB", "POWER_FLOOR", "istft", "log_mel", "mfcc", "spectrogram", "stft", "waveform"]

PREEMPHASIS = np.float32(0.97)
POWER_FLOOR = np.float32(np.finfo(np.float32).eps)
"""Least mel power before the logarithm (Kaldi's): with samples in [-1, 1], about that of 16-bit rounding noise."""
FLOOR_DB = -120.0
"""Least level of a spectrogram, dB re a full-scale sine."""


def waveform(recording: Recording) -> Features:
    """Return the samples themselves, `(n_samples, 1)`, one frame a sample."""
    grid = FrameGrid(recording.rate_hz, 0, 1, 1, recording.n_samples)
    return Features(recording.samples[:, None], grid, "waveform", "full scale")


def spectrogram(
    recording: Recording, *, n_bins: int | None = None, window_s: float = 0.025, hop_s: float = 0.010
) -> Features:
    """Return levels over time and frequency, `(n_frames, n_bins)`: dB re a full-scale sine, at least `FLOOR_DB`.

    Bins run from 0 Hz up to, not including, half the rate. Hann window; no pre-emphasis.

    Parameters
    ----------
    n_bins
        Half the DFT length. `None` is 256, or more where the window at this rate is longer than 512 samples.

    Raises
    ------
    BadInput
        `2 * n_bins` is less than the window.

    Examples
    --------
    A sine at half of full scale reads -6 dB in its own bin, 1000 Hz:

    >>> rec = Recording(0.5 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000), 16000)
    >>> sound = spectrogram(rec)
    >>> best = int(sound.values[50].argmax())
    >>> sound.values.shape, float(sound.coefficients[best]), round(float(sound.values[50, best]))
    ((98, 256), 1000.0, -6)
    """
    rate_hz = recording.rate_hz
    grid = analysis_grid(recording.n_samples, rate_hz, window_s=window_s, hop_s=hop_s)
    n_bins = n_bins if n_bins is not None else max(256, power_of_two(grid.window) // 2)
    if 2 * n_bins < grid.window:
        raise BadInput(f"{n_bins} bins are too few for a window of {grid.window} samples: at least {grid.window // 2}")
    window = hann(grid.window)
    floor = np.float32(10 ** (FLOOR_DB / 10))
    values = np.empty((grid.n_frames, n_bins), np.float32)
    for block, frames in _windowed(frame_view(recording.samples, grid), window, 2 * n_bins):
        level = _power(frames) * (2 / window.sum()) ** 2
        values[block] = 10 * np.log10(np.maximum(level, floor, out=level))
    frequencies = np.arange(n_bins, dtype=np.float64) * (rate_hz / (2 * n_bins))
    return Features(values, grid, "spectrogram", "dB re full-scale sine", frequencies, "Hz")


def log_mel(
    recording: Recording,
    *,
    n_mels: int = 80,
    window_s: float = 0.025,
    hop_s: float = 0.010,
    low_hz: float = 20.0,
    high_hz: float | None = None,
) -> Features:
    """Return the log-mel filterbank, `(n_frames, n_mels)`: natural log of power in mel bands.

    The numbers are Kaldi's (`compute-fbank-feats --dither=0`) for samples in [-1, 1]: mean removed from each frame,
    pre-emphasis 0.97, Povey window, DFT of the next power of two, power, triangular filters, floor at float32
    epsilon. Kaldi's own scale of 16-bit integers is 2 ln 32768 = 20.8 higher; see `otoscope.signal.kaldi`.

    Parameters
    ----------
    n_mels
        Number of filters.
    window_s, hop_s
        Length of a frame and distance of two.
    low_hz, high_hz
        Edges of the lowest and highest filter; `None` is half the rate.

    Examples
    --------
    >>> log_mel(Recording(np.zeros(16000), 16000)).values.shape
    (98, 80)
    """
    rate_hz = recording.rate_hz
    grid = analysis_grid(recording.n_samples, rate_hz, window_s=window_s, hop_s=hop_s)
    top_hz = rate_hz / 2 if high_hz is None else high_hz
    n_fft = power_of_two(grid.window)
    filters = mel_filters(n_mels, n_fft, rate_hz, low_hz, top_hz)
    window = povey(grid.window)
    values = np.empty((grid.n_frames, n_mels), np.float32)
    offsets = (1 - PREEMPHASIS) * _frame_means(recording.samples, grid)
    for block, frames in _windowed(frame_view(_preemphasised(recording.samples), grid), window, n_fft, offsets):
        np.matmul(_power(frames), filters, out=values[block])
    np.log(np.maximum(values, POWER_FLOOR, out=values), out=values)
    return Features(values, grid, "log_mel", "ln power", mel_centres_hz(n_mels, low_hz, top_hz), "Hz")


def mfcc(
    recording: Recording,
    *,
    n_coeffs: int = 40,
    n_mels: int = 80,
    window_s: float = 0.025,
    hop_s: float = 0.010,
    lifter: float = 0.0,
) -> Features:
    """Return mel-frequency cepstral coefficients, `(n_frames, n_coeffs)`: the DCT of `log_mel`.

    Davis & Mermelstein (1980), eq. 1, with an orthonormal DCT-II, so that `n_coeffs = n_mels` loses nothing. The
    numbers are Kaldi's with `--use-energy=false --cepstral-lifter=<lifter>` (0: none, the default here).
    """
    bands = log_mel(recording, n_mels=n_mels, window_s=window_s, hop_s=hop_s)
    values = bands.values @ dct_matrix(n_mels, n_coeffs) * lifter_weights(n_coeffs, lifter)
    return Features(values, bands.grid, "mfcc", "ln power", np.arange(n_coeffs, dtype=np.float64), "cepstral index")


def _preemphasised(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return x[n] - 0.97 x[n-1] over the whole recording.

    Kaldi does this inside each frame; only the first sample of a frame differs, and there the Povey window is zero.
    """
    emphasised = samples.copy()
    emphasised[1:] -= PREEMPHASIS * samples[:-1]
    return emphasised


def _frame_means(samples: NDArray[np.float32], grid: FrameGrid) -> NDArray[np.float32]:
    """Return the mean of each frame, `(n_frames,)`, from one running sum."""
    running = np.concatenate([[0.0], np.cumsum(samples, dtype=np.float64)])
    first = grid.start + grid.hop * np.arange(grid.n_frames)
    return ((running[first + grid.window] - running[first]) / grid.window).astype(np.float32)


def _windowed(
    frames: NDArray[np.float32], window: NDArray[np.float32], n_fft: int, offsets: NDArray[np.float32] | None = None
) -> Iterator[tuple[slice, NDArray[np.complex64]]]:
    """Yield, block by block, the DFT `(n_block, n_fft // 2 + 1)` of windowed frames less their offsets."""
    from scipy import fft

    buffer = np.zeros((BLOCK_FRAMES, n_fft), np.float32)
    for block in blocks(frames.shape[0]):
        padded = buffer[: block.stop - block.start]
        part = padded[:, : window.size]
        if offsets is None:
            np.multiply(frames[block], window, out=part)
        else:
            np.subtract(frames[block], offsets[block, None], out=part)
            part *= window
        yield block, fft.rfft(padded, axis=1)


def _power(spectra: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Return |X|² without the Nyquist bin."""
    power = np.square(spectra.real[:, :-1])
    power += np.square(spectra.imag[:, :-1])
    return power
