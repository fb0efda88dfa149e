"""espeak-ng's names of American English phones, and ARPAbet's."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from otoscope.core import Interval, Tier, UnknownName

_VOWELS = (
    "i:=IY i=IY I=IH I#=IH I2=IH E=EH a=AE aa=AE a#=AH A:=AA 0=AA O:=AO O=AO O2=AO oU=OW U=UH u:=UW u=UW V=AH "
    "@=AH @2=AH @5=AH @-=AH 3=ER 3:=ER eI=EY aI=AY aU=AW OI=OY A@=AA_R O@=AO_R o@=AO_R e@=EH_R i@=IY_AH i@3=IH_R "
    "U@=UH_R aI@=AY_AH aI3=AY_ER aU@=AW_ER @L=AH_L"
)
_CONSONANTS = (
    "p=P b=B t=T t#=T t2=T d=D d#=D k=K g=G tS=CH dZ=JH f=F v=V T=TH D=DH s=S z=Z z#=Z S=SH Z=ZH h=HH x=K m=M n=N "
    "n-=AH_N N=NG l=L r=R r-=R w=W j=Y ?=T"
)
ARPABET: dict[str, tuple[str, ...]] = {
    name: tuple(symbols.split("_"))
    for name, _, symbols in (entry.partition("=") for entry in f"{_VOWELS} {_CONSONANTS}".split())
}
"""ARPAbet symbols, without stress, of each phone that espeak-ng's voice `gmw/en-US` uses."""


def arpabet(label: str) -> tuple[str, ...]:
    """Return the ARPAbet symbols of a phone label; vowels with r, and phones made in one piece, are more than one.

    Stress is left out: `'` and `,` before a name. The flap `t#` and the glottal stop count as T, as in CMUdict.

    Raises
    ------
    UnknownName
        espeak-ng's American voice has no such phone.

    Examples
    --------
    >>> arpabet("'A@"), arpabet("'O: l")
    (('AA', 'R'), ('AO', 'L'))
    """
    symbols: list[str] = []
    for name in label.split():
        bare = name.lstrip("',%=")
        if bare not in ARPABET:
            raise UnknownName("espeak-ng phone of American English", name, ARPABET)
        symbols.extend(ARPABET[bare])
    return tuple(symbols)


def arpabet_tier(phones: Tier) -> Tier:
    """Return a tier of espeak-ng's phones as ARPAbet phones, one an interval.

    Phones made in one piece (`A@` is AA and R) share its time evenly; their intervals say so: origin `interpolated`.

    Raises
    ------
    UnknownName
        espeak-ng's American voice has no such phone.
    """
    found: list[Interval] = []
    for interval in phones:
        symbols = arpabet(interval.label)
        width = interval.duration_s / len(symbols)
        origin = interval.origin if len(symbols) == 1 else "interpolated"
        for place, symbol in enumerate(symbols):
            last = place == len(symbols) - 1
            start_s = interval.start_s + place * width
            found.append(Interval(start_s, interval.end_s if last else start_s + width, symbol, origin=origin))
    return Tier(phones.name, tuple(found))


_NAMES = (
    "AA=A: AE=a AH=V AO=O: AW=aU AY=aI EH=E ER=3: EY=eI IH=I IY=i: OW=oU OY=OI UH=U UW=u: P=p B=b T=t D=d K=k G=g "
    "CH=tS JH=dZ F=f V=v TH=T DH=D S=s Z=z SH=S ZH=Z HH=h M=m N=n NG=N L=l R=r W=w Y=j"
)
ESPEAK_NAMES: dict[str, str] = {symbol: name for symbol, _, name in (entry.partition("=") for entry in _NAMES.split())}
"""espeak-ng's name of each ARPAbet phone, vowels stressed."""

WITH_R = {"AA": "A@", "AO": "O@", "EH": "e@", "IH": "i@3", "UH": "U@"}
"""Vowels that espeak-ng makes in one piece with an R that no vowel follows."""


def espeak_names(phones: Sequence[str], *, stressed: Collection[int], secondary: Collection[int] = ()) -> list[str]:
    """Return ARPAbet phones in espeak-ng's names, as its American voice would say a word.

    Unstressed AH is a schwa (not before R, where espeak-ng would make ER of it); a vowel and an R that no vowel
    follows become one phone.

    Parameters
    ----------
    phones
        ARPAbet, without stress.
    stressed, secondary
        Places of the vowels with primary and with secondary stress.

    Raises
    ------
    UnknownName
        No ARPAbet phone.

    Examples
    --------
    >>> espeak_names(("K", "AA", "R", "T", "AH", "N"), stressed=[1])
    ['k', "'A@", 't', '@', 'n']
    """
    vowels = {symbol for symbol in ESPEAK_NAMES if symbol[0] in "AEIOU"}
    found: list[str] = []
    place = 0
    while place < len(phones):
        phone, after = phones[place], tuple(phones[place + 1 : place + 3])
        if phone not in ESPEAK_NAMES:
            raise UnknownName("ARPAbet phone", phone, ESPEAK_NAMES)
        name, width = ESPEAK_NAMES[phone], 1
        if phone in WITH_R and after[:1] == ("R",) and (len(after) < 2 or after[1] not in vowels):
            name, width = WITH_R[phone], 2
        elif place not in stressed and place not in secondary:
            name = {"AH": "V" if after[:1] == ("R",) else "@", "ER": "3"}.get(phone, name)
        mark = "'" if place in stressed else "," if place in secondary else ""
        found.append(f"{mark}{name}" if phone in vowels else name)
        place += width
    return found
