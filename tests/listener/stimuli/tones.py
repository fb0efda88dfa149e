"""Items made of tones: every phone another frequency, so that what is heard where can be measured."""

from __future__ import annotations

import numpy as np

from otoscope.core import Interval, Recording, Tier
from otoscope.listener.stimuli.items import Item

RATE_HZ = 16000
PHONE_S = 0.1
LEAD_S = 0.1


def tone_item(label: str, frequencies: tuple[float, ...], **fields: object) -> Item:
    """0.1 s of silence, 0.1 s a tone, 0.1 s of silence; the phones are the frequencies."""
    times = np.arange(round(PHONE_S * RATE_HZ)) / RATE_HZ
    parts = [0.3 * np.sin(2 * np.pi * f * times) for f in frequencies]
    quiet = np.zeros(round(LEAD_S * RATE_HZ))
    phones = tuple(f"{f:g}" for f in frequencies)
    tier = Tier(
        "phones",
        tuple(
            Interval(LEAD_S + i * PHONE_S, LEAD_S + (i + 1) * PHONE_S, phone, origin="synthetic")
            for i, phone in enumerate(phones)
        ),
    )
    recording = Recording(np.concatenate([quiet, *parts, quiet]).astype(np.float32), RATE_HZ)
    return Item(label, label, phones, recording=recording, phone_times=tier, **fields)  # type: ignore[arg-type]


def frequency_at(recording: Recording, start_s: float, end_s: float) -> float:
    """The strongest frequency of a stretch."""
    part = recording.cut(start_s, end_s).samples
    power = np.abs(np.fft.rfft(part * np.hanning(part.size), 16384)) ** 2
    return float(np.argmax(power) * RATE_HZ / 16384)


def level(recording: Recording, start_s: float, end_s: float) -> float:
    """The RMS of a stretch."""
    return float(np.sqrt(np.mean(recording.cut(start_s, end_s).samples.astype(np.float64) ** 2)))
