"""Formants of a stretch of speech by linear prediction (Burg), as phoneticians measure vowels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Recording
from otoscope.signal.resampling import resampled

CEILING_HZ = 5500
"""Formants are looked for up to here; 5,000 suits most male and 5,500 most female voices."""
WINDOW_S = 0.025
HOP_S = 0.005
PRE_EMPHASIS_HZ = 50.0
WIDEST_HZ = 500.0
"""Poles of a wider band are no formants."""
LOWEST_HZ = 150.0


def formants(
    recording: Recording, start_s: float, end_s: float, *, n_formants: int = 2, ceiling_hz: float = CEILING_HZ
) -> tuple[float, ...]:
    """Return the lowest formants of a stretch in Hz, each the median over its frames.

    Sound is resampled to twice `ceiling_hz` and pre-emphasised from 50 Hz on; frames of 25 ms under a Gaussian window
    get 10 poles by Burg's method (Childers 1978; Anderson 1974), and poles narrower than 500 Hz above 150 Hz are
    formants. Frames with fewer formants than asked for are left out.

    Parameters
    ----------
    recording
        Of any rate of at least twice `ceiling_hz`; lower ones lower the ceiling.
    start_s, end_s
        The stretch; at least 25 ms.

    Raises
    ------
    BadInput
        The stretch is too short, or no frame of it has so many formants.

    Examples
    --------
    >>> from otoscope.signal.vowels import steady_vowel
    >>> f1, f2 = formants(steady_vowel(500, 1500), 0.05, 0.25)
    >>> abs(f1 - 500) < 40, abs(f2 - 1500) < 60
    (True, True)
    """
    rate_hz = round(min(2 * ceiling_hz, recording.rate_hz))
    sound = resampled(recording, rate_hz).samples.astype(np.float64)
    factor = np.exp(-2 * np.pi * PRE_EMPHASIS_HZ / rate_hz)
    sound = np.append(sound[:1], sound[1:] - factor * sound[:-1])
    size, hop = round(WINDOW_S * rate_hz), round(HOP_S * rate_hz)
    first, last = round(start_s * rate_hz), min(round(end_s * rate_hz), sound.size)
    if last - first < size:
        raise BadInput(f"formants need a stretch of at least {1000 * WINDOW_S:g} ms, got {start_s:g}-{end_s:g} s")
    window = np.exp(-12 * (np.arange(size) / (size - 1) - 0.5) ** 2)
    found = []
    for begin in range(first, last - size + 1, hop):
        own = _resonances(burg(sound[begin : begin + size] * window, order=10), rate_hz)
        if len(own) >= n_formants:
            found.append(own[:n_formants])
    if not found:
        raise BadInput(f"no {n_formants} formants between {start_s:g} and {end_s:g} s")
    return tuple(float(hz) for hz in np.median(np.array(found), axis=0))


def burg(frame: NDArray[np.float64], *, order: int) -> NDArray[np.float64]:
    """Return the coefficients `(order + 1,)` of the prediction error filter, 1 first (Burg 1975).

    Examples
    --------
    >>> sine = np.sin(0.3 * np.arange(200))
    >>> roots = np.roots(burg(sine, order=2))
    >>> bool(np.allclose(np.abs(np.angle(roots)), 0.3, atol=1e-3))
    True
    """
    forward, backward = frame[1:].copy(), frame[:-1].copy()
    coefficients = np.ones(1)
    for _ in range(order):
        power = forward @ forward + backward @ backward
        reflection = -2 * (forward @ backward) / power if power > 0 else 0.0
        padded = np.append(coefficients, 0.0)
        coefficients = padded + reflection * padded[::-1]
        forward, backward = (forward + reflection * backward)[1:], (backward + reflection * forward)[:-1]
    return coefficients


def _resonances(coefficients: NDArray[np.float64], rate_hz: float) -> list[float]:
    poles = np.roots(coefficients)
    poles = poles[poles.imag > 0]
    centres = np.angle(poles) * rate_hz / (2 * np.pi)
    widths = -np.log(np.maximum(np.abs(poles), 1e-12)) * rate_hz / np.pi
    return sorted(float(hz) for hz in centres[(widths < WIDEST_HZ) & (centres > LOWEST_HZ) & (centres < rate_hz / 2)])
