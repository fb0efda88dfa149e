"""Phones as people write them: parted by spaces, one character each, or IPA in one string."""

from __future__ import annotations

import re
import unicodedata

from otoscope.core import BadFormat, UnknownName
from otoscope.lexicon.phone_features import PHONE_FEATURES
from otoscope.lexicon.pronunciations import Phones

WRITINGS = ("spaced", "characters", "ipa")
"""`spaced`: `B EH D`; `characters`: every character is a phone; `ipa`: letters with their diacritics, `tʰɛ̃ː`."""

_TIES = "\u0361\u035c"
_BOUNDARIES = "ˈˌ.'‿ -|‖/[]"
_LENGTH_AND_TONE = "ːˑ˞" + "˥˦˧˨˩"
_STRESSED = re.compile(r"([A-Z]{2})[012]")


def parse_phones(text: str, writing: str = "spaced") -> Phones:
    """Return the phones of a string.

    Stress is left out: the digits of ARPAbet vowels (`AH0`), and IPA's marks. IPA diacritics, length, aspiration and
    tone belong to the letter before them; a tie bar makes one phone of two letters.

    Raises
    ------
    BadFormat
        There is no phone, or a diacritic with no letter before it.
    UnknownName
        No such way of writing.

    Examples
    --------
    >>> parse_phones("B EH1 D"), parse_phones("bɛd", "characters"), parse_phones("ˈt͡ʃʰiːz", "ipa")
    (('B', 'EH', 'D'), ('b', 'ɛ', 'd'), ('t͡ʃʰ', 'iː', 'z'))
    """
    if writing not in WRITINGS:
        raise UnknownName("way of writing phones", writing, WRITINGS)
    if writing == "ipa":
        phones = _ipa(text)
    else:
        phones = tuple(text.split()) if writing == "spaced" else tuple("".join(text.split()))
    if not phones:
        raise BadFormat(f"there are no phones in {text!r}")
    return tuple(_without_stress(phone) for phone in phones)


def _without_stress(phone: str) -> str:
    found = _STRESSED.fullmatch(phone)
    return found[1] if found and found[1] in PHONE_FEATURES else phone


def _ipa(text: str) -> Phones:
    phones: list[str] = []
    tied = False
    for character in unicodedata.normalize("NFD", text):
        if character in _BOUNDARIES:
            continue
        attached = unicodedata.category(character) in ("Mn", "Lm", "Sk") or character in _LENGTH_AND_TONE
        if not (attached or tied):
            phones.append(character)
        elif phones:
            phones[-1] += character
        else:
            raise BadFormat(f"the IPA string {text!r} begins with {character!r}, which belongs to a letter before it")
        tied = character in _TIES
    return tuple(unicodedata.normalize("NFC", phone) for phone in phones)
