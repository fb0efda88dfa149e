"""How noisy a recording is, guessed from itself: speech level over the level of its quietest frames."""

from __future__ import annotations

import numpy as np

from otoscope.core import Recording
from otoscope.signal.frames import analysis_grid, frame_view
from otoscope.signal.levels import active_level_db

QUIET_SHARE = 0.1
"""Share of frames that is taken to be free of speech: pauses, and closures of stops."""
MOST_DB = 60.0
"""No more is claimed: below that, it is the rounding of samples that is measured."""


def estimated_snr_db(recording: Recording) -> float:
    """Return the signal-to-noise ratio of a recording of speech in dB, at most 60.

    The noise is the mean power of the quietest tenth of 25 ms frames (minimum statistics in the manner of Martin
    2001, over the whole recording); the speech, the active level (ITU-T P.56) less that noise. Good for noise that
    lasts; a recording without pauses, or whose pauses were cut, seems noisier than it is, a burst goes unnoticed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> speech = np.repeat([1.0, 0.0], 8000) * rng.normal(scale=0.1, size=16000)
    >>> round(estimated_snr_db(Recording(speech + rng.normal(scale=0.01, size=16000), 16000)))
    20
    """
    frames = frame_view(recording.samples, analysis_grid(recording.n_samples, recording.rate_hz))
    if len(frames) == 0 or not recording.samples.any():
        return 0.0
    power = np.sort(np.einsum("ij,ij->i", frames, frames, dtype=np.float64) / frames.shape[1])
    noise = float(power[: max(1, round(QUIET_SHARE * power.size))].mean())
    signal = 10 ** (active_level_db(recording) / 10) - noise
    least = signal * 10 ** (-MOST_DB / 10)
    return 10 * float(np.log10(signal / max(noise, least))) if signal > 0 else 0.0
