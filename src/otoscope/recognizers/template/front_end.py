"""From a recording to the frames that are matched: mel cepstra and their slopes, level and channel taken out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Features, Recording
from otoscope.signal.features import log_mel
from otoscope.signal.mel import dct_matrix
from otoscope.signal.resampling import resampled


@dataclass(frozen=True)
class CepstralFrontEnd:
    """Mel cepstra re the loudest band, and their slopes.

    Parameters
    ----------
    rate_hz
        Sound is resampled to this.
    n_mels, n_coeffs, low_hz
        Filterbank and cepstrum.
    window_s, hop_s
        Length of a frame and distance of two.
    floor
        How far a band may lie below the loudest one, in nats of power: weaker sound (pauses, noise, echo) is levelled
        out softly.
    floor_reach_s
        The loudest band is that of the frames within this time; `None`: of the whole recording. A reach keeps quiet
        words that stand apart from loud ones.
    slope_width, slope_weight
        Slopes are fitted over this many frames on both sides and weighed by this; weight 0 leaves them out.

    Notes
    -----
    Words are compared with each coefficient in standard deviations of the word's own frames (`word`), which weighs all
    coefficients alike, as the inverse-variance distance of Tohkura (1987) does; slopes are those of Furui (1986). How
    much of the word's own mean is taken out is the matcher's choice (`own_mean`): all of it,
    or a part and the rest of a common centre.
    """

    rate_hz: int = 8000
    n_mels: int = 30
    n_coeffs: int = 16
    low_hz: float = 80.0
    window_s: float = 0.025
    hop_s: float = 0.010
    floor: float = 7.0
    floor_reach_s: float | None = None
    slope_width: int = 3
    slope_weight: float = 0.7

    def features(self, recording: Recording) -> Features:
        """Return `(n_frames, n_coeffs)` or, with slopes, `(n_frames, 2 n_coeffs)`; no frame if it is too short."""
        bands = log_mel(
            resampled(recording, self.rate_hz),
            n_mels=self.n_mels,
            low_hz=self.low_hz,
            window_s=self.window_s,
            hop_s=self.hop_s,
        )
        n_columns = self.n_coeffs * (2 if self.slope_weight else 1)
        if bands.grid.n_frames == 0:
            return Features(np.zeros((0, n_columns), np.float32), bands.grid, "mfcc", "ln power re loudest band")
        levels = bands.values.astype(np.float64)
        relative: Any = levels - self._loudest(levels)
        cepstra = np.logaddexp(relative, -self.floor) @ dct_matrix(self.n_mels, self.n_coeffs)
        values = np.hstack([cepstra, slopes(cepstra, self.slope_width)]) if self.slope_weight else cepstra
        return Features(values.astype(np.float32), bands.grid, "mfcc", "ln power re loudest band")

    def _loudest(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the level of the loudest band within reach of each frame, `(n_frames, 1)`."""
        loudest = levels.max(axis=1)
        if self.floor_reach_s is None:
            return np.full((len(loudest), 1), loudest.max())
        from scipy.ndimage import maximum_filter1d

        reach = round(self.floor_reach_s / self.hop_s)
        return np.asarray(maximum_filter1d(loudest, 2 * reach + 1, mode="nearest"))[:, np.newaxis]

    def weights(self) -> NDArray[np.float64]:
        """Return how much a standard deviation of each column counts, `(n_columns,)`."""
        ones = np.ones(self.n_coeffs)
        return np.concatenate([ones, self.slope_weight * ones]) if self.slope_weight else ones

    def word(
        self, values: NDArray[Any], centre: NDArray[np.float64] | float = 0.0, *, own_mean: float = 1.0
    ) -> NDArray[np.float64]:
        """Return the frames of one word as they are compared: each column in its own standard deviations, weighed.

        Taken out is `own_mean` times the word's own mean, and the rest of 1 times `centre`, `(n_columns,)`.
        """
        return standardised(values, centre, own_mean=own_mean) * self.weights()


def standardised(
    values: NDArray[Any], centre: NDArray[np.float64] | float = 0.0, *, own_mean: float = 1.0
) -> NDArray[np.float64]:
    """Return `(n_frames, n_coeffs)` less a mean, over the standard deviation; what never changes becomes 0.

    The mean is the frames' own, or lies so far on the way to it from `centre`.

    Examples
    --------
    >>> standardised(np.array([[1.0, 5.0], [3.0, 5.0]])).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    >>> standardised(np.array([[1.0], [3.0]]), 1.0, own_mean=0.5).tolist()
    [[-0.5], [1.5]]
    """
    values = np.asarray(values, dtype=np.float64)
    spread, mean = values.std(axis=0), own_mean * values.mean(axis=0) + (1 - own_mean) * centre
    return np.where(spread > 1e-6, (values - mean) / np.where(spread > 1e-6, spread, 1.0), 0.0)


def slopes(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the slope per frame of the straight line fitted to each coefficient over `2 width + 1` frames.

    Examples
    --------
    >>> slopes(np.arange(8.0)[:, None], 2)[2:6].ravel()
    array([1., 1., 1., 1.])
    """
    n = len(values)
    padded = np.pad(values, ((width, width), (0, 0)), mode="edge")
    steps = range(1, width + 1)
    rises = np.sum([k * (padded[width + k : width + k + n] - padded[width - k : width - k + n]) for k in steps], axis=0)
    return np.asarray(rises / (2 * sum(k * k for k in steps)))
