"""What the ears learn from: words spoken by synthetic voices, whose phones are known, and people whose words are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Interval, OtoscopeError, UnknownName
from otoscope.core.protocols import Aligning
from otoscope.corpora.augmentation import SoundAugmentation, change_speed
from otoscope.corpora.transcripts import said_in
from otoscope.corpora.utterance import Utterance
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.pronunciations import Phones
from otoscope.listener.ears.hearing import RATE_HZ, Hearing
from otoscope.listener.ears.labels import PHONES, VOWELS, arpabet_phones, as_in_dictionary, frame_labels
from otoscope.listener.ears.timbres import blended_timbres
from otoscope.listener.ears.voices import ACCENTS, training_timbres
from otoscope.signal.espeak_phones import espeak_names
from otoscope.signal.synthesis import Synthesis, synthesize, synthesize_named

Floats = NDArray[np.float32]

AMERICAN = "gmw/en-US"
BY_FREQUENCY = 0.5
"""Share of the words drawn by the square root of how often they are met; the others are drawn evenly."""
N_BLENDS, BLENDED = 250, 0.65
"""Blends of timbres, and the share of the words that these say."""
SETTINGS = {"rate_wpm": (110, 220), "pitch": (10, 90), "pitch_range": (15, 85)}
"""Least and most of what a voice is set to."""
PAUSE_S = ((0.05, 0.5), (0.1, 0.4))
"""Least and most silence before and after a synthetic word."""
MOST_ALONE, CUT_OUT, LEAST_CUT_S = 2, 0.2, 0.3
"""Of utterances with more words than so many this share is heard cut out too, if they last so long."""
PLAIN = SoundAugmentation(speeds=(1.0,), hiss_share=1.0, hiss_snr_db=(28, 60), telephone_share=0.0, gain_db=(-15, 3))
"""What is done to the first copy of each lesson."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """Sound at 16 kHz and where its phones lie (ARPAbet); what is `alone` has no silence around it yet."""

    samples: Floats
    phones: tuple[Interval, ...]
    alone: bool = False


def spoken_lessons(
    n: int,
    *,
    seed: int,
    voices: Sequence[str] | None = None,
    lexicon: MentalLexicon | None = None,
) -> Iterator[Lesson]:
    """Yield isolated words in synthetic voices; American ones say half of them as the lexicon does, not by spelling.

    Parameters
    ----------
    voices
        Voices to draw from; `None`: all timbres for training and blends of them, in all accents
        (`otoscope.listener.ears.voices`, `otoscope.listener.ears.timbres`).
    lexicon
        Words to draw from, by default the 60,000 most frequent.

    Raises
    ------
    MissingExtra
        espeakng-loader is not installed.
    """
    rng = np.random.default_rng((seed, 17))
    words = lexicon or MentalLexicon.english(60000)
    if voices is not None:
        yield from _spoken(n, words, rng, lambda: {"voice": voices[int(rng.integers(len(voices)))]})
        return
    timbres = training_timbres()
    with blended_timbres(timbres, N_BLENDS, seed=seed) as (data, blends):
        yield from _spoken(n, words, rng, lambda: {"voice": _voice(rng, timbres, blends), "data": data})


def _spoken(
    n: int, words: MentalLexicon, rng: np.random.Generator, speaker: Callable[[], dict[str, str]]
) -> Iterator[Lesson]:
    roots = np.sqrt(words.per_million)
    shares = roots / roots.sum()
    made = 0
    while made < n:
        by_frequency = rng.random() < BY_FREQUENCY
        word = int(rng.choice(len(words), p=shares) if by_frequency else rng.integers(len(words)))
        settings: dict[str, Any] = {name: int(rng.integers(a, b + 1)) for name, (a, b) in SETTINGS.items()}
        settings |= speaker()
        by_phones = settings["voice"].startswith(f"{AMERICAN}+") and rng.random() < 0.5
        try:
            ways = words.pronunciations[word]
            said = _named(ways[0], settings, rng) if by_phones else synthesize(words.words[word], **settings)
            phones = as_in_dictionary(arpabet_phones(said.phones), ways)
        except (BadInput, UnknownName):
            continue  # espeak-ng speaks a few words as several, and a few accents have phones of their own
        made += 1
        yield Lesson(said.recording.samples, phones, alone=True)


def _voice(rng: np.random.Generator, timbres: Sequence[str], blends: Sequence[str]) -> str:
    shares = np.array(list(ACCENTS.values()))
    accent = list(ACCENTS)[int(rng.choice(shares.size, p=shares / shares.sum()))]
    among = blends if rng.random() < BLENDED else timbres
    return f"{accent}+{among[int(rng.integers(len(among)))]}"


def _named(phones: Phones, settings: dict[str, Any], rng: np.random.Generator) -> Synthesis:
    """Speak phones, most often with the stress on the first vowel that is not a weak one."""
    vowels = [k for k, phone in enumerate(phones) if phone in VOWELS]
    full = [k for k in vowels if phones[k] not in ("AH", "ER", "IH")] or vowels
    stressed = full[:1] if rng.random() < 0.75 or not vowels else [vowels[int(rng.integers(len(vowels)))]]
    return synthesize_named(espeak_names(phones, stressed=stressed), **settings)


def told_lessons(corpus: Sequence[Utterance], aligner: Aligning, *, seed: int = 0) -> Iterator[Lesson]:
    """Yield utterances whose words are known, phones placed by a recogniser; those that do not fit are left out.

    Behind each sentence come a few of its words, cut out: people's words alone are rare in corpora.
    """
    rng = np.random.default_rng((seed, 23))
    for utterance in corpus:
        words = said_in(utterance)
        if not words:
            continue
        recording = utterance.recording(rate_hz=RATE_HZ)
        try:
            placed = aligner.align(recording, " ".join(words))
        except OtoscopeError:
            continue  # the text is not what was said, or has a word that nobody can pronounce
        tiers = {tier.name: tier for tier in placed.tiers}
        phones = tuple(i for i in tiers["phones"] if i.label in PHONES)
        yield Lesson(recording.samples, phones)
        if len(words) > MOST_ALONE:
            yield from _cut_out(recording.samples, phones, tuple(tiers["words"]), rng)


def _cut_out(
    samples: Floats, phones: Sequence[Interval], words: Sequence[Interval], rng: np.random.Generator
) -> Iterator[Lesson]:
    """Yield words of a sentence as if each had been said alone."""
    long = [word for word in words if word.duration_s >= LEAST_CUT_S]
    for nth in sorted(rng.permutation(len(long))[: round(CUT_OUT * len(words))].tolist()):
        start_s, end_s = long[nth].start_s, long[nth].end_s
        inside = [i for i in phones if start_s - 1e-6 <= i.start_s and i.end_s <= end_s + 1e-6]
        shifted = tuple(Interval(max(0.0, i.start_s - start_s), i.end_s - start_s, i.label) for i in inside)
        yield Lesson(samples[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)], shifted, alone=True)


def heard_lesson(
    lesson: Lesson, rng: np.random.Generator, *, changes: SoundAugmentation | None
) -> tuple[NDArray[np.float16], NDArray[np.int16]]:
    """Return features `(n_frames, n_features)` and labels `(n_frames,)` of a lesson, its sound changed.

    Parameters
    ----------
    changes
        Noise, rooms, telephones, level; with them, the sound is most often played at another speed too. `None`: faint
        noise and another level only.
    """
    samples, speed = lesson.samples, 1.0
    if changes is not None and rng.random() < 0.6:
        speed = round(float(rng.uniform(0.88, 1.14)), 2)
        samples = change_speed(samples, speed)
    delay_s = 0.0
    if lesson.alone or rng.random() < 0.4:
        before, after = (round(float(rng.uniform(*bounds)) * RATE_HZ) for bounds in PAUSE_S)
        samples, delay_s = np.pad(samples, (before, after)), before / RATE_HZ
    samples = (changes or PLAIN)(samples, RATE_HZ, rng)
    hearing = Hearing()
    features = np.concatenate([hearing.feed(samples), hearing.finish()])
    phones = [Interval(i.start_s / speed, i.end_s / speed, i.label) for i in lesson.phones]
    return features.astype(np.float16), frame_labels(phones, len(features), delay_s=delay_s)
