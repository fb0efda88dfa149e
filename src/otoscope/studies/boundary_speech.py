"""Speech whose word and phone times are known: made by espeak-ng, or read from a synthetic corpus with its tiers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from otoscope.core import BadInput, Interval, Recording, Tier
from otoscope.corpora import read_corpus
from otoscope.signal.synthesis import synthesize

SENTENCES = (
    "The old doctor walked slowly down the narrow street.",
    "Bring the yellow basket from the kitchen table.",
    "Seven children were playing near the river.",
    "My brother bought a new coat for the winter.",
    "We heard the rain against the window all night.",
    "Please leave your boots beside the front door.",
    "The captain told a story about a silver ship.",
    "Nobody remembered where the letters were hidden.",
    "A small brown dog followed us through the garden.",
    "The teacher asked every student the same question.",
    "Fresh bread and butter make a simple breakfast.",
    "They planted apple trees along the wooden fence.",
    "The train for the city leaves at half past nine.",
    "She carried a heavy bag across the market square.",
    "Cold water ran quickly over the smooth stones.",
    "The music stopped before anybody began to dance.",
    "His father works at the paper mill by the lake.",
    "Open the box and count the coins inside.",
    "The wind blew the papers off the high shelf.",
    "Most people believe what they read in books.",
)
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
VOICES = ("en-us", "en-us+f2", "en-us+m3", "en-us+f4", "en-us+m1")
PAD_S = 0.2
HISS_DB = -65.0
"""Level of the noise added: recognisers do not know digital silence."""


@dataclass(frozen=True)
class Spoken:
    """An utterance with its true words and phones in time; phones in espeak-ng's names."""

    recording: Recording
    text: str
    words: Tier
    phones: Tier


def synthetic_speech(texts: str, n: int, *, seed: int) -> tuple[Spoken, ...]:
    """Speak `n` texts in turn, in voices, rates and pitches drawn from `seed`, with 0.2 s of faint noise around.

    Raises
    ------
    BadInput
        `texts` is neither `sentences` nor `digits`.
    """
    if texts not in ("sentences", "digits"):
        raise BadInput(f"texts must be 'sentences' or 'digits', got {texts!r}")
    rng = np.random.default_rng(seed)
    return tuple(_spoken(_text(texts, index, rng), VOICES[index % len(VOICES)], rng) for index in range(n))


def _text(texts: str, index: int, rng: np.random.Generator) -> str:
    if texts == "sentences":
        return SENTENCES[index % len(SENTENCES)]
    return " ".join(DIGITS[i] for i in rng.integers(0, len(DIGITS), 5))


def _spoken(text: str, voice: str, rng: np.random.Generator) -> Spoken:
    rate_wpm, pitch = int(rng.integers(130, 190)), int(rng.integers(35, 66))
    made = synthesize(text, voice=voice, rate_wpm=rate_wpm, pitch=pitch)
    n_pad = round(PAD_S * made.recording.rate_hz)
    samples = np.pad(made.recording.samples, n_pad)
    hiss = rng.normal(scale=10 ** (HISS_DB / 20), size=samples.size)
    recording = made.recording.with_samples((samples + hiss).astype(np.float32))
    return Spoken(recording, text, _later(made.words), _later(made.phones))


def _later(tier: Tier) -> Tier:
    def moved(interval: Interval) -> Interval:
        return dataclasses.replace(interval, start_s=interval.start_s + PAD_S, end_s=interval.end_s + PAD_S)

    return Tier(tier.name, tuple(moved(interval) for interval in tier))


def corpus_speech(folder: Path, n: int, *, split: str | None, seed: int) -> tuple[Spoken, ...]:
    """Return at most `n` utterances of a synthetic corpus, drawn from `seed`.

    Raises
    ------
    BadInput
        Its utterances have no tiers named words and phones.
    """
    utterances = read_corpus(folder, split=split)
    chosen = sorted(np.random.default_rng(seed).permutation(len(utterances))[:n].tolist())
    found = []
    for index in chosen:
        tiers = {tier.name: tier for tier in utterances[index].tiers()}
        if not {"words", "phones"} <= set(tiers):
            raise BadInput(f"utterance {utterances[index].id!r} needs tiers words and phones; it has {_names(tiers)}")
        words, phones = tiers["words"], tiers["phones"]
        found.append(Spoken(utterances[index].recording(), utterances[index].text, words, phones))
    return tuple(found)


def _names(tiers: dict[str, Tier]) -> str:
    return ", ".join(tiers) or "none"
