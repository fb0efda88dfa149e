"""The sample recording that ships with the project: synthetic speech whose word and phone times are known."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from otoscope.core import Interval, Recording, Tier
from otoscope.io.annotation import Annotation
from otoscope.io.audio import read_recording, write_recording
from otoscope.io.formats import read_annotations, write_annotation

SAMPLE_TEXT = "What did you hear, and why did you hear it? The boy was there when the sun rose."
"""What is said in the sample."""
PADDING_S = 0.3
GAIN = 0.5
NOISE_SNR_DB = 35.0


def sample_path() -> Path:
    """Return where the sample recording lies: about 6 s of a male voice, 16 kHz FLAC.

    Examples
    --------
    >>> sample_path().name
    'talk.flac'
    """
    return Path(__file__).with_name("samples") / "talk.flac"


def sample_recording() -> Recording:
    """Return the sample recording."""
    return read_recording(sample_path())


def sample_tiers() -> tuple[Tier, ...]:
    """Return the true words and phones of the sample, in this order; phones have espeak-ng's names."""
    (annotation,) = read_annotations(sample_path().with_suffix(".TextGrid"))
    return tuple(Tier(tier.name, _moved(tier, 0.0)) for tier in annotation.tiers)


def make_sample(folder: str | os.PathLike[str]) -> Path:
    """Make the sample anew in a folder, as `talk.flac` and `talk.TextGrid`; the same ones every time.

    espeak-ng (extra `synth`) speaks `SAMPLE_TEXT` with its American voice, 145 words a minute, pitch 40; then come
    0.3 s of padding, a small room (RT60 0.15 s), faint pink noise, 35 dB below the speech, and rounding to 16 bits.

    Raises
    ------
    MissingExtra
        espeakng-loader is not installed.
    CannotWrite
        The folder cannot be written to.
    """
    from otoscope.signal.noise import add_noise
    from otoscope.signal.room import reverberant
    from otoscope.signal.synthesis import synthesize

    speech = synthesize(SAMPLE_TEXT, voice="gmw/en-US", rate_wpm=145, pitch=40)
    padding = np.zeros(round(PADDING_S * speech.recording.rate_hz), np.float32)
    padded = speech.recording.with_samples(np.concatenate([padding, GAIN * speech.recording.samples, padding]))
    heard = reverberant(padded, rt60_s=0.15, source_m=(2.2, 1.9, 1.4))
    noisy = add_noise(heard, "pink", snr_db=NOISE_SNR_DB, seed=0)
    rounded = noisy.with_samples(np.rint(noisy.samples * 32768) / 32768)
    path = Path(folder) / "talk.flac"
    write_recording(rounded, path)
    tiers = tuple(Tier(tier.name, _moved(tier, PADDING_S)) for tier in (speech.words, speech.phones))
    write_annotation(Annotation("talk", noisy.duration_s, tiers), path.with_suffix(".TextGrid"))
    return path


def _moved(intervals: Iterable[Interval], by_s: float) -> tuple[Interval, ...]:
    """Return intervals of synthetic origin, later by `by_s`."""
    return tuple(
        replace(interval, start_s=interval.start_s + by_s, end_s=interval.end_s + by_s, origin="synthetic")
        for interval in intervals
    )
