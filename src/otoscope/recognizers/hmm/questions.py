"""What a decision tree may ask of a neighbouring phone: classes of manner, place, voicing and vowel quality.

Classes of English phones in ARPAbet, after the questions of Young, Odell & Woodland (1994) and Ladefoged (1975).
"""

from __future__ import annotations

from collections.abc import Sequence

from otoscope.recognizers.hmm.topology import SILENCE

CLASSES: dict[str, str] = {
    "silence": SILENCE,
    "stop": "B D G P T K",
    "voiced stop": "B D G",
    "voiceless stop": "P T K",
    "fricative": "F V TH DH S Z SH ZH HH",
    "voiced fricative": "V DH Z ZH",
    "voiceless fricative": "F TH S SH HH",
    "sibilant": "S Z SH ZH CH JH",
    "affricate": "CH JH",
    "nasal": "M N NG",
    "liquid": "L R",
    "glide": "W Y",
    "approximant": "L R W Y",
    "rhotic": "R ER",
    "sonorant consonant": "M N NG L R W Y",
    "voiceless": "P T K F TH S SH HH CH",
    "voiced obstruent": "B D G V DH Z ZH JH",
    "obstruent": "P T K B D G F V TH DH S Z SH ZH CH JH",
    "labial": "P B M F V W",
    "bilabial": "P B M W",
    "labiodental": "F V",
    "dental": "TH DH",
    "alveolar": "T D N S Z L R",
    "alveolar stop or nasal": "T D N",
    "alveolar fricative": "S Z",
    "palatal": "SH ZH CH JH Y",
    "velar": "K G NG",
    "dorsal": "K G NG HH W",
    "coronal": "T D N S Z L R TH DH SH ZH CH JH",
    "anterior": "P B M F V TH DH T D N S Z L",
    "consonant": "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH",
    "vowel": "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW",
    "front vowel": "IY IH EY EH AE",
    "central vowel": "AH ER",
    "back vowel": "UW UH OW AO AA",
    "high vowel": "IY IH UW UH",
    "mid vowel": "EY EH AH ER OW",
    "low vowel": "AE AA AO AW AY",
    "high front vowel": "IY IH",
    "high back vowel": "UW UH",
    "rounded vowel": "UW UH OW AO OY",
    "tense vowel": "IY EY UW OW AO AA",
    "lax vowel": "IH EH AE AH UH",
    "diphthong": "AW AY EY OW OY",
    "rising to front": "AY EY OY IY Y",
    "rising to back": "AW OW UW W",
    "starts front": "IY IH EY EH AE Y",
    "starts low": "AA AE AO AW AY",
    "starts back": "UW UH OW AO AA OY W",
    "front high or palatal": "IY IH EY Y SH ZH CH JH",
    "round or labial": "UW UH OW AO OY W P B M F V",
}
"""Name of a class → its phones."""


def questions(phones: Sequence[str]) -> tuple[tuple[str, frozenset[str]], ...]:
    """Return (name, class) of what can be asked about these phones: the classes above, and each phone by itself.

    Phones that are not ARPAbet only get a question of their own. Classes that hold none or all of the phones, or the
    same as another, are left out.
    """
    known = frozenset((*phones, SILENCE))
    asked: dict[frozenset[str], str] = {}
    for name, members in CLASSES.items():
        asked.setdefault(frozenset(members.split()) & known, name)
    for phone in sorted(known):
        asked.setdefault(frozenset((phone,)), phone)
    return tuple((name, members) for members, name in asked.items() if members and members != known)
