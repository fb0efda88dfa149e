"""RTTM, who spoke when: `SPEAKER recording channel start duration <NA> <NA> speaker confidence <NA>`.

One `SPEAKER` line a stretch of speech. Where there is a tier `words`, its words are joined into phrases parted by
pauses of 0.5 s or more; otherwise every tier is a speaker. What was said is not written. Read are one Annotation for
each recording and channel, one tier a speaker, labels being the speaker's name; lines of other types are left out.

Source: NIST, The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan, appendix A.
"""

from __future__ import annotations

from otoscope.core.errors import BadFormat
from otoscope.core.timeline import Interval
from otoscope.io.annotation import Annotation
from otoscope.io.captions import group_phrases, speaker_tiers
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
from otoscope.io.stm import speakers_annotation

_OTHER_TYPES = {"SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER", "EDIT", "SU", "IP"}
_OTHER_TYPES |= {"CB", "A/P", "SPKR-INFO"}


def dumps(annotation: Annotation) -> str:
    """Return who spoke when as RTTM, in order of time.

    Raises
    ------
    BadFormat
        Two tiers have one name.
    """
    tiers = speaker_tiers(annotation, group_phrases)
    speakers = [name_field(tier.name, "unknown") for tier in tiers]
    if len(set(speakers)) < len(speakers):
        raise BadFormat(f"RTTM tells tiers by their speaker, got {', '.join(speakers)}")
    turns = [(interval, speaker) for tier, speaker in zip(tiers, speakers, strict=True) for interval in tier]
    place = f"{name_field(annotation.recording_id, 'recording')} {name_field(annotation.channel, '1')}"
    lines = []
    for turn, speaker in sorted(turns, key=lambda pair: (pair[0].start_s, pair[0].end_s)):
        start, end = decimal_s(turn.start_s), decimal_s(turn.end_s)
        confidence = probability_text(turn.score) or "<NA>"
        times = f"{decimal_text(start)} {decimal_text(end - start)}"
        lines.append(f"SPEAKER {place} {times} <NA> <NA> {speaker} {confidence} <NA>\n")
    return "".join(lines)


def loads(text: str) -> tuple[Annotation, ...]:
    """Return the recordings of an RTTM file, each with one tier a speaker in order of appearance.

    Raises
    ------
    BadFormat
        A line of no known type, a `SPEAKER` line of other than nine or ten fields, a time or confidence that is none,
        or overlapping turns of one speaker.
    """
    recordings: dict[tuple[str, str], dict[str, list[Interval]]] = {}
    for number, fields in rows_of(text):
        if fields[0] in _OTHER_TYPES:
            continue
        if fields[0] != "SPEAKER":
            raise BadFormat(f"line {number}: unknown type {fields[0]!r}; RTTM lines of speech begin with SPEAKER")
        if len(fields) not in (9, 10):
            raise BadFormat(f"line {number}: a SPEAKER line has 9 or 10 fields, got {len(fields)}")
        start = parse_time(fields[3], number, "start")
        end = start + parse_time(fields[4], number, "duration")
        score = parse_score(fields[8], number)
        turn = Interval(float(start), float(end), fields[7], score, "annotated")
        recordings.setdefault((fields[1], fields[2]), {}).setdefault(fields[7], []).append(turn)
    return tuple(speakers_annotation(*key, speakers) for key, speakers in recordings.items())


FORMAT = Format("rttm", dumps, loads)
