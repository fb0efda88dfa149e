"""Another voice, the same words: higher or lower, with a longer or shorter vocal tract. Times stay what they were."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Recording
from otoscope.signal.resampling import resampled
from otoscope.signal.stft import ShortTimeSpectrum, istft, stft
from otoscope.signal.tempo import fitted_to

MOST_SEMITONES = 24.0
SMALLEST_SCALE, LARGEST_SCALE = 0.5, 2.0
ENVELOPE_S = 0.002
"""Quefrency up to which a cepstrum describes formants: below the period of a voice of 500 Hz."""
MOST_GAIN_DB = 40.0
WINDOW_S, HOP_S = 0.032, 0.008


def pitch_shifted(recording: Recording, semitones: float, *, keep_formants: bool = True) -> Recording:
    """Return the recording higher by `semitones` (lower, where negative): exactly as long, times as they were.

    Resampled, which moves all frequencies, and stretched back; formants are then put back where they were unless
    `keep_formants` is False.

    Raises
    ------
    BadInput
        More than two octaves.
    """
    if not abs(semitones) <= MOST_SEMITONES:
        raise BadInput(f"a pitch can be shifted by up to {MOST_SEMITONES:g} semitones, got {semitones:g}")
    if semitones == 0:
        return recording
    ratio = 2 ** (semitones / 12)
    moved = resampled(recording, max(1, round(recording.rate_hz / ratio))).samples
    shifted = fitted_to(Recording(moved, recording.rate_hz, recording.source), recording.n_samples)
    if not keep_formants:
        return shifted
    return formants_scaled(shifted, float(np.clip(1 / ratio, SMALLEST_SCALE, LARGEST_SCALE)))


def formants_scaled(recording: Recording, scale: float) -> Recording:
    """Return the recording with all formants `scale` times as high: a vocal tract shorter by that factor.

    The spectral envelope (the cepstrum up to 2 ms) of each 32 ms window is stretched along frequency and put in place
    of its own; harmonics, and so the pitch, stay. Exactly as long.

    Raises
    ------
    BadInput
        The scale is not 0.5 to 2.
    """
    if not SMALLEST_SCALE <= scale <= LARGEST_SCALE:
        raise BadInput(f"formants can be scaled by {SMALLEST_SCALE} to {LARGEST_SCALE}, got {scale:g}")
    if scale == 1:
        return recording
    spectrum = stft(recording, window_s=WINDOW_S, hop_s=HOP_S)
    envelope = envelopes(spectrum)
    bins = np.arange(envelope.shape[1], dtype=np.float64)
    places = np.clip(bins / scale, 0, bins[-1])
    left = np.minimum(places.astype(int), bins.size - 2)
    weight = places - left
    moved = envelope[:, left] * (1 - weight) + envelope[:, left + 1] * weight
    reach = MOST_GAIN_DB / 20 * np.log(10)
    gains = np.exp(np.clip(moved - envelope, -reach, reach))
    values = (spectrum.values * gains).astype(np.complex64)
    found = istft(ShortTimeSpectrum(values, spectrum.grid, spectrum.n_fft, spectrum.n_samples))
    return recording.with_samples(found.samples)


def envelopes(spectrum: ShortTimeSpectrum) -> NDArray[np.float64]:
    """Return the log magnitude of each frame smoothed over frequency, `(n_frames, n_bins)`, by its cepstrum."""
    magnitudes = np.abs(spectrum.values).astype(np.float64)
    logs = np.log(np.maximum(magnitudes, 1e-6 * max(float(magnitudes.max()), 1e-12)))
    cepstrum = np.fft.irfft(logs, n=spectrum.n_fft, axis=1)
    n_kept = max(1, round(ENVELOPE_S * spectrum.grid.rate_hz))
    lifter = np.zeros(spectrum.n_fft)
    lifter[: n_kept + 1] = 1
    lifter[-n_kept:] = 1
    smooth: NDArray[np.float64] = np.fft.rfft(cepstrum * lifter, axis=1).real
    return smooth
