"""From a recording to the frames that Gaussians see: cepstra, normalised, with what changes around each frame.

MFCC (Davis & Mermelstein 1980), cepstral mean normalisation (Atal 1974) and either their first and second differences
(Furui 1986) or, for LDA, the neighbouring frames themselves.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, FrameGrid, Recording
from otoscope.signal.features import log_mel
from otoscope.signal.mel import dct_matrix, lifter_weights
from otoscope.signal.resampling import resampled

Normalization = Literal["none", "mean", "mean-variance"]
_DIFFERENCE_REACH = 2


@dataclass(frozen=True)
class FrontEnd:
    """How cepstra are made.

    Parameters
    ----------
    rate_hz
        Sound is resampled to it first.
    n_mels, n_coeffs, lifter
        Filters, cepstral coefficients kept (c0 first), and sine lifter (Kaldi's classic 23, 13 and 22).
    low_hz, high_hz
        Edges of the filterbank; `None` is half the rate, but what is measured (`bandwidth`) where a model is trained.
    normalization
        What is taken out of each utterance: nothing, the mean of each coefficient, or mean and variance.
    """

    rate_hz: int = 16000
    n_mels: int = 23
    n_coeffs: int = 13
    lifter: float = 22.0
    low_hz: float = 20.0
    high_hz: float | None = None
    normalization: Normalization = "mean"

    def __post_init__(self) -> None:
        if self.normalization not in ("none", "mean", "mean-variance"):
            raise BadInput(f"unknown normalisation {self.normalization!r}; one of none, mean, mean-variance")

    def cepstra(self, recording: Recording) -> tuple[NDArray[np.float32], FrameGrid]:
        """Return normalised cepstra `(n_frames, n_coeffs)` of one utterance, and where the frames lie.

        A recording shorter than one window gives no frame.
        """
        sound = resampled(recording, self.rate_hz)
        bands = log_mel(sound, n_mels=self.n_mels, low_hz=self.low_hz, high_hz=self.high_hz)
        values = bands.values @ dct_matrix(self.n_mels, self.n_coeffs) * lifter_weights(self.n_coeffs, self.lifter)
        return normalized(values.astype(np.float32), self.normalization), bands.grid

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> FrontEnd:
        """Return what `as_json` wrote."""
        try:
            return cls(**values)
        except TypeError as error:
            raise BadInput(f"not the front end of a hidden Markov model: {error}") from error


def normalized(cepstra: NDArray[np.float32], how: Normalization) -> NDArray[np.float32]:
    """Return `(n_frames, n_coeffs)` without its mean over time, or of unit variance besides."""
    if how == "none" or not len(cepstra):
        return cepstra
    centred = cepstra - cepstra.mean(0)
    return centred if how == "mean" else centred / np.maximum(centred.std(0), 1e-3)


def with_differences(cepstra: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `(n_frames, 3 n_coeffs)`: cepstra, their slopes over five frames, and the slopes of those.

    Furui (1986), eq. 1: slope = sum of k (c[t + k] - c[t - k]) / (2 sum of k²), k = 1, 2; edge frames are repeated.

    Examples
    --------
    >>> with_differences(np.arange(7, dtype=np.float32)[:, None])[3].tolist()
    [3.0, 1.0, 0.0]
    """
    first = _slopes(cepstra)
    return np.hstack([cepstra, first, _slopes(first)])


def _slopes(values: NDArray[np.float32]) -> NDArray[np.float32]:
    n_frames, reach = len(values), _DIFFERENCE_REACH
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge") if n_frames else values
    total = np.zeros_like(values)
    for k in range(1, reach + 1):
        total += k * (padded[reach + k : reach + k + n_frames] - padded[reach - k : reach - k + n_frames])
    return total / np.float32(2 * sum(k * k for k in range(1, reach + 1)))


def spliced(cepstra: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """Return `(n_frames, (2 reach + 1) n_coeffs)`: each frame with its neighbours, earliest first; edges repeated.

    Examples
    --------
    >>> spliced(np.array([[1.0], [2.0], [3.0]], np.float32), 1).tolist()
    [[1.0, 1.0, 2.0], [1.0, 2.0, 3.0], [2.0, 3.0, 3.0]]
    """
    n_frames = len(cepstra)
    around = np.clip(np.arange(n_frames)[:, None] + np.arange(-reach, reach + 1), 0, max(0, n_frames - 1))
    return cepstra[around].reshape(n_frames, (2 * reach + 1) * cepstra.shape[1])


@dataclass(frozen=True, eq=False)
class FrameTransform:
    """What is done to normalised cepstra before the Gaussians: differences, or splicing and a linear map.

    `matrix` is `None` for cepstra with first and second differences, or `(n_dims, (2 reach + 1) n_coeffs)`.
    """

    matrix: NDArray[np.float32] | None = None
    reach: int = 4

    def __call__(self, cepstra: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the frames `(n_frames, n_dims)` of one utterance."""
        if self.matrix is None:
            return with_differences(cepstra)
        return spliced(cepstra, self.reach) @ self.matrix.T
