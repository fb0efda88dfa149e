"""The mel scale and its triangular filters, with Kaldi's numbers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput


def hz_to_mel(frequency_hz: ArrayLike) -> NDArray[np.float64]:
    """Return mels, 1127 ln(1 + f / 700) (O'Shaughnessy 1987, as in HTK and Kaldi).

    Examples
    --------
    >>> round(float(hz_to_mel(1000.0)), 1)
    1000.0
    """
    return 1127.0 * np.log1p(np.asarray(frequency_hz, dtype=np.float64) / 700.0)


def mel_to_hz(mel: ArrayLike) -> NDArray[np.float64]:
    """Return hertz: the inverse of `hz_to_mel`."""
    return 700.0 * np.expm1(np.asarray(mel, dtype=np.float64) / 1127.0)


def mel_edges(n_mels: int, low_hz: float, high_hz: float) -> NDArray[np.float64]:
    """Return the `n_mels + 2` corners of the triangles in mels, evenly spaced; filter `i` spans corners i to i + 2."""
    return np.linspace(hz_to_mel(low_hz), hz_to_mel(high_hz), n_mels + 2)


def mel_centres_hz(n_mels: int, low_hz: float, high_hz: float) -> NDArray[np.float64]:
    """Return the centre frequency of each filter, `(n_mels,)`."""
    return mel_to_hz(mel_edges(n_mels, low_hz, high_hz)[1:-1])


@lru_cache(maxsize=32)
def mel_filters(n_mels: int, n_fft: int, rate_hz: int, low_hz: float, high_hz: float) -> NDArray[np.float32]:
    """Return the weights `(n_fft // 2, n_mels)` that turn a power spectrum without its Nyquist bin into mel bands.

    Triangles are straight on the mel axis and have height one, as in Kaldi.

    Raises
    ------
    BadInput
        The band lies outside 0 … rate/2, or a filter is so narrow that no bin falls inside it.
    """
    if not (0 <= low_hz < high_hz <= rate_hz / 2 and n_mels >= 1):
        raise BadInput(
            f"mel filters need 0 <= low_hz < high_hz <= {rate_hz / 2:g} and n_mels >= 1, "
            f"got {low_hz:g}, {high_hz:g}, {n_mels}"
        )
    edges = mel_edges(n_mels, low_hz, high_hz)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    mel = hz_to_mel(np.arange(n_fft // 2) * (rate_hz / n_fft))[:, None]
    weights = np.minimum((mel - left) / (centre - left), (right - mel) / (right - centre))
    filters = np.maximum(weights, 0.0).astype(np.float32)
    empty = np.flatnonzero(filters.max(axis=0) == 0)
    if empty.size:
        raise BadInput(
            f"{n_mels} mel filters are too many for {n_fft // 2} bins: {empty.size} would be empty; ask for fewer"
        )
    filters.flags.writeable = False
    return filters


@lru_cache(maxsize=32)
def dct_matrix(n_inputs: int, n_coeffs: int) -> NDArray[np.float32]:
    """Return the orthonormal DCT-II as a matrix `(n_inputs, n_coeffs)`; its transpose inverts it."""
    if not 1 <= n_coeffs <= n_inputs:
        raise BadInput(f"{n_coeffs} cepstral coefficients cannot be made of {n_inputs} bands: at most as many")
    k, n = np.arange(n_coeffs), np.arange(n_inputs)[:, None]
    matrix: NDArray[Any] = np.sqrt(2.0 / n_inputs) * np.cos(np.pi * k * (n + 0.5) / n_inputs)
    matrix[:, 0] = np.sqrt(1.0 / n_inputs)
    matrix = matrix.astype(np.float32)
    matrix.flags.writeable = False
    return matrix


@lru_cache(maxsize=32)
def lifter_weights(n_coeffs: int, lifter: float) -> NDArray[np.float32]:
    """Return HTK's and Kaldi's cepstral lifter 1 + L/2 sin(π n / L), `(n_coeffs,)`; ones where `lifter` is 0."""
    n = np.arange(n_coeffs)
    boost = 0.5 * lifter * np.sin(np.pi * n / lifter) if lifter else np.zeros(n_coeffs)
    weights = (1.0 + boost).astype(np.float32)
    weights.flags.writeable = False
    return weights
