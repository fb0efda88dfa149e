"""From a recording to the frames that are matched: weighted cepstra whose level, channel and spread are taken out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Features, Recording
from otoscope.signal.features import log_mel
from otoscope.signal.mel import dct_matrix
from otoscope.signal.resampling import resampled


@dataclass(frozen=True)
class CepstralFrontEnd:
    """Mel cepstra and their slopes, each coefficient in standard deviations of the recording's own active frames.

    Parameters
    ----------
    rate_hz
        Sound is resampled to this.
    n_mels, n_coeffs, low_hz
        Filterbank and cepstrum.
    window_s, hop_s
        Length of a frame and distance of two.
    floor
        How far a band may lie below the recording's loudest one, in nats of power: weaker sound (pauses, noise, echo)
        is levelled out softly. Frames above the floor are the active ones.
    slope_width, slope_weight
        Slopes are fitted over this many frames on both sides and weighed by this; weight 0 leaves them out.

    Notes
    -----
    Dividing by standard deviations weighs all coefficients alike, as the inverse-variance distance of Tohkura (1987)
    does; slopes are those of Furui (1986).
    """

    rate_hz: int = 8000
    n_mels: int = 30
    n_coeffs: int = 16
    low_hz: float = 80.0
    window_s: float = 0.025
    hop_s: float = 0.010
    floor: float = 7.0
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
            return Features(np.zeros((0, n_columns), np.float32), bands.grid, "mfcc", "standard deviations")
        levels = bands.values.astype(np.float64)
        top = levels.max()
        active = levels.max(axis=1) > top - self.floor
        cepstra = np.logaddexp(levels, top - self.floor) @ dct_matrix(self.n_mels, self.n_coeffs)
        values = standardised(cepstra, active)
        if self.slope_weight:
            values = np.hstack([values, self.slope_weight * standardised(slopes(cepstra, self.slope_width), active)])
        return Features(values.astype(np.float32), bands.grid, "mfcc", "standard deviations")


def standardised(values: NDArray[np.float64], active: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return `(n_frames, n_coeffs)` less the mean of the active frames, over their standard deviation.

    A coefficient that never changes becomes 0.

    Examples
    --------
    >>> standardised(np.array([[1.0, 5.0], [3.0, 5.0], [9.0, 5.0]]), np.array([True, True, False])).tolist()
    [[-1.0, 0.0], [1.0, 0.0], [7.0, 0.0]]
    """
    spread = values[active].std(axis=0)
    centred = values - values[active].mean(axis=0)
    return np.where(spread > 1e-9, centred / np.where(spread > 1e-9, spread, 1.0), 0.0)


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
