"""Panels of the sound itself: waveform envelope, spectrogram image and tiers, all in seconds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Alignment, Panel, Recording, Tier

N_ENVELOPE = 4000
N_BANDS = 128
N_COLUMNS = 6000
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


def mel(hz: Any) -> Any:
    """Return frequency on the mel scale, 2595 log10(1 + f / 700) (O'Shaughnessy 1987)."""
    return 2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0)


def spectrogram_panel(recording: Recording) -> Panel:
    """Return a spectrogram as 8-bit levels on a mel axis, `(n_frames, n_bands)`, 0 at `low_db` and 255 at `high_db`.

    Levels are dB below the loudest point, over `RANGE_DB`; at most `N_COLUMNS` frames (a longer recording keeps the
    loudest of neighbouring ones).
    """
    decibels, start_s, hop_s, frequencies = _decibels(recording)
    centres = np.linspace(mel(frequencies[0]), mel(frequencies[-1]), N_BANDS)
    position = np.interp(centres, mel(frequencies), np.arange(frequencies.size))
    below = np.floor(position).astype(int).clip(max=frequencies.size - 2)
    part = (position - below).astype(np.float32)
    bands = decibels[:, below] * (1 - part) + decibels[:, below + 1] * part
    top = float(bands.max()) if bands.size else 0.0
    levels = ((bands - top + RANGE_DB) * (255 / RANGE_DB)).clip(0, 255).round().astype(np.uint8)
    data = {
        "levels": levels,
        "low_db": -RANGE_DB,
        "high_db": 0.0,
        "unit": "dB re loudest point",
        "start_s": start_s,
        "hop_s": hop_s,
        "low_hz": float(frequencies[0]),
        "high_hz": float(frequencies[-1]),
        "scale": "mel",
        "duration_s": recording.duration_s,
    }
    caption = "Energy over time (s) and frequency (Hz, mel scale); brighter is louder, in dB below the loudest point."
    return Panel("spectrogram", "Spectrogram", data, caption)


def _decibels(recording: Recording) -> tuple[NDArray[np.float32], float, float, NDArray[np.float64]]:
    window = max(16, round(0.025 * recording.rate_hz))
    n_wanted = max(1, round(recording.duration_s / 0.005))
    hop = max(1, round(0.005 * recording.rate_hz))
    pool = -(-n_wanted // N_COLUMNS)
    padded = np.pad(recording.samples, (window // 2, window))
    starts = np.arange(0, recording.n_samples, hop)
    taper = np.hanning(window).astype(np.float32)
    n_fft = 1 << (window - 1).bit_length()
    rows = []
    for block in np.array_split(starts, -(-starts.size // 2000)):
        frames = padded[block[:, None] + np.arange(window)] * taper
        power = np.abs(np.fft.rfft(frames, n_fft, axis=1)) ** 2
        rows.append(10 * np.log10(power.astype(np.float32) + 1e-10))
    decibels = np.concatenate(rows)
    if pool > 1:
        decibels = np.maximum.reduceat(decibels, np.arange(0, decibels.shape[0], pool))
    frequencies = np.fft.rfftfreq(n_fft, 1 / recording.rate_hz)
    hop_s = hop / recording.rate_hz
    return decibels, -hop_s / 2, hop_s * pool, frequencies


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
