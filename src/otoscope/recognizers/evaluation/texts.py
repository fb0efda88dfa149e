"""What a corpus's text and a recogniser's output become before they are compared: words, made alike on both sides.

Both go through `otoscope.lexicon.normalization.normalize_words` (case, punctuation, numbers, abbreviations). Texts of
some corpora begin with what kind they are (`spelled:`, `digits:`, `address:`, `notwake:`): that is left out. Where
digits are read one by one, people say "oh" for zero, and "double five": in texts marked `digits:` these are spelled
out, in reference and hypothesis alike. Elsewhere nothing is: "one oh seven" for a prompt "107" counts as errors.
"""

from __future__ import annotations

import re

from otoscope.core import BadInput
from otoscope.lexicon.normalization import normalize_words

MARKS = ("spelled", "digits", "address", "notwake")
"""What a text may begin with, followed by a colon, that nobody says."""

_MARK = re.compile(rf"\s*({'|'.join(MARKS)}):\s*", re.IGNORECASE)
_NO_TRANSCRIPT = re.compile(r"\s*(rttm:|\w*\s*\{.*\}\s*$)", re.IGNORECASE)
_ZERO = {"oh": "zero", "o": "zero", "nought": "zero"}
_TIMES = {"double": 2, "triple": 3}


def mark_of(text: str) -> str:
    """Return the mark a text begins with, or nothing.

    Examples
    --------
    >>> mark_of("digits: 1 9 2"), mark_of("so my fellow listeners")
    ('digits', '')
    """
    found = _MARK.match(text)
    return found.group(1).lower() if found else ""


def reference_words(text: str) -> tuple[str, ...]:
    """Return the words of a corpus's text.

    Raises
    ------
    BadInput
        The text is no transcript (a meaning as JSON, or a reference to speaker turns).

    Examples
    --------
    >>> reference_words("digits: 1 9 0 5"), reference_words("spelled: A L / B O")
    (('one', 'nine', 'zero', 'five'), ('a', 'l', 'b', 'o'))
    """
    if _NO_TRANSCRIPT.match(text):
        raise BadInput(f"{text!r} says what is meant or who speaks, not which words are said: it has no error rate")
    mark = mark_of(text)
    return _spelled_out(normalize_words(_MARK.sub("", text, count=1) if mark else text), mark)


def hypothesis_words(text: str, reference: str) -> tuple[str, ...]:
    """Return the words that were heard, made like those of the corpus's text `reference`.

    Examples
    --------
    >>> hypothesis_words("one nine oh double five", "digits: 1 9 0 5 5")
    ('one', 'nine', 'zero', 'five', 'five')
    """
    return _spelled_out(normalize_words(text), mark_of(reference))


def _spelled_out(words: tuple[str, ...], mark: str) -> tuple[str, ...]:
    if mark != "digits":
        return words
    spelled: list[str] = []
    times = 1
    for index, word in enumerate(words):
        if word in _TIMES and index + 1 < len(words):
            times = _TIMES[word]
            continue
        spelled += [_ZERO.get(word, word)] * times
        times = 1
    return tuple(spelled)
