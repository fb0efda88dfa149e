"""How casual and learners' speech departs from the dictionary: changes of single phones that listeners hardly notice.

The changes are those most often found in the Buckeye corpus of conversations (Johnson 2004, "Massive reduction in
conversational American English"; Pitt et al. 2005) and Switchboard (Greenberg 1999, tables 4 and 5): reduced vowels,
flaps, dropped final stops and initial h, n for ng, stopped th.
"""

from __future__ import annotations

from otoscope.decoding.edit_distance import align_sequences

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


def phone_changes(canonical: tuple[str, ...], said: tuple[str, ...]) -> tuple[tuple[str | None, str | None], ...]:
    """Return the phones that differ between two pronunciations, as (canonical, said) with `None` for nothing.

    Examples
    --------
    >>> phone_changes(("K", "AE", "T"), ("K", "AH"))
    (('AE', 'AH'), ('T', None))
    """
    return tuple(
        (
            None if step.reference_index is None else canonical[step.reference_index],
            None if step.hypothesis_index is None else said[step.hypothesis_index],
        )
        for step in align_sequences(canonical, said).operations
        if step.kind != "match"
    )
