"""espeak-ng's names of American English phones, and ARPAbet's."""

from __future__ import annotations

from otoscope.core import UnknownName

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
