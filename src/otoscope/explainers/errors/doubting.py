"""Words that nobody may have said: what a recogniser that can doubt its own words has against each of them."""

from __future__ import annotations

from otoscope.core import Finding, NotAble, Recognizer, Recording


def doubts(recognizer: Recognizer, recording: Recording) -> Finding:
    """Return a row for each word heard, with the probability that it was made up and why, and a table of doubts.

    Parameters
    ----------
    recognizer
        One with a method `doubted(recording) -> Finding`, as Whisper has.
    recording
        It is heard anew, and then again with parts of it silenced.

    Raises
    ------
    NotAble
        The recogniser has no doubts about its words.
    """
    doubted = getattr(recognizer, "doubted", None)
    if doubted is None:
        raise NotAble(f"recogniser {recognizer.name!r} cannot doubt its words; Whisper can")
    found: Finding = doubted(recording)
    return found
