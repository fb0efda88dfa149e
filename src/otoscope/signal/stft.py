"""The short-time Fourier transform and its inverse: a recording in, complex values on a grid out, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, FrameGrid, Recording
from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.signal.frames import blocks, frame_view, hann, overlap_add, power_of_two, samples_in


@dataclass(frozen=True, eq=False)
class ShortTimeSpectrum(ByValue):
    """A recording as complex values over time and frequency; `istft` turns it back.

    Parameters
    ----------
    values
        `(n_frames, n_fft // 2 + 1)` complex64: the DFT of Hann-windowed frames, not scaled.
    grid
        Where the frames lie. It starts half a window before the recording and ends after it, so that every
        sample is seen.
    n_fft
        Length of the DFT.
    n_samples
        Length of the recording.
    """

    values: NDArray[np.complex64]
    grid: FrameGrid
    n_fft: int
    n_samples: int

    def __post_init__(self) -> None:
        values = frozen_array(self.values, n_dims=2, name="spectrum", dtype=np.complex64)
        if values.shape != (self.grid.n_frames, self.n_fft // 2 + 1):
            raise BadInput(f"a spectrum of {self.grid.n_frames} frames and n_fft {self.n_fft} has shape {values.shape}")
        set_frozen(self, values=values)

    def frequencies_hz(self) -> NDArray[np.float64]:
        """Centre of each bin, `(n_bins,)`."""
        return np.arange(self.n_fft // 2 + 1, dtype=np.float64) * (self.grid.rate_hz / self.n_fft)


def covering_grid(n_samples: int, rate_hz: int, *, window_s: float, hop_s: float) -> FrameGrid:
    """Return the grid whose first window centres on the first sample and whose last centres at or after the end.

    Raises
    ------
    BadInput
        The hop is longer than half a window: some samples would be lost.
    """
    window, hop = samples_in(window_s, rate_hz), samples_in(hop_s, rate_hz)
    if 2 * hop > window:
        raise BadInput(f"a hop of {hop_s} s cannot be inverted with a window of {window_s} s: at most half of it")
    return FrameGrid(rate_hz, -(window // 2), hop, window, -(-n_samples // hop) + 1)


def transform(samples: NDArray[np.float32], grid: FrameGrid, n_fft: int) -> NDArray[np.complex64]:
    """Return the DFT of Hann-windowed frames on any grid, `(n_frames, n_fft // 2 + 1)`."""
    from scipy import fft

    frames, window = frame_view(samples, grid), hann(grid.window)
    values = np.empty((grid.n_frames, n_fft // 2 + 1), np.complex64)
    for block in blocks(grid.n_frames):
        values[block] = fft.rfft(frames[block] * window, n=n_fft, axis=1)
    return values


def stft(recording: Recording, *, window_s: float = 0.025, hop_s: float = 0.010) -> ShortTimeSpectrum:
    """Return the short-time Fourier transform, Hann window, DFT length the next power of two.

    Examples
    --------
    >>> rec = Recording(np.sin(np.arange(4000) / 5), 16000)
    >>> spectrum = stft(rec)
    >>> spectrum.values.shape, bool(np.allclose(istft(spectrum).samples, rec.samples, atol=1e-6))
    ((26, 257), True)
    """
    grid = covering_grid(recording.n_samples, recording.rate_hz, window_s=window_s, hop_s=hop_s)
    n_fft = power_of_two(grid.window)
    return ShortTimeSpectrum(transform(recording.samples, grid, n_fft), grid, n_fft, recording.n_samples)


def inverse_transform(
    values: NDArray[np.complex64], grid: FrameGrid, n_fft: int, n_samples: int
) -> NDArray[np.float32]:
    """Return the samples whose transform is nearest to `values` in the least-squares sense, `(n_samples,)`.

    Weighted overlap-add (Griffin & Lim 1984, eq. 6). Samples no window sees come back as zero.
    """
    from scipy import fft

    window = hann(grid.window)
    frames = np.empty((grid.n_frames, grid.window), np.float32)
    for block in blocks(grid.n_frames):
        frames[block] = fft.irfft(values[block], n=n_fft, axis=1)[:, : grid.window] * window
    total = overlap_add(frames, grid.hop)
    weight = window_weight(grid)
    total = np.divide(total, weight, out=np.zeros_like(total), where=weight > 1e-6)
    return fit_to(total, grid.start, n_samples)


def window_weight(grid: FrameGrid) -> NDArray[np.float32]:
    """Return the sum of squared windows over each sample from the start of the first window to the end of the last."""
    return overlap_add(np.broadcast_to(hann(grid.window) ** 2, (grid.n_frames, grid.window)), grid.hop)


def fit_to(samples: NDArray[np.float32], start: int, n_samples: int) -> NDArray[np.float32]:
    """Return samples that begin at `start` cut and zero-filled to `[0, n_samples)`."""
    fitted = np.zeros(n_samples, np.float32)
    first, last = max(0, start), min(n_samples, start + samples.size)
    fitted[first:last] = samples[first - start : last - start]
    return fitted


def istft(spectrum: ShortTimeSpectrum) -> Recording:
    """Return the recording of a short-time spectrum: exactly the length, and to 1e-6 the samples, `stft` was given."""
    samples = inverse_transform(spectrum.values, spectrum.grid, spectrum.n_fft, spectrum.n_samples)
    return Recording(samples, spectrum.grid.rate_hz)


def griffin_lim(
    magnitudes: NDArray[np.float32], grid: FrameGrid, n_samples: int, *, n_iterations: int = 60, seed: int = 0
) -> NDArray[np.float32]:
    """Return `(n_samples,)` samples whose spectrogram approximates `(n_frames, n_bins)` magnitudes.

    The phase is found by the fast algorithm of Perraudin, Balazs & Søndergaard (2013) with momentum 0.99, from
    random phases: an approximation, never the original waveform. Best with a hop of at most a quarter window.
    """
    n_fft = 2 * (magnitudes.shape[1] - 1)
    phases = np.random.default_rng(seed).uniform(-np.pi, np.pi, magnitudes.shape)
    values = (magnitudes * np.exp(1j * phases)).astype(np.complex64)
    previous = np.zeros_like(values)
    for _ in range(n_iterations):
        rebuilt = transform(inverse_transform(values, grid, n_fft, n_samples), grid, n_fft)
        ahead = rebuilt + np.float32(0.99) * (rebuilt - previous)
        previous = rebuilt
        values = magnitudes * ahead / np.maximum(np.abs(ahead), np.float32(1e-12))
    return inverse_transform(values, grid, n_fft, n_samples)
