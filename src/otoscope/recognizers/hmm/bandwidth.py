"""How far up in frequency the sound of a corpus reaches: what lies above must not be part of the features.

Sound taken at 8 kHz and brought to 16 kHz has nothing above 4 kHz: the mel bands there stand at their floor in every
frame. Their Gaussians' spread is that of rounding, and LDA, which scales each direction to a spread of 1 within the
states, makes the largest numbers of just these directions; the faintest noise from elsewhere then outweighs all speech.
Recipes for the telephone therefore end the filterbank below half the rate (Kaldi, egs/swbd: `--sample-frequency=8000`,
`--high-freq=-400`; Young et al., The HTK Book: `HIFREQ`). Here the edge is measured.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from otoscope.core import Recording
from otoscope.signal.features import POWER_FLOOR, log_mel
from otoscope.signal.resampling import resampled

N_BANDS = 80
LEAST_RISE = 4.0
"""A band with sound rises so many nats above the logarithm's floor in its loudest frame; 16-bit rounding does not."""
MOST_BELOW = 12.0
"""Nats (52 dB) that it lies at most below the loudest band: what leaks past the edge does not count."""
WHOLE = 0.9
"""Sound that reaches this share of half the rate has no edge."""
MARGIN = 0.975
"""Filters end at this share of the edge: resampling fades the last of the band."""


def band_edge_hz(recordings: Iterable[Recording], rate_hz: int) -> float | None:
    """Return where the filterbank should end, in Hz, or `None` if the sound fills the band up to half the rate.

    The edge is the median over the recordings of the highest mel band that holds any sound, the lower of two, less a
    margin. Recordings of silence, or shorter than a frame, have no say; where fewer than half reach less far than the
    others, the bands that they leave empty stay.

    Parameters
    ----------
    recordings
        Some of a corpus.
    rate_hz
        They are resampled to it first.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(scale=0.1, size=8000)
    >>> band_edge_hz([Recording(noise, 16000)], 16000) is None
    True
    >>> band_edge_hz([Recording(noise, 8000)], 16000)
    3900.0
    """
    floor, tops = float(np.log(POWER_FLOOR)), []
    for recording in recordings:
        bands = log_mel(resampled(recording, rate_hz), n_mels=N_BANDS)
        loudest = bands.values.max(0, initial=floor)
        heard = np.flatnonzero(loudest > max(floor + LEAST_RISE, loudest.max() - MOST_BELOW))
        if heard.size and bands.coefficients is not None:
            tops.append(float(bands.coefficients[heard[-1]]))
    edge = float(np.quantile(tops, 0.5, method="lower")) if tops else rate_hz / 2
    return None if edge >= WHOLE * rate_hz / 2 else 100.0 * round(MARGIN * edge / 100)
