"""Spoken digits in three languages by synthetic voices (extra `synth`): what the trained tiny models learn from.

Every word's true time is known. Voices of one timbre stand in one split only, in all languages.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from otoscope.core.protocols import Progress
from otoscope.corpora.manifest import Utterance
from otoscope.corpora.synthetic import synthesize
from otoscope.corpora.synthetic_voices import ACCENTS, SyntheticPlan

DIGITS: Mapping[str, tuple[str, ...]] = {
    "en": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "de": ("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"),
    "fr": ("zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"),
}
"""Words for 0 to 9, by language code."""

VOICES: Mapping[str, tuple[str, ...]] = {"en": ACCENTS, "de": ("gmw/de",), "fr": ("roa/fr", "roa/fr-BE", "roa/fr-CH")}
N_VOICES: Mapping[str, int] = {"en": 40, "de": 20, "fr": 20}
N_TEXTS = 30


def digit_texts(language: str, *, n: int = N_TEXTS, most: int = 6, seed: int = 0) -> list[str]:
    """Return strings of 1 to `most` digits, as words.

    Examples
    --------
    >>> digit_texts("de", n=2, most=3)
    ['acht drei acht', 'null']
    """
    rng = np.random.default_rng((seed, *language.encode()))
    words = DIGITS[language]
    return [" ".join(words[i] for i in rng.integers(10, size=rng.integers(1, most + 1))) for _ in range(n)]


def digit_corpora(
    folder: str | os.PathLike[str],
    *,
    n_voices: Mapping[str, int] = N_VOICES,
    n_texts: int = N_TEXTS,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, tuple[Utterance, ...]]:
    """Return the corpus of each language, of splits train, valid and test, with tiers of words and phones.

    They are made in `folder` once; what is there already is kept.

    Parameters
    ----------
    n_voices
        Speakers of each language.
    n_texts
        Strings of digits that every voice says, out of ten times as many.

    Raises
    ------
    MissingExtra
        espeakng-loader is not installed.
    """
    made = {}
    for language, accents in VOICES.items():
        plan = SyntheticPlan(n_voices=n_voices[language], accents=accents, seed=seed, texts_per_voice=n_texts)
        texts = digit_texts(language, n=10 * n_texts, seed=seed)
        made[language] = synthesize(texts, Path(folder) / language, plan=plan, n_workers=1, progress=progress)
    return made
