"""Steady vowels from their formants: a small cascade synthesiser."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Recording

HIGHER_HZ = (2500.0, 3500.0, 4500.0)
"""F3 to F5 of an adult male's neutral tract (Klatt 1980, table I)."""
BANDWIDTHS_HZ = (60.0, 90.0, 150.0, 200.0, 200.0)
"""Of F1 to F5 (Klatt 1980, table I)."""
GLOTTIS_HZ = 100.0
"""Bandwidth of the resonator at 0 Hz that makes pulses fall by 12 dB an octave."""
LEAST_GAP_HZ = 150.0
RAMP_S = 0.02
PEAK = 0.5


def steady_vowel(
    f1_hz: float,
    f2_hz: float,
    *,
    f0_hz: float = 120.0,
    duration_s: float = 0.3,
    rate_hz: int = 16000,
    higher_hz: Sequence[float] = HIGHER_HZ,
) -> Recording:
    """Return a vowel of steady formants and pitch.

    Glottal pulses through resonators in a row (Klatt 1980, eq. 1 to 3), lips as a first difference; ramps of 20 ms at
    both ends; the largest sample is 0.5. F3 and above move up where F2 comes within 150 Hz.

    Parameters
    ----------
    f1_hz, f2_hz, higher_hz
        Formants.
    f0_hz, duration_s, rate_hz
        Of the voice, and of the recording.

    Raises
    ------
    BadInput
        Formants that do not rise, or lie above half the rate.

    Examples
    --------
    >>> steady_vowel(300, 2300, duration_s=0.25).duration_s
    0.25
    """
    formants = [float(f1_hz), float(f2_hz)]
    if not 0 < f0_hz < f2_hz or not 0 < f1_hz < f2_hz - LEAST_GAP_HZ / 2:
        raise BadInput(f"F1 {f1_hz:g} Hz must lie at least {LEAST_GAP_HZ / 2:g} Hz below F2 {f2_hz:g} Hz, f0 below F2")
    for hz in higher_hz:
        formants.append(max(float(hz), formants[-1] + LEAST_GAP_HZ))
    formants = [hz for hz in formants if hz < 0.95 * rate_hz / 2]
    if len(formants) < 2:
        raise BadInput(f"F2 of {f2_hz:g} Hz lies too near half of {rate_hz} Hz")
    samples = resonated(_pulses(f0_hz, round(duration_s * rate_hz), rate_hz), 0.0, GLOTTIS_HZ, rate_hz)
    for hz, width_hz in zip(formants, BANDWIDTHS_HZ, strict=False):
        samples = resonated(samples, hz, width_hz, rate_hz)
    samples = np.diff(samples, prepend=0.0)
    n_ramp = min(round(RAMP_S * rate_hz), samples.size // 2)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(n_ramp) + 0.5) / max(n_ramp, 1))
    samples[:n_ramp] *= ramp
    samples[samples.size - n_ramp :] *= ramp[::-1]
    return Recording(PEAK * samples / np.abs(samples).max(), rate_hz, source="synthetic")


def resonated(samples: NDArray[np.float64], hz: float, width_hz: float, rate_hz: int) -> NDArray[np.float64]:
    """Return samples through a resonator of a frequency and bandwidth, gain 1 at 0 Hz (Klatt 1980, eq. 2)."""
    from scipy.signal import lfilter

    c = -np.exp(-2 * np.pi * width_hz / rate_hz)
    b = 2 * np.exp(-np.pi * width_hz / rate_hz) * np.cos(2 * np.pi * hz / rate_hz)
    found: NDArray[np.float64] = lfilter([1 - b - c], [1.0, -b, -c], samples)
    return found


def _pulses(f0_hz: float, n_samples: int, rate_hz: int) -> NDArray[np.float64]:
    """Return impulses a period apart; one between two samples is shared by them."""
    if n_samples < 2:
        raise BadInput("a vowel needs at least two samples")
    places = np.arange(0, n_samples - 1, rate_hz / f0_hz)
    left = places.astype(int)
    pulses = np.zeros(n_samples)
    pulses[left] += 1 - (places - left)
    pulses[left + 1] += places - left
    return pulses
