"""Another sampling rate, the same sound: band-limited, linear-phase resampling with soxr."""

from __future__ import annotations

import dataclasses

from otoscope.core import BadInput, Recording


def resampled(recording: Recording, rate_hz: int) -> Recording:
    """Return the recording at another rate (soxr, very high quality); times stay what they were.

    The length is the nearest whole number of samples. The recording itself comes back if the rate is already right.
    """
    if rate_hz == recording.rate_hz:
        return recording
    if rate_hz < 1:
        raise BadInput(f"rate_hz must be above 0, got {rate_hz}")
    import soxr

    samples = soxr.resample(recording.samples, recording.rate_hz, rate_hz, quality="VHQ")
    return dataclasses.replace(recording, samples=samples, rate_hz=rate_hz)
