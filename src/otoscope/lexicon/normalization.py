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
_ABBREVIATIONS = {
    "mr.": "mister",
    "mrs.": "missus",
    "messrs.": "messieurs",
    "dr.": "doctor",
    "st.": "saint",
    "prof.": "professor",
    "rev.": "reverend",
    "capt.": "captain",
    "col.": "colonel",
    "lt.": "lieutenant",
    "sgt.": "sergeant",
    "jr.": "junior",
    "sr.": "senior",
    "etc.": "et cetera",
    "vs.": "versus",
}
_MARK = re.compile(r"\A\s*(?:spelled|digits|address|notwake):\s")
"""Labels that some corpora put before a prompt; they are not said."""
_ROMAN = r"(?:X{0,3}(?:IX|IV|V?I{0,3}))"
_NUMBERED = re.compile(
    rf"\b(chapter|book|volume|vol|part|act|scene|section|canto|war|type|phase)\.?\s+(?=[IVX]{{2}}|[VX]\b)({_ROMAN})\b",
    re.IGNORECASE,
)
_RULER = re.compile(
    r"\b(Henry|Louis|George|Charles|Edward|James|William|Richard|Philip|Napoleon|Elizabeth|Pius|John Paul)\s+"
    rf"(?=[IVX]{{2}}|[VX]\b)({_ROMAN})\b"
)
_CURRENCIES = {"$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "pence")}
_SCALE_WORDS = r"(\s+(?:thousand|million|billion|trillion)\b)?"
_MONEY = re.compile(rf"([$€£])\s?((?:\d{{1,3}}(?:,\d{{3}})+|\d+))(?:\.(\d\d))?(?!\d|\.\d|,\d){_SCALE_WORDS}")
_TIME = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)\b(?![:.]\d)")
_DECADE = re.compile(r"\b(1[1-9]|20)([1-9]0)'?s\b")
_YEAR = re.compile(r"(?<![\d.,:])(1[1-9]\d\d|20[1-9]\d)(?![\d:]|[.,]\d|st|nd|rd|th)")
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


def _roman(numeral: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10}[letter] for letter in numeral]
    return sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))


def _money(match: re.Match[str]) -> str:
    sign, whole, cents, scale = match.groups()
    unit, part = _CURRENCIES[sign]
    amount = int(whole.replace(",", ""))
    if scale:
        return f" {whole}{'.' + cents if cents else ''} {scale} {unit}s "
    units = f"{whole} {unit if amount == 1 else unit + 's'}"
    if not cents or int(cents) == 0:
        return f" {units} "
    one, many = ("penny", "pence") if part == "pence" else (part, part + "s")
    parts = f"{int(cents)} {one if int(cents) == 1 else many}"
    return f" {units} and {parts} " if amount else f" {parts} "


def _time(match: re.Match[str]) -> str:
    hours, minutes = int(match[1]), int(match[2])
    if minutes == 0:
        return f" {hours} o'clock " if 1 <= hours <= 12 else f" {hours} hundred "
    return f" {hours} oh {minutes} " if minutes < 10 else f" {hours} {minutes} "


def _year(match: re.Match[str]) -> str:
    century, rest = divmod(int(match[1]), 100)
    if rest == 0:
        return f" {century} hundred "
    return f" {century} oh {rest} " if rest < 10 else f" {century} {rest} "


def _decade(match: re.Match[str]) -> str:
    tens = cardinal(int(match[2]))[0]
    name = tens + "s" if not tens.endswith("y") else tens[:-1] + "ies"
    return f" {int(match[1])} {name} "


def _expanded(text: str) -> str:
    """Rewrite what is said otherwise than its digits and signs: money, times, years, decades and Roman numerals."""
    text = _MARK.sub("", text)
    text = _NUMBERED.sub(lambda m: f"{m[1]} {_roman(m[2].upper())}" if m[2] and m[2].isupper() else m[0], text)
    text = _RULER.sub(lambda m: f"{m[1]} the {' '.join(_ordinal(_roman(m[2])))}", text)
    text = _MONEY.sub(_money, text)
    text = _TIME.sub(_time, text)
    text = _DECADE.sub(_decade, text)
    return _YEAR.sub(_year, text)


def normalize_words(text: str) -> tuple[str, ...]:
    """Return the words of a text: lower case, no punctuation, numbers spelled out as they are mostly read.

    Four digits from 1100 to 1999 and from 2010 to 2099 are read as a year; Roman numerals only after words such as
    "Chapter" and the names of rulers. Labels such as `digits:` before the prompts of some corpora are dropped.

    Examples
    --------
    >>> normalize_words("Mr. O'Neil’s 21st — “don’t”, 3.5%!")
    ('mister', "o'neil's", 'twenty', 'first', "don't", 'three', 'point', 'five', 'percent')
    >>> " ".join(normalize_words("At 10:05 in 1984, Chapter IV cost $3.50."))
    'at ten oh five in nineteen eighty four chapter four cost three dollars and fifty cents'
    """
    text = unicodedata.normalize("NFKD", text).replace("’", "'").replace("‘", "'").replace("ʼ", "'")
    text = "".join(char for char in text if not unicodedata.combining(char))
    text = _expanded(text).lower()
    text = " ".join(_ABBREVIATIONS.get(word, word) for word in text.split())
    text = _NUMBER.sub(_spelled, text)
    for sign, name in _SIGNS.items():
        text = text.replace(sign, name)
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)*'?|'[^\W_]+(?:'[^\W_]+)*", text)
    return tuple(word.rstrip("'") if not word.endswith("s'") else word for word in words)
