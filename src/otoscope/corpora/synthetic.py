"""Synthetic speakers: single words spoken by espeak-ng (extra `synth`) in many voices, to train on beside people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otoscope.core import BadInput, Recording
from otoscope.signal.synthesis import synthesize, variants

ACCENTS = (
    "gmw/en-US",
    "gmw/en-US-nyc",
    "gmw/en",
    "gmw/en-GB-x-rp",
    "gmw/en-GB-scotland",
    "gmw/en-GB-x-gbclan",
    "gmw/en-GB-x-gbcwmd",
    "gmw/en-029",
)
"""espeak-ng's English voices; four speakers in ten have the first, the others any."""

UNNATURAL = ("whisper", "robo", "demonic", "croak", "tweaky", "storm", "fast", "announcer", " ")
"""Parts of the names of variants that sound like no talker; a variant with a blank in its name cannot be asked for."""

RATE_WPM, PITCH, PITCH_RANGE = (100, 220), (15, 85), (10, 90)


@dataclass(frozen=True)
class SyntheticVoice:
    """One synthetic speaker: an espeak-ng voice with its variant, and the settings of `synthesize`."""

    voice: str
    rate_wpm: int
    pitch: int
    pitch_range: int


@dataclass(frozen=True, eq=False)
class SyntheticUtterance:
    """One synthetic word, with the fields that training needs of an utterance."""

    id: str
    text: str
    speaker: str
    sound: Recording

    def recording(self) -> Recording:
        """Return the sound."""
        return self.sound


def synthetic_voices(n: int, *, seed: int = 0) -> tuple[SyntheticVoice, ...]:
    """Draw speakers: every natural variant is used once before any is used again.

    Raises
    ------
    MissingExtra
        espeakng-loader is not installed.
    """
    names = [name for name in variants() if not any(part in name.lower() for part in UNNATURAL)]
    rng = np.random.default_rng(seed)
    order: list[int] = []
    while len(order) < n:
        order += rng.permutation(len(names)).tolist()
    found = []
    for index in order[:n]:
        accent = ACCENTS[int(rng.integers(len(ACCENTS)))] if rng.random() < 0.6 else ACCENTS[0]
        settings = (int(rng.integers(*bounds)) for bounds in (RATE_WPM, PITCH, PITCH_RANGE))
        found.append(SyntheticVoice(f"{accent}+{names[index]}", *settings))
    return tuple(found)


def synthetic_words(
    words: Sequence[str], n_speakers: int, *, seed: int = 0, rate_hz: int = 16000
) -> tuple[SyntheticUtterance, ...]:
    """Let each of some synthetic speakers say each word once, as a sentence of its own, cut at its true times.

    The same arguments give the same samples with the same version of espeak-ng.

    Parameters
    ----------
    words
        Single words of letters.
    n_speakers
        How many speakers; see `synthetic_voices`.
    seed
        Of the voices and the order of the words.
    rate_hz
        Samples per second.

    Raises
    ------
    MissingExtra
        espeakng-loader is not installed.
    BadInput
        There is no word, or one is not a single word of letters.
    """
    strange = [word for word in words if not word.isalpha()]
    if strange or not words:
        raise BadInput(
            f"synthetic words must be single words of letters, got {', '.join(map(repr, strange)) or 'none'}"
        )
    found = []
    for number, voice in enumerate(synthetic_voices(n_speakers, seed=seed)):
        order = [words[i] for i in np.random.default_rng((seed, number)).permutation(len(words))]
        found += _spoken(order, voice, f"synthetic{number}", rate_hz)
    return tuple(found)


def _spoken(words: Sequence[str], voice: SyntheticVoice, speaker: str, rate_hz: int) -> list[SyntheticUtterance]:
    spoken = synthesize(
        " ".join(f"{word.capitalize()}." for word in words),
        voice=voice.voice,
        rate_wpm=voice.rate_wpm,
        pitch=voice.pitch,
        pitch_range=voice.pitch_range,
        rate_hz=rate_hz,
    )
    samples, found = spoken.recording.samples, []
    for number, (word, interval) in enumerate(zip(words, spoken.words, strict=True)):
        part = samples[round(interval.start_s * rate_hz) : round(interval.end_s * rate_hz)]
        sound = Recording(part, rate_hz, source=f"espeak-ng {voice.voice}")
        found.append(SyntheticUtterance(f"{speaker}-{number}", word, speaker, sound))
    return found
