"""CTM, the time-marked words of NIST's sclite: `recording channel start duration word [confidence]`.

Written is the tier `words`, or the only tier there is. The confidence stands where a score is a probability. White
space in a recording's name becomes `_`. Read is one Annotation for each recording and channel, in order of appearance.

Source: NIST SCTK, `doc/infmts.htm`, "ctm".
"""

from __future__ import annotations

from otoscope.core.errors import BadFormat, BadInput
from otoscope.core.timeline import Interval, Tier
from otoscope.io.annotation import WORDS, Annotation, last_end_s
from otoscope.io.formats import Format
from otoscope.io.rows import (
    decimal_s,
    decimal_text,
    name_field,
    parse_score,
    parse_time,
    probability_text,
    rows_of,
)


def dumps(annotation: Annotation) -> str:
    """Return the words as CTM.

    Raises
    ------
    BadFormat
        A word is empty or holds white space, or none of several tiers is named `words`.
    """
    start_of_line = f"{name_field(annotation.recording_id, 'recording')} {name_field(annotation.channel, '1')}"
    if start_of_line.startswith(";;"):
        raise BadFormat(f"CTM reads lines that begin with ;; as comments; rename {annotation.recording_id!r}")
    lines = []
    for word in _words_of(annotation):
        if len(word.label.split()) != 1 or word.label != word.label.strip():
            raise BadFormat(f"CTM holds one word an interval, got {word.label!r} at {word.start_s} s")
        start, end = decimal_s(word.start_s), decimal_s(word.end_s)
        fields = [start_of_line, decimal_text(start), decimal_text(end - start), word.label]
        confidence = probability_text(word.score)
        lines.append(" ".join(fields if confidence is None else [*fields, confidence]))
    return "".join(f"{line}\n" for line in lines)


def loads(text: str) -> tuple[Annotation, ...]:
    """Return the recordings of a CTM file, each with one tier, `words`.

    Raises
    ------
    BadFormat
        A row of other than five or six fields, a time or confidence that is none, alternatives (`<ALT>`), or words
        of one recording that overlap.
    """
    words: dict[tuple[str, str], list[Interval]] = {}
    for number, fields in rows_of(text):
        if any(field.startswith("<ALT") for field in fields[2:5]):
            raise BadFormat(f"line {number}: alternatives (<ALT>) are not read; keep one reading of each word")
        if len(fields) not in (5, 6):
            raise BadFormat(
                f"line {number}: CTM has 5 or 6 fields (recording channel start duration word [confidence]), "
                f"got {len(fields)}"
            )
        start = parse_time(fields[2], number, "start")
        end = start + parse_time(fields[3], number, "duration")
        score = parse_score(fields[5], number) if len(fields) == 6 else None
        word = Interval(float(start), float(end), fields[4], score, "annotated")
        words.setdefault((fields[0], fields[1]), []).append(word)
    return tuple(_annotation(*key, rows) for key, rows in words.items())


def _words_of(annotation: Annotation) -> Tier:
    if annotation.has(WORDS):
        return annotation.tier(WORDS)
    if len(annotation.tiers) == 1:
        return annotation.tiers[0]
    raise BadFormat(f"CTM holds one tier; name one of the {len(annotation.tiers)} tiers {WORDS!r}")


def _annotation(recording: str, channel: str, words: list[Interval]) -> Annotation:
    words = sorted(words, key=lambda word: (word.start_s, word.end_s))
    try:
        tiers = (Tier(WORDS, tuple(words)),)
    except BadInput as error:
        raise BadFormat(f"{recording} channel {channel}: words overlap: {error}") from error
    return Annotation(recording, last_end_s(tiers), tiers, channel)


FORMAT = Format("ctm", dumps, loads)
