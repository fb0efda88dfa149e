"""Words made of two vowels, a hiss and a burst: what a recogniser of phones can learn from in seconds, of no voice."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

MADE_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"see": ("S", "IY"), "sue": ("S", "UW"), "tea": ("T", "IY"), "two": ("T", "UW"), "eat": ("IY", "T")}
)
"""Word → its phones; `made_phone` knows these and takes any other for silence."""

_TONES_HZ: Mapping[str, tuple[float, float]] = MappingProxyType({"IY": (300.0, 2400.0), "UW": (350.0, 900.0)})


def made_phone(phone: str, rng: np.random.Generator, *, rate_hz: int) -> NDArray[np.float64]:
    """Return the samples, `(n_samples,)`, of a phone of `MADE_WORDS`, 0.09 to 0.13 s long.

    A vowel is its first two formants as pure tones, S rising noise, T a burst that dies away, and anything else faint
    noise.

    Examples
    --------
    >>> heard = made_phone("IY", np.random.default_rng(0), rate_hz=8000)
    >>> heard.size, [round(float(hz)) for hz in np.argsort(np.abs(np.fft.rfft(heard)))[-2:] * 8000 / heard.size]
    (923, [303, 2401])
    """
    n = int(rng.uniform(0.09, 0.13) * rate_hz)
    noise = rng.normal(size=n)
    if phone in _TONES_HZ:
        tones = [np.sin(2 * np.pi * hz * np.arange(n) / rate_hz) for hz in _TONES_HZ[phone]]
        return np.asarray(0.1 * sum(tones) + 0.005 * noise)
    if phone == "S":
        return 0.05 * np.diff(noise, prepend=0.0)
    if phone == "T":
        return 0.2 * np.cumsum(noise) / 30 * np.exp(-np.arange(n) / n * 3)
    return 0.001 * noise
