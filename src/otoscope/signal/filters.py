"""Keep or remove bands of frequencies. Zero phase: nothing is delayed, so times of words stay true."""

from __future__ import annotations

from typing import Literal

import numpy as np

from otoscope.core import BadInput, Recording

ORDER = 6
"""Order of the Butterworth filter that runs forwards and then backwards: 72 dB an octave in all, -6 dB at an edge."""
TELEPHONE_HZ = (300.0, 3400.0)


def low_pass(recording: Recording, edge_hz: float) -> Recording:
    """Return the recording without what lies above `edge_hz`."""
    return _filtered(recording, "lowpass", (edge_hz,))


def high_pass(recording: Recording, edge_hz: float) -> Recording:
    """Return the recording without what lies below `edge_hz`."""
    return _filtered(recording, "highpass", (edge_hz,))


def band_pass(recording: Recording, low_hz: float, high_hz: float) -> Recording:
    """Return what lies between two frequencies."""
    return _filtered(recording, "bandpass", (low_hz, high_hz))


def band_stop(recording: Recording, low_hz: float, high_hz: float) -> Recording:
    """Return the recording without what lies between two frequencies."""
    return _filtered(recording, "bandstop", (low_hz, high_hz))


def telephone(recording: Recording) -> Recording:
    """Return the recording in the band of the classic telephone line, 300 to 3400 Hz."""
    return band_pass(recording, *TELEPHONE_HZ)


def _filtered(
    recording: Recording, kind: Literal["lowpass", "highpass", "bandpass", "bandstop"], edges_hz: tuple[float, ...]
) -> Recording:
    from scipy.signal import butter, sosfiltfilt

    nyquist_hz = recording.rate_hz / 2
    if not all(low < high for low, high in zip((0.0, *edges_hz), (*edges_hz, nyquist_hz), strict=True)):
        given = " and ".join(f"{edge:g}" for edge in edges_hz)
        raise BadInput(f"{kind} edges must rise and lie between 0 and {nyquist_hz:g} Hz, got {given}")
    sections = butter(ORDER, edges_hz if len(edges_hz) > 1 else edges_hz[0], kind, fs=recording.rate_hz, output="sos")
    padding = min(recording.n_samples - 1, round(0.1 * recording.rate_hz))
    samples = sosfiltfilt(sections, recording.samples.astype(np.float64), padlen=padding)
    return recording.with_samples(samples)
