"""Pronunciations of any English word: a word in, phones and where they come from out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from otoscope.core import BadInput
from otoscope.lexicon.g2p.model import LONGEST, GraphoneModel
from otoscope.lexicon.pronunciations import Phones, cmudict

Origin = Literal["dictionary", "spelled", "inflected", "compound", "guessed"]

MODEL_PATH = Path(__file__).parent.parent / "data" / "g2p-en.safetensors"
_WORD = re.compile(r"[a-z'.-]*[a-z][a-z'.-]*")
_VOWEL = re.compile(r"[aeiouy]")
_INITIALS = re.compile(r"(?:[a-z]\.)+[a-z]?")
_SIBILANTS = {"S", "Z", "SH", "ZH", "CH", "JH"}
_VOICELESS = {"P", "T", "K", "F", "TH"}
_ENDINGS = {"'ll": ("AH", "L"), "'ve": ("V",), "'d": ("D",), "'re": ("ER",), "'m": ("M",), "n't": ("AH", "N", "T")}
# fmt: off
LETTERS: dict[str, Phones] = {
    "a": ("EY",), "b": ("B", "IY"), "c": ("S", "IY"), "d": ("D", "IY"), "e": ("IY",), "f": ("EH", "F"),
    "g": ("JH", "IY"), "h": ("EY", "CH"), "i": ("AY",), "j": ("JH", "EY"), "k": ("K", "EY"), "l": ("EH", "L"),
    "m": ("EH", "M"), "n": ("EH", "N"), "o": ("OW",), "p": ("P", "IY"), "q": ("K", "Y", "UW"), "r": ("AA", "R"),
    "s": ("EH", "S"), "t": ("T", "IY"), "u": ("Y", "UW"), "v": ("V", "IY"),
    "w": ("D", "AH", "B", "AH", "L", "Y", "UW"), "x": ("EH", "K", "S"), "y": ("W", "AY"), "z": ("Z", "IY"),
}
# fmt: on


@dataclass(frozen=True)
class Pronunciation:
    """Phones of a word and where they come from.

    `origin` is `dictionary`; `spelled` (letter by letter); `inflected` or `compound` (from known parts, `compound` also
    where a part is guessed); or `guessed` from the letters, with its log-probability given the spelling.
    """

    phones: Phones
    origin: Origin
    log_prob: float | None = None


def pronounce(word: str, *, n_best: int = 1) -> tuple[Phones, ...]:
    """Return the phones of `pronunciations`, the usual or likeliest first.

    Examples
    --------
    >>> pronounce("cat")
    (('K', 'AE', 'T'),)
    >>> pronounce("B.B.C.")
    (('B', 'IY', 'B', 'IY', 'S', 'IY'),)
    """
    return tuple(pronunciation.phones for pronunciation in pronunciations(word, n_best=n_best))


def pronunciations(word: str, *, n_best: int = 1) -> tuple[Pronunciation, ...]:
    """Return how a word is said.

    All pronunciations of the dictionary; failing that, initials and vowelless words of up to five letters are spelled
    out, words with a hyphen or an apostrophe are put together from their parts, and any other is guessed from its
    letters.

    Parameters
    ----------
    word
        One word of the letters a to z, apostrophe, hyphen and full stop; upper case is the same as lower.
    n_best
        How many guesses to return at most.

    Raises
    ------
    BadInput
        The word is empty, longer than 60 letters, or has other signs; `normalize_words` spells digits out.
    """
    if n_best < 1:
        raise BadInput(f"n_best is 1 or more, got {n_best}")
    plain = word.strip().lower().replace("’", "'")
    if not _WORD.fullmatch(plain) or len(plain) > LONGEST:
        raise BadInput(
            f"cannot pronounce {word[:30]!r}: one word of 1 to {LONGEST} letters a to z, apostrophes, hyphens and full "
            "stops is needed; normalize_words() spells out numbers and signs"
        )
    return _looked_up(plain) or _spelled(plain) or _inflected(plain) or _compound(plain) or _guessed(plain, n_best)


def _looked_up(word: str) -> tuple[Pronunciation, ...]:
    return tuple(Pronunciation(phones, "dictionary") for phones in cmudict().get(word, ()))


def _spelled(word: str) -> tuple[Pronunciation, ...]:
    letters = word.replace(".", "")
    if not letters.isalpha():
        return ()
    if len(letters) == 1 or _INITIALS.fullmatch(word) or (len(letters) <= 5 and not _VOWEL.search(letters)):
        return (Pronunciation(tuple(phone for letter in letters for phone in LETTERS[letter]), "spelled"),)
    return ()


def _inflected(word: str) -> tuple[Pronunciation, ...]:
    """Return a word with a possessive or contracted ending; an apostrophe at the edge is silent."""
    if word.endswith("'s") and word != "'s":
        return tuple(_longer(base, _plural(base.phones)) for base in pronunciations(word[:-2]))
    for ending, phones in _ENDINGS.items():
        if word.endswith(ending) and _VOWEL.search(word[: -len(ending)]):
            return tuple(_longer(base, phones) for base in pronunciations(word[: -len(ending)]))
    if word.strip("'") != word:
        return tuple(_longer(base, ()) for base in pronunciations(word.strip("'")))
    return ()


def _longer(base: Pronunciation, ending: Phones) -> Pronunciation:
    return Pronunciation(
        base.phones + ending, "inflected" if base.origin == "dictionary" else base.origin, base.log_prob
    )


def _plural(phones: Phones) -> Phones:
    if phones[-1] in _SIBILANTS:
        return ("IH", "Z")
    return ("S",) if phones[-1] in _VOICELESS else ("Z",)


def _compound(word: str) -> tuple[Pronunciation, ...]:
    parts = [part for part in re.split(r"[-.]+", word) if part.strip("'")]
    if parts == [word]:
        return ()
    return (Pronunciation(tuple(phone for part in parts for phone in pronounce(part)[0]), "compound"),)


def _guessed(word: str, n_best: int) -> tuple[Pronunciation, ...]:
    found = english_model().decode(word, n_best=n_best)
    if not found:
        raise BadInput(f"cannot pronounce {word!r}: no letter of it would be heard")
    return tuple(Pronunciation(phones, "guessed", log_prob) for phones, log_prob in found)


@cache
def english_model() -> GraphoneModel:
    """Return the model that ships with the package, read once a process; trained on the whole CMU dictionary."""
    return GraphoneModel.load(MODEL_PATH)
