"""Articulatory features of the 39 ARPAbet phones: manner, place, voicing; height and backness of vowels.

Source: the pulmonic consonants and the vowel chart of the International Phonetic Alphabet, with the usual values of
American English (Ladefoged and Johnson, A Course in Phonetics, 7th edition, tables 2.1 and 2.2, figure 4.2). A
diphthong has the height and backness of where it begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

FEATURES = ("manner", "place", "voicing", "height", "backness")
"""Names of the features."""


@dataclass(frozen=True)
class PhoneFeatures:
    """How a phone is made; `place` is `None` for vowels, `height` and `backness` for consonants.

    `manner`: stop, affricate, fricative, nasal, liquid, glide, vowel or diphthong. `place`: bilabial, labiodental,
    dental, alveolar, postalveolar, palatal, velar, labiovelar or glottal. `voicing`: voiced or voiceless. `height`:
    high, mid or low. `backness`: front, central or back.
    """

    manner: str
    place: str | None
    voicing: str
    height: str | None = None
    backness: str | None = None


_CONSONANTS = """
P stop bilabial voiceless; B stop bilabial voiced; T stop alveolar voiceless; D stop alveolar voiced;
K stop velar voiceless; G stop velar voiced; CH affricate postalveolar voiceless; JH affricate postalveolar voiced;
F fricative labiodental voiceless; V fricative labiodental voiced; TH fricative dental voiceless;
DH fricative dental voiced; S fricative alveolar voiceless; Z fricative alveolar voiced;
SH fricative postalveolar voiceless; ZH fricative postalveolar voiced; HH fricative glottal voiceless;
M nasal bilabial voiced; N nasal alveolar voiced; NG nasal velar voiced; L liquid alveolar voiced;
R liquid postalveolar voiced; W glide labiovelar voiced; Y glide palatal voiced
"""
_VOWELS = """
IY vowel high front; IH vowel high front; EH vowel mid front; AE vowel low front; AA vowel low back; AO vowel mid back;
UH vowel high back; UW vowel high back; AH vowel mid central; ER vowel mid central; EY diphthong mid front;
OW diphthong mid back; AY diphthong low central; AW diphthong low central; OY diphthong mid back
"""


def _table() -> dict[str, PhoneFeatures]:
    found = {}
    for phone, manner, place, voicing in (entry.split() for entry in _CONSONANTS.split(";")):
        found[phone] = PhoneFeatures(manner, place, voicing)
    for phone, manner, height, backness in (entry.split() for entry in _VOWELS.split(";")):
        found[phone] = PhoneFeatures(manner, None, "voiced", height, backness)
    return found


PHONE_FEATURES: Mapping[str, PhoneFeatures] = MappingProxyType(_table())
"""Features of each ARPAbet phone, without stress."""


def feature_of(phone: str, feature: str) -> str | None:
    """Return a feature of an ARPAbet phone, stress digit or not; `None` where it has none, or is no such phone.

    Examples
    --------
    >>> feature_of("S", "place"), feature_of("IY1", "height"), feature_of("S", "height"), feature_of("SIL", "manner")
    ('alveolar', 'high', None, None)
    """
    known = PHONE_FEATURES.get(phone.upper().rstrip("012"))
    value: str | None = getattr(known, feature) if known is not None else None
    return value
