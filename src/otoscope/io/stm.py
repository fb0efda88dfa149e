"""STM, the segment transcripts of NIST's sclite: `recording channel speaker start end [<labels>] transcript`.

One line a stretch of speech. Where there is a tier `words`, its words are joined into phrases parted by pauses of 0.5 s
or more; otherwise every tier is a speaker. Read are one Annotation for each recording and channel, one tier a speaker;
the label field (`<o,f0,male>`) is left out. White space within a transcript becomes single spaces, in names `_`.

Source: NIST SCTK, `doc/infmts.htm`, "stm".
"""

from __future__ import annotations

from otoscope.core.errors import BadFormat, BadInput
from otoscope.core.timeline import Interval, Tier
from otoscope.io.annotation import Annotation, last_end_s
from otoscope.io.captions import group_phrases, speaker_tiers
from otoscope.io.formats import Format
from otoscope.io.rows import decimal_s, decimal_text, name_field, parse_time, rows_of


def dumps(annotation: Annotation) -> str:
    """Return what each speaker said as STM, in order of time.

    Raises
    ------
    BadFormat
        The recording's name begins with `;;`, which marks a comment, or two tiers have one name.
    """
    recording = name_field(annotation.recording_id, "recording")
    if recording.startswith(";;"):
        raise BadFormat(f"STM reads lines that begin with ;; as comments; rename {annotation.recording_id!r}")
    tiers = speaker_tiers(annotation, group_phrases)
    speakers = [name_field(tier.name, "unknown") for tier in tiers]
    if len(set(speakers)) < len(speakers):
        raise BadFormat(f"STM tells tiers by their speaker, got {', '.join(speakers)}")
    spoken = [(interval, speaker) for tier, speaker in zip(tiers, speakers, strict=True) for interval in tier]
    lines = []
    for interval, speaker in sorted(spoken, key=lambda pair: (pair[0].start_s, pair[0].end_s)):
        transcript = " ".join(interval.label.split())
        if transcript.startswith("<"):
            transcript = f"<o> {transcript}"
        times = f"{decimal_text(decimal_s(interval.start_s))} {decimal_text(decimal_s(interval.end_s))}"
        lines.append(f"{recording} {name_field(annotation.channel, '1')} {speaker} {times} {transcript}".rstrip())
    return "".join(f"{line}\n" for line in lines)


def loads(text: str) -> tuple[Annotation, ...]:
    """Return the recordings of an STM file, each with one tier a speaker in order of appearance.

    Raises
    ------
    BadFormat
        A row of fewer than five fields, a time that is none, an end before its start, or overlapping stretches of
        one speaker.
    """
    recordings: dict[tuple[str, str], dict[str, list[Interval]]] = {}
    for number, fields in rows_of(text):
        if len(fields) < 5:
            raise BadFormat(
                f"line {number}: STM has at least 5 fields (recording channel speaker start end …), got {len(fields)}"
            )
        start, end = parse_time(fields[3], number, "start"), parse_time(fields[4], number, "end")
        if end < start:
            raise BadFormat(f"line {number}: the end {end} lies before the start {start}")
        words = fields[5:]
        if words and words[0].startswith("<") and words[0].endswith(">"):
            words = words[1:]
        spoken = Interval(float(start), float(end), " ".join(words), origin="annotated")
        recordings.setdefault((fields[0], fields[1]), {}).setdefault(fields[2], []).append(spoken)
    return tuple(speakers_annotation(*key, speakers) for key, speakers in recordings.items())


def speakers_annotation(recording: str, channel: str, speakers: dict[str, list[Interval]]) -> Annotation:
    """Return an Annotation of one tier a speaker; raises `BadFormat` where a speaker's stretches overlap."""
    try:
        tiers = tuple(
            Tier(name, tuple(sorted(rows, key=lambda i: (i.start_s, i.end_s)))) for name, rows in speakers.items()
        )
    except BadInput as error:
        raise BadFormat(f"{recording} channel {channel}: one speaker's stretches overlap: {error}") from error
    return Annotation(recording, last_end_s(tiers), tiers, channel)


FORMAT = Format("stm", dumps, loads)
