"""Scripts that are written without spaces between words: words in, a text as it is written out."""

from __future__ import annotations

from collections.abc import Sequence

SPACELESS = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x3000, 0x30FF),
    (0x3400, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF00, 0xFFEF),
)
"""Thai and Lao, Myanmar, kana and CJK marks, ideographs, and their full-width forms: first and last code point."""


def is_spaceless(character: str) -> bool:
    """Return whether a character is of a script without spaces between words."""
    return any(first <= ord(character) <= last for first, last in SPACELESS)


def written(words: Sequence[str]) -> str:
    """Return words as a text: a space between two of them unless both sides are of a script without.

    Examples
    --------
    >>> written(["so", "my"]), written(["你", "好。", "OK"])
    ('so my', '你好。 OK')
    """
    text = ""
    for word in words:
        bare = bool(text) and bool(word) and is_spaceless(text[-1]) and is_spaceless(word[0])
        text += word if bare or not text else f" {word}"
    return text
