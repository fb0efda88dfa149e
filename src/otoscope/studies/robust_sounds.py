"""Sounds that tempt a recogniser to say what nobody said: silence, noise, repeats; and real speech to compare with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Interval, Recording
from otoscope.corpora import Utterance
from otoscope.lexicon.normalization import normalize_words
from otoscope.signal.levels import rms_db
from otoscope.signal.noise import noise_like
from otoscope.signal.resampling import resampled

RATE_HZ = 16000
LONGEST_S = 30.0
SILENCES_S = (1.0, 3.0, 8.0, 20.0, 30.0)
LEVELS_DB = (-60.0, -40.0, -20.0)
"""Of noises that are made, re full scale."""
COLOURS = ("white", "pink")
PAUSE_S = (0.05, 0.35)
"""Least and most between two words of a string."""


@dataclass(frozen=True, eq=False)
class Tempting:
    """A sound, what kind it is, and the words that are truly in it with their places (of real speech and repeats)."""

    kind: str
    recording: Recording
    truth: tuple[Interval, ...] = ()


def silences() -> Iterator[Tempting]:
    """Yield digital silence of several lengths."""
    for duration_s in SILENCES_S:
        yield Tempting("silence", Recording(np.zeros(round(duration_s * RATE_HZ), np.float32), RATE_HZ, "silence"))


def made_noises(n: int, *, seed: int) -> Iterator[Tempting]:
    """Yield `n` noises of several colours, levels and lengths."""
    rng = np.random.default_rng(seed)
    for number in range(n):
        colour, level_db = COLOURS[number % len(COLOURS)], LEVELS_DB[number // len(COLOURS) % len(LEVELS_DB)]
        still = Recording(np.zeros(round(float(rng.uniform(1.0, 12.0)) * RATE_HZ), np.float32), RATE_HZ, colour)
        drawn = noise_like(still, colour, seed=int(rng.integers(2**31)))
        samples = drawn.samples * np.float32(10 ** ((level_db - rms_db(drawn)) / 20))
        yield Tempting(f"{colour} noise", drawn.with_samples(samples.clip(-1, 1)))


def recorded_noises(utterances: Sequence[Utterance]) -> Iterator[Tempting]:
    """Yield the recordings of a corpus of noises."""
    for utterance in utterances:
        yield Tempting("recorded noise", utterance.recording(rate_hz=RATE_HZ))


def strings(utterances: Sequence[Utterance], n: int, *, most: int = 7, seed: int) -> Iterator[Tempting]:
    """Yield `n` strings of 1 to `most` single words by one speaker each, with faint noise under them.

    Raises
    ------
    BadInput
        There are no utterances.
    """
    if not utterances:
        raise BadInput("strings need recordings of single words; the corpus has none in this split")
    rng = np.random.default_rng(seed)
    speakers = sorted({utterance.speaker for utterance in utterances})
    for number in range(n):
        speaker = speakers[number % len(speakers)]
        own = [utterance for utterance in utterances if utterance.speaker == speaker]
        chosen = [own[int(rng.integers(len(own)))] for _ in range(int(rng.integers(1, most + 1)))]
        yield Tempting("real speech", *_joined(chosen, rng))


def _joined(utterances: Sequence[Utterance], rng: np.random.Generator) -> tuple[Recording, tuple[Interval, ...]]:
    at, words = round(float(rng.uniform(0.1, 0.5)) * RATE_HZ), []
    pieces: list[NDArray[Any]] = [np.zeros(at)]
    for utterance in utterances:
        samples = utterance.recording(rate_hz=RATE_HZ).samples
        (label,) = normalize_words(utterance.text)
        words.append(Interval(at / RATE_HZ, (at + samples.size) / RATE_HZ, label, origin="annotated"))
        gap = np.zeros(round(float(rng.uniform(*PAUSE_S)) * RATE_HZ))
        pieces += [samples, gap]
        at += samples.size + gap.size
    joined = np.concatenate(pieces)
    joined += 1e-4 * rng.standard_normal(joined.size)
    return Recording(np.clip(joined, -1, 1).astype(np.float32), RATE_HZ, "string"), tuple(words)


def repeats(spoken: Sequence[Tempting], *, seed: int) -> Iterator[Tempting]:
    """Yield each sound said again and again, 3 times or more, up to 30 s."""
    rng = np.random.default_rng(seed)
    for sound in spoken:
        recording = resampled(sound.recording, RATE_HZ)
        most = int(LONGEST_S / recording.duration_s)
        if most < 3:
            continue
        times = int(rng.integers(3, most + 1))
        words = tuple(
            Interval(w.start_s + k * recording.duration_s, w.end_s + k * recording.duration_s, w.label, origin=w.origin)
            for k in range(times)
            for w in sound.truth
        )
        yield Tempting("repeats", recording.with_samples(np.tile(recording.samples, times)), words)


Found = Literal["said", "misheard", "made up"]


def found_in(words: Sequence[Interval], truth: Sequence[Interval]) -> tuple[Found, ...]:
    """Return for each word heard whether it was said, was heard in place of another, or was made up.

    Said: a true word of the same label overlaps it that no other took. Misheard: one of another label does, left over
    when those are taken. Made up: neither; where it is said to be, nothing is left that it could stand for.

    Examples
    --------
    >>> said = (Interval(0.0, 0.5, "one"), Interval(0.5, 1.0, "two"))
    >>> found_in((Interval(0.1, 0.4, "one"), Interval(0.4, 0.5, "one"), Interval(0.7, 1.2, "two")), said)
    ('said', 'made up', 'said')
    """
    left = list(truth)
    found: list[Found] = ["made up"] * len(words)
    labels = [" ".join(normalize_words(word.label)) for word in words]
    kinds: tuple[Found, ...] = ("said", "misheard")
    for kind in kinds:
        for i, word in enumerate(words):
            if found[i] != "made up":
                continue
            match = next(
                (t for t in left if (kind == "misheard" or t.label == labels[i]) and t.overlap_s(word) > 0), None
            )
            if match is not None:
                found[i] = kind
                left.remove(match)
    return tuple(found)
