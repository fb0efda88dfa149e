"""What caused an error, decided by evidence in a fixed order; each decision comes with its reason."""

from __future__ import annotations

from dataclasses import dataclass

CAUSES = ("vocabulary", "search", "language model", "pronunciation", "acoustic")
"""In the order in which they are considered."""


@dataclass(frozen=True)
class Evidence:
    """What is known of a passage that was misheard.

    Parameters
    ----------
    unknown
        Words said that the recogniser cannot hear at all.
    margin
        How much better the text heard scores than the one with this passage as it was said, in nats; negative where the
        sound prefers what was said. `None` where it cannot be told.
    mended_by_search
        Whether a wider search hears what was said; `None` where the search cannot be widened.
    weighs_language
        Whether the scores leave out a language model that the recogniser decides with.
    reduced
        Whether all phones that differ are changes that are common in casual speech; `None` where the phones are not
        known.
    """

    unknown: tuple[str, ...] = ()
    margin: float | None = None
    mended_by_search: bool | None = None
    weighs_language: bool = True
    reduced: bool | None = None


def cause_of(evidence: Evidence) -> tuple[str, str]:
    """Return the cause of an error (of `CAUSES`) and the reason for it.

    Examples
    --------
    >>> cause_of(Evidence(margin=-2.0, mended_by_search=False))
    ('language model', 'the sound prefers what was said by 2.0 nats, and a wider search changes nothing')
    """
    if evidence.unknown:
        return "vocabulary", f"it does not know {', '.join(evidence.unknown)}"
    if evidence.mended_by_search:
        return "search", "a wider search hears what was said"
    if evidence.margin is not None and evidence.margin < 0:
        prefers = f"the sound prefers what was said by {-evidence.margin:.1f} nats"
        if not evidence.weighs_language:
            return "search", f"{prefers}, and the score is all that it decides by"
        searched = ", and a wider search changes nothing" if evidence.mended_by_search is False else ""
        return "language model", prefers + searched
    if evidence.reduced:
        return "pronunciation", "every phone that differs is a change common in casual speech"
    if evidence.margin is None:
        return "acoustic", "the sound was taken for something else; how clearly cannot be told"
    return "acoustic", f"the sound itself prefers what was heard by {evidence.margin:.1f} nats"
