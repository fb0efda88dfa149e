"""Coding of telephone samples: what ITU-T G.711 leaves of a waveform."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MU = 255.0
"""The constant of the μ-law (ITU-T G.711, North America and Japan)."""


def mu_law(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the samples as they come back from 8-bit μ-law: small ones finely, large ones coarsely quantised.

    The continuous law, sign(x) ln(1 + μ|x|) / ln(1 + μ), is rounded to 255 evenly spaced levels, zero among them;
    samples beyond ±1 are clipped.

    Parameters
    ----------
    samples
        `(n_samples,)`, nominally in [-1, 1].

    Examples
    --------
    >>> mu_law(np.array([0.0, 1.0, -1.0, 3.0])).tolist()
    [0.0, 1.0, -1.0, 1.0]
    >>> bool(abs(mu_law(np.array([0.5]))[0] / 0.5 - 1) < 0.025)
    True
    """
    bounded = np.clip(samples.astype(np.float32, copy=False), -1.0, 1.0)
    pressed = np.log1p(np.float32(MU) * np.abs(bounded)) / np.float32(np.log1p(MU))
    level = np.rint(pressed * np.float32(127)) / np.float32(127)
    return np.copysign(np.expm1(level * np.float32(np.log1p(MU))) / np.float32(MU), bounded).astype(np.float32)
