"""Synthetic speech to learn from: sentences of a text, single words and strings of digits, by many voices."""

from __future__ import annotations

import random
import re
from pathlib import Path

from otoscope.core import BadInput
from otoscope.core.protocols import Progress
from otoscope.corpora.synthetic import cached_synthesis
from otoscope.corpora.synthetic_voices import SyntheticPlan
from otoscope.corpora.utterance import Utterance
from otoscope.lexicon.ngram.sentences import checked_lines
from otoscope.lexicon.pronunciations import cmudict

TEXTS_PER_VOICE = 32
N_WORDS, N_STRINGS, SHARE_OF_SENTENCES = 250, 60, 20
"""Single words, strings of digits, and sentences for each voice."""
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "oh")
_SPEAKABLE = re.compile(r"[A-Za-z' ,.;?!-]+")


def texts_to_speak(text: str, n_sentences: int, *, seed: int) -> list[str]:
    """Draw sentences of 5 to 16 dictionary words from a file, single words, and strings of up to seven digits.

    Raises
    ------
    BadInput
        The file holds no such sentence.
    """
    rng, known = random.Random(seed), cmudict()
    lines = [line.strip() for _, line in checked_lines(text)]
    sentences: list[str] = []
    for line in rng.sample(lines, len(lines)):
        words = re.findall(r"[a-z']+", line.lower())
        if len(sentences) == n_sentences:
            break
        if 5 <= len(words) <= 16 and _SPEAKABLE.fullmatch(line) and all(word in known for word in words):
            sentences.append(" ".join(words))
    if not sentences:
        raise BadInput(f"{text} holds no sentence of 5 to 16 words that are in the dictionary; nothing can be spoken")
    plain = [word for word in sorted(known) if re.fullmatch("[a-z]{3,12}", word)]
    strings = [" ".join(rng.choices(DIGITS, k=rng.randint(1, 7))) for _ in range(N_STRINGS)]
    texts = [*sentences, *rng.sample(plain, N_WORDS), *strings]
    return rng.sample(texts, len(texts))


def synthetic_utterances(
    text: str, folder: Path, *, n_voices: int, seed: int, progress: Progress | None = None
) -> tuple[Utterance, ...]:
    """Let `n_voices` voices speak; the sound is kept in the folder. Raises `MissingExtra` without espeakng-loader."""
    texts = texts_to_speak(text, SHARE_OF_SENTENCES * n_voices, seed=seed)
    plan = SyntheticPlan(n_voices, TEXTS_PER_VOICE, splits={"train": 1.0}, seed=seed, skip_unspeakable=True)
    return cached_synthesis(texts, folder, plan=plan, progress=progress)
