"""Babble: many voices at once, too many to follow any."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otoscope.core import BadInput, Recording
from otoscope.signal.levels import active_level_db, gain
from otoscope.signal.resampling import resampled
from otoscope.signal.voice_changes import pitch_shifted

N_VOICES = 8
SEMITONES = 5.0
"""Voices made of one recording lie up to this far above or below it."""


def babble(voices: Sequence[Recording], n_samples: int, *, n_voices: int = N_VOICES, seed: int = 0) -> Recording:
    """Return babble of `n_voices`, `(n_samples,)` long at the rate of the first recording.

    Each voice is one of the recordings in turn, looped from a random place at the same active level.

    Raises
    ------
    BadInput
        There is no recording, or one is digital silence.
    """
    if not voices:
        raise BadInput("babble needs at least one recording of speech")
    rng = np.random.default_rng(seed)
    rate_hz = voices[0].rate_hz
    total = np.zeros(n_samples)
    for index in range(n_voices):
        voice = resampled(voices[index % len(voices)], rate_hz)
        level_db = active_level_db(voice)
        if level_db == -np.inf:
            raise BadInput("digital silence has no voice to babble with")
        samples = gain(voice, -26.0 - level_db).samples
        places = (int(rng.integers(samples.size)) + np.arange(n_samples)) % samples.size
        total += samples[places]
    return Recording((total / n_voices).astype(np.float32), rate_hz, source="babble")


def own_babble(recording: Recording, *, n_voices: int = N_VOICES, seed: int = 0) -> Recording:
    """Return babble as long as a recording, made of the recording itself: played backwards, higher and lower.

    Where no other voices are at hand: it has the spectrum and the ups and downs of speech, but no words. A recording
    of one word makes choppier babble than a crowd would.
    """
    rng = np.random.default_rng([seed, 0xBAB])
    backwards = recording.with_samples(recording.samples[::-1])
    shifts = np.linspace(-SEMITONES, SEMITONES, n_voices)
    voices = [pitch_shifted(backwards, float(shift), keep_formants=False) for shift in shifts]
    return babble(voices, recording.n_samples, n_voices=n_voices, seed=int(rng.integers(2**31)))
