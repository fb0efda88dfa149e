"""Panels of the sound itself: waveform envelope, spectrogram image and tiers, all in seconds."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Alignment, FrameGrid, Panel, Recording, Tier
from otoscope.signal.frames import power_of_two
from otoscope.signal.mel import hz_to_mel, mel_to_hz
from otoscope.signal.stft import covering_grid, transform

N_ENVELOPE = 4000
N_BANDS = 128
N_COLUMNS = 6000
BLOCK_FRAMES = 1000
WINDOW_S = 0.025
HOP_S = 0.005
RANGE_DB = 70.0
ORIGINS = {
    "aligned": "found by the recogniser's own alignment",
    "attention": "read off attention weights",
    "interpolated": "interpolated, not measured",
    "annotated": "set by a person",
    "synthetic": "known from synthesis",
}


def waveform_panel(recording: Recording, *, n_columns: int = N_ENVELOPE) -> Panel:
    """Return the smallest and largest sample of each of at most `n_columns` equal stretches."""
    n = min(n_columns, recording.n_samples)
    edges = np.linspace(0, recording.n_samples, n + 1).astype(np.int64)[:-1]
    data = {
        "duration_s": recording.duration_s,
        "step_s": recording.duration_s / n,
        "minimum": np.minimum.reduceat(recording.samples, edges),
        "maximum": np.maximum.reduceat(recording.samples, edges),
    }
    return Panel("waveform", "Waveform", data, "Sound pressure as a fraction of full scale, over time in seconds.")


def spectrogram_panel(recording: Recording) -> Panel:
    """Return a spectrogram as 8-bit levels on a mel axis, `(n_frames, n_bands)`, 0 at `low_db` and 255 at `high_db`.

    Levels are dB below the loudest point, over `RANGE_DB`; at most `N_COLUMNS` frames (a longer recording keeps the
    loudest of neighbouring ones).
    """
    grid = covering_grid(recording.n_samples, recording.rate_hz, window_s=WINDOW_S, hop_s=HOP_S)
    pool = -(-grid.n_frames // N_COLUMNS)
    decibels = _mel_decibels(recording, grid, pool)
    levels = (decibels - decibels.max() + RANGE_DB) * (255 / RANGE_DB)
    data = {
        "levels": levels.clip(0, 255).round().astype(np.uint8),
        "low_db": -RANGE_DB,
        "high_db": 0.0,
        "unit": "dB re loudest point",
        "start_s": float(grid.edges_s()[0]),
        "hop_s": pool * grid.hop / grid.rate_hz,
        "low_hz": 0.0,
        "high_hz": recording.rate_hz / 2,
        "scale": "mel",
        "duration_s": recording.duration_s,
    }
    caption = "Energy over time (s) and frequency (Hz, mel scale); brighter is louder, in dB below the loudest point."
    return Panel("spectrogram", "Spectrogram", data, caption)


def _mel_decibels(recording: Recording, grid: FrameGrid, pool: int) -> NDArray[np.float32]:
    """Return dB on `N_BANDS` equal steps of mel, `(n_frames / pool, N_BANDS)`, block by block to bound the memory."""
    n_fft = power_of_two(grid.window)
    bins = np.arange(n_fft // 2 + 1)
    mels = np.linspace(0, float(hz_to_mel(recording.rate_hz / 2)), N_BANDS)
    position = (mel_to_hz(mels) * (n_fft / recording.rate_hz)).clip(0, bins[-1])
    below = np.floor(position).astype(np.int64).clip(max=bins[-1] - 1)
    part = (position - below).astype(np.float32)
    rows = []
    for first in range(0, grid.n_frames, BLOCK_FRAMES * pool):
        n_frames = min(BLOCK_FRAMES * pool, grid.n_frames - first)
        block = dataclasses.replace(grid, start=grid.start + first * grid.hop, n_frames=n_frames)
        power = np.abs(transform(recording.samples, block, n_fft)) ** 2
        decibels = 10 * np.log10(power + np.float32(1e-10))
        bands = decibels[:, below] * (1 - part) + decibels[:, below + 1] * part
        rows.append(np.maximum.reduceat(bands, np.arange(0, n_frames, pool), axis=0))
    return np.concatenate(rows).astype(np.float32)


def tiers_panel(alignment: Alignment, duration_s: float) -> Panel:
    """Return words and phones with origin, confidence and score."""
    tiers = [_tier(alignment.words, alignment.text_confidence, alignment.time_confidence)]
    if alignment.phones is not None:
        tiers.append(_tier(alignment.phones, None, None))
    origins = sorted({i.origin for tier in alignment.tiers for i in tier.intervals})
    said = "; ".join(f"{origin}: {ORIGINS[origin]}" for origin in origins)
    data = {"duration_s": duration_s, "tiers": tiers}
    return Panel(
        "tiers", "Words and phones", data, "Where each word and phone lies." + (f" Times {said}." if said else "")
    )


def _tier(tier: Tier, text: tuple[float, ...] | None, time: tuple[float, ...] | None) -> dict[str, Any]:
    rows = [
        {
            "start_s": interval.start_s,
            "end_s": interval.end_s,
            "label": interval.label,
            "origin": interval.origin,
            "score": interval.score,
            "confidence": text[i] if text is not None else None,
            "time_confidence": time[i] if time is not None else None,
        }
        for i, interval in enumerate(tier.intervals)
    ]
    return {"name": tier.name, "intervals": rows}
