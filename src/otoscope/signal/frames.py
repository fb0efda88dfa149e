"""Cutting samples into overlapping frames and adding frames back together."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, FrameGrid

BLOCK_FRAMES = 256
"""Frames handled at a time: enough to keep the FFT busy, few enough to stay in cache."""


def samples_in(duration_s: float, rate_hz: int) -> int:
    """Return the whole samples in a duration, rounded down as Kaldi does.

    Examples
    --------
    >>> samples_in(0.025, 16000), samples_in(0.025, 11025)
    (400, 275)
    """
    n_samples = int(duration_s * rate_hz + 1e-6)
    if n_samples < 1:
        raise BadInput(f"{duration_s} s is shorter than one sample at {rate_hz} Hz")
    return n_samples


def analysis_grid(n_samples: int, rate_hz: int, *, window_s: float = 0.025, hop_s: float = 0.010) -> FrameGrid:
    """Return the grid of all whole windows that lie inside the recording (Kaldi's `snip_edges`)."""
    window, hop = samples_in(window_s, rate_hz), samples_in(hop_s, rate_hz)
    return FrameGrid.over(n_samples, rate_hz, hop=hop, window=window)


def power_of_two(n: int) -> int:
    """Return the smallest power of two that is at least `n`.

    Examples
    --------
    >>> power_of_two(400), power_of_two(512)
    (512, 512)
    """
    return 1 << (n - 1).bit_length()


@lru_cache(maxsize=32)
def hann(n: int) -> NDArray[np.float32]:
    """Return the periodic Hann window of `n` samples: shifted by n/2 or n/4 its copies add to a constant."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)).astype(np.float32)
    window.flags.writeable = False
    return window


@lru_cache(maxsize=32)
def povey(n: int) -> NDArray[np.float32]:
    """Return Kaldi's default window: a symmetric Hann window to the power of 0.85, zero at both ends."""
    window = ((0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / max(n - 1, 1))) ** 0.85).astype(np.float32)
    window.flags.writeable = False
    return window


def frame_view(samples: NDArray[np.float32], grid: FrameGrid) -> NDArray[np.float32]:
    """Return `(n_frames, window)` frames as a view; samples before the first and after the last count as zero.

    Nothing is copied unless the grid reaches outside the samples.
    """
    if grid.n_frames == 0:
        return np.zeros((0, grid.window), np.float32)
    last = grid.start + (grid.n_frames - 1) * grid.hop + grid.window
    before, after = max(0, -grid.start), max(0, last - samples.size)
    if before or after:
        samples = np.concatenate([np.zeros(before, np.float32), samples, np.zeros(after, np.float32)])
    first = grid.start + before
    windows = np.lib.stride_tricks.sliding_window_view(samples[first:], grid.window)
    return windows[:: grid.hop][: grid.n_frames]


def blocks(n_frames: int) -> Iterator[slice]:
    """Yield slices of at most `BLOCK_FRAMES` frames that cover `n_frames`."""
    for first in range(0, n_frames, BLOCK_FRAMES):
        yield slice(first, min(first + BLOCK_FRAMES, n_frames))


def overlap_add(frames: NDArray[np.float32], hop: int) -> NDArray[np.float32]:
    """Add `(n_frames, window)` frames `hop` apart; returns `((n_frames - 1) * hop + window,)` samples.

    Frames are cut into pieces of one hop, so that each piece is one vectorised addition.
    """
    n_frames, window = frames.shape
    n_pieces = -(-window // hop)
    total = np.zeros((n_frames + n_pieces - 1, hop), np.float32)
    for piece in range(n_pieces):
        part = frames[:, piece * hop : (piece + 1) * hop]
        total[piece : piece + n_frames, : part.shape[1]] += part
    return total.reshape(-1)[: (n_frames - 1) * hop + window] if n_frames else np.zeros(0, np.float32)
