"""Finding the heads that follow time for a checkpoint that names none: speech with known times goes in, a choice out.

The speech is synthetic (extra `synth`), or else the sample recording that ships with Otoscope; any other whose words'
times are known will do, and without times too. What was found is kept in a file beside the models: it is found once.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from otoscope.core import BadInput, CannotWrite, CorruptWeights, Interval, MissingExtra, Recording, Tier
from otoscope.core.protocols import Progress
from otoscope.corpora.sample import sample_recording, sample_tiers
from otoscope.io.writing import make_folder, write_text
from otoscope.recognizers.checkpoints.derived import heads_path
from otoscope.recognizers.checkpoints.store import store_folder
from otoscope.recognizers.whisper.again import hear_again
from otoscope.recognizers.whisper.head_search import choose_heads
from otoscope.recognizers.whisper.heads import HeadChoice, Known, named_heads
from otoscope.recognizers.whisper.parts import Parts
from otoscope.recognizers.whisper.sound import sound_odds
from otoscope.recognizers.whisper.times import TimesBy

TEXTS = (
    "The boy was there when the sun rose.",
    "A rod is used to catch pink salmon.",
    "Her purse was full of useless trash.",
    "It was nine in the morning, and nobody had seen seven of them.",
    "Read verse out loud for pleasure.",
    "Two plus three is five, and four more is nine.",
    "She went to the market to buy bread, and came home with a horse.",
    "Where were you, when the last train left?",
    "Put the butcher block table in the garage.",
    "The young girl gave no clear response.",
    "Eight of the ten birds were gone, but one came back.",
    "We find joy in the simplest things.",
)
"""What is said for a calibration; half of it are Harvard sentences (IEEE 1969)."""
VOICES = ("gmw/en-US", "gmw/en-GB-x-rp", "gmw/en-US+f2", "gmw/en-GB-scotland+f3")
SPLIT_S = 3.3
"""Where the sample recording is cut in two."""

Spoken = tuple[Recording, str, Tier | None]
"""A recording, its text, and the true times of its words where they are known."""


def calibration_speech(texts: Sequence[str] = TEXTS) -> tuple[tuple[Spoken, ...], str]:
    """Return speech whose words have known times, and what it is: synthetic, or without espeak-ng the sample."""
    try:
        from otoscope.signal.synthesis import synthesize

        rates = (130, 150, 170, 190)
        made = [
            synthesize(text, voice=VOICES[i % len(VOICES)], rate_wpm=rates[(i // 2) % len(rates)])
            for i, text in enumerate(texts)
        ]
    except MissingExtra:
        return _sample(), "the sample recording"
    spoken = tuple((_surrounded(s.recording), s.text, _later(s.words, PAD_S)) for s in made)
    return spoken, f"{len(made)} sentences of {len(VOICES)} synthetic voices (espeak-ng)"


PAD_S = 0.3
"""Faint noise before and after the synthetic speech."""


def _surrounded(recording: Recording) -> Recording:
    pad = round(PAD_S * recording.rate_hz)
    samples = np.pad(np.float32(0.5) * recording.samples, pad)
    hiss = np.random.default_rng(0).standard_normal(samples.size).astype(np.float32)
    return recording.with_samples(samples + np.float32(1e-4) * hiss)


def _later(tier: Tier, by_s: float) -> Tier:
    moved = (Interval(i.start_s + by_s, i.end_s + by_s, i.label, origin=i.origin) for i in tier)
    return Tier(tier.name, tuple(moved))


def _sample() -> tuple[Spoken, ...]:
    whole, words = sample_recording(), sample_tiers()[0]
    halves = []
    for start_s, end_s in ((0.0, SPLIT_S), (SPLIT_S, whole.duration_s)):
        own = _later(Tier("words", words.within(start_s, end_s)), -start_s)
        halves.append((whole.cut(start_s, end_s), " ".join(own.labels), own))
    return tuple(halves)


def known_of(parts: Parts, spoken: Spoken, *, language: str = "en") -> Known:
    """Return what all heads make of a recording along its text.

    Raises
    ------
    BadInput
        The text has other words than its tier.
    """
    recording, text, truth = spoken
    tokens = parts.tokens.encode(" " + text.strip())
    words = tuple((word.text, word.spoken) for word in parts.tokens.words(tokens, language))
    if truth is not None and len(truth) != len(words):
        raise BadInput(
            f"the text {text!r} has {len(words)} words, its tier {len(truth)}: write the words as the tier does"
        )
    code = parts.tokens.language_code(language) if parts.tokens.multilingual else None
    prefix = parts.tokens.prefix(code, "transcribe", timestamps=False)
    (again,) = hear_again(parts, [recording], prefix, tokens, attention=True)
    if again.attention is None:
        raise AssertionError("attention was asked for")
    return Known(again.attention, words, recording.duration_s, truth, sound_odds(recording))


def calibrate_heads(
    parts: Parts,
    speech: Sequence[Spoken] | None = None,
    *,
    language: str = "en",
    material: str = "",
    by: TimesBy = "states",
    progress: Progress | None = None,
) -> HeadChoice:
    """Return the heads of a checkpoint that place words best; see `head_search.choose_heads`.

    Parameters
    ----------
    speech
        Recordings with texts and, best, the true times of their words; by default `calibration_speech()`.
    language
        Of the speech.
    material
        What is told of it.
    progress
        Called with (recordings heard, all).
    """
    if speech is None:
        speech, material = calibration_speech()
    known = []
    for spoken in speech:
        known.append(known_of(parts, spoken, language=language))
        if progress is not None:
            progress(len(known), len(speech))
    return choose_heads(known, by=by, material=material)


def heads_of(parts: Parts, *, keep: bool = True) -> HeadChoice:
    """Return the heads that times are to be taken from: named, found before, or found now.

    Parameters
    ----------
    keep
        Whether to keep what a calibration finds in `heads_file(parts)`, and to look there first. Where that cannot be
        written to, they are found anew each time.
    """
    if (named := named_heads(parts.generation)) is not None:
        return named
    path = heads_file(parts)
    if keep and path is not None and path.is_file():
        return read_heads(path)
    found = calibrate_heads(parts)
    if keep and path is not None:
        with contextlib.suppress(CannotWrite):
            write_heads(found, path)
    return found


def heads_file(parts: Parts, store: str | os.PathLike[str] | None = None) -> Path | None:
    """Return where found heads are kept: beside the models, by the hash of the weights; `None` for unhashed weights."""
    sha256 = parts.weights_sha256
    return None if sha256 is None else heads_path(store_folder(store), sha256)


def write_heads(choice: HeadChoice, path: str | os.PathLike[str]) -> None:
    """Write a choice of heads as JSON.

    Raises
    ------
    CannotWrite
        The folder cannot be made or written to.
    """
    make_folder(Path(path).parent)
    write_text(Path(path), json.dumps(choice.as_json(), indent=1) + "\n")


def read_heads(path: str | os.PathLike[str]) -> HeadChoice:
    """Read what `write_heads` wrote.

    Raises
    ------
    CorruptWeights
        It is no such file.
    """
    try:
        return HeadChoice.from_json(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, BadInput) as error:
        raise CorruptWeights(f"{path} is no choice of heads ({error}); remove it to find them anew") from error
