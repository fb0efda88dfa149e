"""English text as people write it in, words as a pronunciation dictionary spells them out.

Case, punctuation and typographic quotes go; apostrophes inside a word stay; numbers, common abbreviations and a few
signs are spelled out. Nothing is guessed silently: a word that is still unknown is for the caller to report.
"""

from __future__ import annotations

import re
import unicodedata

# fmt: off
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
# fmt: on
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_ABBREVIATIONS = {"mr.": "mister", "mrs.": "missus", "dr.": "doctor", "st.": "saint", "prof.": "professor"}
_SIGNS = {"&": " and ", "%": " percent ", "+": " plus ", "=": " equals ", "@": " at "}
_WHOLE = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)"
"""Commas belong to a number only where they part thousands."""
_NUMBER = re.compile(rf"{_WHOLE}(?:st|nd|rd|th|\.\d+)?")


def cardinal(number: int) -> tuple[str, ...]:
    """Return a whole number in words, up to 999 trillion.

    Examples
    --------
    >>> " ".join(cardinal(1042))
    'one thousand forty two'
    """
    if number < 20:
        return (_ONES[number],)
    if number < 100:
        return (_TENS[number // 10], *(cardinal(number % 10) if number % 10 else ()))
    for size, name in _SCALES:
        if number >= size:
            rest = cardinal(number % size) if number % size else ()
            return (*cardinal(number // size), name, *rest)
    raise AssertionError("unreachable: every number of 100 or more has a scale")


def _ordinal(number: int) -> tuple[str, ...]:
    *head, last = cardinal(number)
    if last in _ORDINALS:
        return (*head, _ORDINALS[last])
    return (*head, last[:-1] + "ieth" if last.endswith("y") else last + "th")


def _spelled(match: re.Match[str]) -> str:
    text = match.group().replace(",", "")
    if text[-1].isalpha():
        return " " + " ".join(_ordinal(int(text[:-2]))) + " "
    whole, _, fraction = text.partition(".")
    if len(whole) > 15 or (len(whole) > 1 and whole.startswith("0")):
        words = tuple(_ONES[int(digit)] for digit in whole)
    else:
        words = cardinal(int(whole))
    if fraction:
        words += ("point", *(_ONES[int(digit)] for digit in fraction))
    return " " + " ".join(words) + " "


def normalize_words(text: str) -> tuple[str, ...]:
    """Return the words of a text: lower case, no punctuation, numbers spelled out.

    Examples
    --------
    >>> normalize_words("Mr. O'Neil’s 21st — “don't”, 3.5%!")
    ('mister', "o'neil's", 'twenty', 'first', "don't", 'three', 'point', 'five', 'percent')
    """
    text = unicodedata.normalize("NFKD", text.lower()).replace("’", "'").replace("‘", "'").replace("ʼ", "'")
    text = "".join(char for char in text if not unicodedata.combining(char))
    text = " ".join(_ABBREVIATIONS.get(word, word) for word in text.split())
    text = _NUMBER.sub(_spelled, text)
    for sign, name in _SIGNS.items():
        text = text.replace(sign, name)
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)*'?|'[^\W_]+(?:'[^\W_]+)*", text)
    return tuple(word.rstrip("'") if not word.endswith("s'") else word for word in words)
