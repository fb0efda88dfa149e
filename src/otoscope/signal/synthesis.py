"""Synthetic speech whose word and phone times are known, by espeak-ng (extra `synth`).

A text goes in; a recording and its true tiers come out, the same ones every time. Each utterance is spoken by a
short-lived process of its own (`espeak_worker`), so that repeats are exact and threads do no harm.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Interval, MissingExtra, OtoscopeError, Recording, Tier, UnknownName
from otoscope.signal.resampling import resampled

SEPARATOR = " | "
"""Between words that no punctuation parts: keeps espeak-ng from speaking "of the" as one word with one time."""

GLIDE_OFF = ";"
"""espeak-ng's name for the tail of a high front vowel: no phone of its own."""


@dataclass(frozen=True)
class Synthesis:
    """Synthetic speech with its truth.

    Parameters
    ----------
    recording
        The sound.
    words
        One interval a written word, from its first phone to its last; pauses are gaps.
    phones
        The phones in espeak-ng's own names, stress marks included (`'i:`); they touch, except at pauses. Two names in
        one interval (`'O: l`) are phones espeak-ng makes in one piece, with no boundary between.
        `otoscope.signal.espeak_phones.arpabet` translates those of American English.
    text, voice
        What was spoken by whom (espeak-ng identifier).
    """

    recording: Recording
    words: Tier
    phones: Tier
    text: str
    voice: str


@dataclass(frozen=True)
class Voice:
    """An espeak-ng voice: its identifier (`gmw/en-US`), English name and language code (`en-us`)."""

    id: str
    name: str
    language: str


@lru_cache(maxsize=1)
def voices() -> tuple[Voice, ...]:
    """Return the voices that can be used, by identifier; each can be combined with any of `variants()`."""
    answer, _ = _ask({})
    return tuple(sorted((Voice(**voice) for voice in answer["voices"]), key=lambda voice: voice.id))


def variants(data: str | None = None) -> tuple[str, ...]:
    """Return the timbres that can be added to a voice with a plus sign: `en-us+f2` is a female voice."""
    return tuple(sorted(path.name for path in (Path(data or data_folder()) / "voices" / "!v").iterdir()))


def data_folder() -> str:
    """Return where espeakng-loader keeps espeak-ng's voices, timbres and rules."""
    return _espeak()["data"]


def synthesize(
    text: str,
    *,
    voice: str = "en-us",
    rate_wpm: int = 160,
    pitch: int = 50,
    pitch_range: int = 50,
    rate_hz: int = 16000,
    data: str | None = None,
) -> Synthesis:
    """Speak a text and say where each word and phone lies. The same arguments give the same samples.

    Numerals and abbreviations are spoken, but timed as the one word they are written as.

    Parameters
    ----------
    text
        Words and punctuation; punctuation makes pauses and intonation.
    voice
        Identifier (`gmw/en-US`), language code (`en-us`) or name, with an optional `+variant`.
    rate_wpm
        Words a minute, 80 to 450.
    pitch, pitch_range
        0 to 99; 50 is the voice's own. Range 0 is a monotone.
    rate_hz
        Samples per second of the result (espeak-ng itself makes 22,050).
    data
        Folder of espeak-ng's data, for timbres of one's own; by default `data_folder()`.

    Raises
    ------
    MissingExtra
        espeakng-loader is not installed.
    BadInput
        There is nothing to speak, or a setting is out of range.
    UnknownName
        No such voice or variant.
    """
    settings = _settings(voice, rate_wpm, pitch, pitch_range, data)
    tokens = [token for token in text.split() if re.search(r"\w", token)]
    if not tokens:
        raise BadInput(f"there is no word to speak in {text!r}")
    spoken, starts = _spaced(tokens)
    found = _spoken({"text": spoken, **settings}, tokens, starts)
    return replace(found, recording=resampled(found.recording, rate_hz), text=text)


def synthesize_named(
    names: Sequence[str],
    *,
    voice: str = "en-us",
    rate_wpm: int = 160,
    pitch: int = 50,
    pitch_range: int = 50,
    rate_hz: int = 16000,
    data: str | None = None,
) -> Synthesis:
    """Speak one word given by espeak-ng's own names of its phones, and say where each lies.

    The names of a written word, as `synthesize` returns them, give the same samples as the word itself. espeak-ng may
    make another phone of one where its rules say so (a flap of a `t` between vowels): the tier tells what it made.

    Parameters
    ----------
    names
        Phones in espeak-ng's names, a stress mark before a vowel: `("b", "'E", "n", "tS")`.
    voice, rate_wpm, pitch, pitch_range, rate_hz, data
        As `synthesize`.

    Raises
    ------
    MissingExtra
        espeakng-loader is not installed.
    BadInput
        There is no phone, a name has a character that espeak-ng's names do not have, or a setting is out of range.
    UnknownName
        No such voice or variant.
    """
    settings = _settings(voice, rate_wpm, pitch, pitch_range, data)
    if not names or not all(re.fullmatch(r"[',%=]?[\w@:?~^*#&-]+", name) for name in names):
        raise BadInput(f"phones in espeak-ng's names are needed, as b 'E n tS; got {' '.join(names) or 'none'}")
    request = {"text": f"[[{'|'.join(names)}]]", "phonemes": True, **settings}
    found = _spoken(request, ["".join(names)], [0])
    return replace(found, recording=resampled(found.recording, rate_hz))


def _settings(voice: str, rate_wpm: int, pitch: int, pitch_range: int, data: str | None) -> dict[str, Any]:
    for name, value, low, high in (("rate_wpm", rate_wpm, 80, 450), ("pitch", pitch, 0, 99)):
        if not low <= value <= high:
            raise BadInput(f"{name} must be {low} to {high}, got {value}")
    if not 0 <= pitch_range <= 99:
        raise BadInput(f"pitch_range must be 0 to 99, got {pitch_range}")
    settings = {"rate_wpm": rate_wpm, "pitch": pitch, "pitch_range": pitch_range}
    return {"voice": voice_identifier(voice, data), **settings, **({} if data is None else {"data": data})}


def _spoken(request: dict[str, Any], tokens: Sequence[str], starts: list[int]) -> Synthesis:
    """Return what espeak-ng makes of a request, at its own rate; `starts`: the character at which each token begins."""
    answer, raw = _ask(request)
    samples: NDArray[np.int16] = np.frombuffer(raw, np.int16)
    phones, words = _tiers(answer["events"], samples, answer["rate_hz"], tokens, starts)
    source = f"espeak-ng {request['voice']}"
    recording = Recording(samples.astype(np.float32) / np.float32(32768), answer["rate_hz"], source)
    return Synthesis(recording, words, phones, request["text"], request["voice"])


def voice_identifier(voice: str, data: str | None = None) -> str:
    """Return the espeak-ng identifier, with its variant, of a voice given by identifier, language code or name.

    espeak-ng itself falls back to another voice without a word when it does not know a variant.
    """
    base, _, variant = voice.partition("+")
    known = {key: v.id for v in voices() for key in (v.name, v.language, v.id)}
    if base not in known:
        raise UnknownName("voice", base, known)
    if variant and variant not in variants(data):
        raise UnknownName("voice variant", variant, variants(data))
    return known[base] + (f"+{variant}" if variant else "")


def _spaced(tokens: Sequence[str]) -> tuple[str, list[int]]:
    """Return the text to speak, and the character at which each token starts in it."""
    text, starts = "", []
    for token in tokens:
        if text:
            text += SEPARATOR if re.search(r"[\w']$", text) else " "
        starts.append(len(text))
        text += token
    return text, starts


def _tiers(
    events: Sequence[Sequence[Any]], samples: NDArray[np.int16], rate_hz: int, tokens: Sequence[str], starts: list[int]
) -> tuple[Tier, Tier]:
    """Return phones and words from espeak-ng's events; a phone ends where the next phone or pause begins."""
    marks, word = [], 0
    for index, (kind, _, position, _, name) in enumerate(events):
        if kind == "word":
            # Positions count from one; after some full stops they are one too low, where no word can be.
            word = int(np.searchsorted(starts, position, side="right")) - 1
        elif name != GLIDE_OFF:
            marks.append((phone_onset(events, index, samples) / rate_hz, name, word))
    marks.append((samples.size / rate_hz, "", word))
    phones: list[Interval] = []
    extents: dict[int, list[Interval]] = {}
    for (start_s, name, word), (end_s, *_) in pairwise(marks):
        if _is_pause(name):
            continue
        of_word = extents.setdefault(word, [])
        if end_s > start_s:
            of_word.append(Interval(start_s, end_s, name, origin="synthetic"))
            phones.append(of_word[-1])
        elif of_word:
            of_word[-1] = phones[-1] = replace(of_word[-1], label=f"{of_word[-1].label} {name}")
    silent = [tokens[i] for i in range(len(tokens)) if not extents.get(i)]
    if silent:
        raise BadInput(f"espeak-ng spoke no separate word for {', '.join(map(repr, silent))}; write it as it is said")
    words = (
        Interval(parts[0].start_s, parts[-1].end_s, _label(tokens[i]), origin="synthetic")
        for i, parts in sorted(extents.items())
    )
    return Tier("phones", tuple(phones)), Tier("words", tuple(words))


def phone_onset(events: Sequence[Sequence[Any]], index: int, samples: NDArray[np.int16]) -> int:
    """Return the sample at which event `index` begins.

    espeak-ng reports a voiceless stop at its burst. The closure before it, a run of exact zeros, belongs to the stop,
    back to the event before at the most. What is not a phone, or follows a pause, begins where it says.
    """
    _, sample, _, _, name = events[index]
    before = events[index - 1] if index else events[index]
    if _is_pause(name) or (before[0] != "word" and _is_pause(before[4])):
        return int(sample)
    earliest = int(before[1])
    sounding = np.flatnonzero(samples[earliest:sample])
    return earliest + (int(sounding[-1]) + 1 if sounding.size else 0)


def _is_pause(name: str) -> bool:
    """Whether an event is none of a phone: espeak-ng's pauses are `_`, `_:`, `_!` or `_|`, or have no name."""
    return not name.strip("_:!|")


def _label(token: str) -> str:
    return re.sub(r"^[^\w']+|[^\w']+$", "", token)


def _espeak() -> dict[str, str]:
    try:
        import espeakng_loader
    except ImportError as error:
        raise MissingExtra("espeakng-loader", "synth", "speech synthesis") from error
    return {"library": espeakng_loader.get_library_path(), "data": espeakng_loader.get_data_path()}


def _ask(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Send one request to a fresh worker; return its answer and the samples."""
    worker = Path(__file__).with_name("espeak_worker.py")
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(worker)],
        input=json.dumps({**_espeak(), **request}).encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise OtoscopeError(
            f"espeak-ng ended with code {done.returncode}: {done.stderr.decode(errors='replace')[-300:]}"
        )
    header, _, raw = done.stdout.partition(b"\n")
    answer = json.loads(header)
    if "error" in answer:
        raise OtoscopeError(answer["error"])
    return answer, raw
