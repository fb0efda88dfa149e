"""How casual and learners' speech departs from the dictionary: changes of single phones that listeners hardly notice.

A short list after the kinds that studies of conversation describe (Greenberg 1999; Johnson 2004): reduced vowels,
flaps, dropped final stops and initial h, n for ng, stopped th. It is not complete, and says nothing of how often.
"""

from __future__ import annotations

VOWELS = frozenset(["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"])
WEAK = frozenset({"AH", "IH", "ER", "UH"})
"""What vowels are reduced to."""
DROPPED = frozenset({"T", "D", "HH", "DH", "AH", "IH", "V", "K", "G", "P", "B", "R", "L", "Y"})
"""Phones that are dropped in fast speech."""
EXCHANGED = frozenset(
    {("T", "D"), ("D", "T"), ("NG", "N"), ("DH", "D"), ("TH", "T"), ("TH", "F"), ("DH", "V"), ("Z", "S"), ("V", "F")}
    | {("IY", "IH"), ("UW", "UH"), ("EY", "EH"), ("AE", "EH"), ("AO", "AA"), ("ZH", "SH"), ("D", "JH"), ("T", "CH")}
)
"""(as in the dictionary, as it is said)."""


def is_reduction(canonical: str | None, said: str | None) -> bool:
    """Return whether saying one phone for another (or for none) is a common change of casual speech.

    Examples
    --------
    >>> is_reduction("NG", "N"), is_reduction("T", None), is_reduction("K", "S")
    (True, True, False)
    """
    if canonical is None:
        return False
    if said is None:
        return canonical in DROPPED
    reduced = canonical in VOWELS and said in WEAK
    return canonical == said or reduced or (canonical, said) in EXCHANGED
