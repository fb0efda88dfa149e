"""WebVTT captions (the web's `<track>`), in and out.

Where there is a tier `words`, its words are grouped into captions; otherwise every interval is a caption, and the
name of its tier is its voice (`<v Anna>`). `&`, `<` and `>` are escaped. Read are cues, one tier a voice, without other
markup, settings, notes and styles; of a cue with several voices the first counts. Cues without a voice go to the tier
`captions`, overlapping ones to `captions-2`, …. Empty lines within a caption, and white space at the ends of its lines,
are left out.

Source: W3C, WebVTT: The Web Video Text Tracks Format, sections 4.1 and 6.
"""

from __future__ import annotations

import html
import re

from otoscope.core.errors import BadFormat
from otoscope.core.timeline import Interval
from otoscope.io.annotation import Annotation, disjoint_tiers, last_end_s
from otoscope.io.captions import group_words, speaker_tiers
from otoscope.io.cues import (
    CAPTIONS,
    Block,
    blocks_of,
    clock,
    cue_lines,
    cue_of,
    cues_in_order,
    is_speaker,
    milliseconds,
    timing_of,
)
from otoscope.io.formats import Format

_TIME = r"(?:(\d{2,6}):)?(\d{2}):(\d{2})\.(\d{3})"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]*)>")
_TAG = re.compile(r"<[^>]*>")
_SKIPPED = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s.*)?")


def dumps(annotation: Annotation) -> str:
    """Return the captions as WebVTT.

    Raises
    ------
    BadFormat
        A caption lasts less than a millisecond: WebVTT shows none that end as they begin.
    """
    blocks = ["WEBVTT\n"]
    for caption, tier_name in cues_in_order(speaker_tiers(annotation, group_words)):
        if milliseconds(caption.start_s) == milliseconds(caption.end_s):
            raise BadFormat(f"WebVTT cannot show {caption.label!r} at {caption.start_s} s: it has no length")
        voice = f"<v {_escaped(' '.join(tier_name.split()))}>" if is_speaker(tier_name) else ""
        timing = f"{clock(caption.start_s, '.')} --> {clock(caption.end_s, '.')}"
        blocks.append(f"{timing}\n{voice}{_escaped(cue_lines(caption.label))}\n")
    return "\n".join(blocks)


def loads(text: str) -> tuple[Annotation, ...]:
    """Return the captions as one Annotation without a recording's name.

    Raises
    ------
    BadFormat
        The first line is not `WEBVTT`, a block is neither cue nor note nor style, or a cue ends before it starts.
    """
    blocks = list(blocks_of(text.removeprefix("\ufeff")))
    if not blocks or blocks[0].line != 1 or not re.fullmatch(r"WEBVTT(?:[ \t].*)?", blocks[0].lines[0]):
        raise BadFormat("not WebVTT: the first line must be WEBVTT")
    voices: dict[str, list[Interval]] = {}
    for block in blocks[1:]:
        if not _SKIPPED.fullmatch(block.lines[0]):
            voice, caption = _cue_of(block)
            voices.setdefault(voice, []).append(caption)
    tiers = tuple(tier for voice, cues in voices.items() for tier in disjoint_tiers(cues, voice))
    return (Annotation("", last_end_s(tiers), tiers),)


def _cue_of(block: Block) -> tuple[str, Interval]:
    """Return a cue's voice and interval."""
    head, times = timing_of(block, _TIMING)
    if times is None:
        raise BadFormat(
            f"line {block.line}: a cue needs a line like 00:00:01.000 --> 00:00:02.500, got {block.lines[0][:40]!r}"
        )
    marked = "\n".join(block.lines[head + 1 :])
    voice = _VOICE.search(marked)
    name = " ".join(html.unescape(voice[1]).split()) if voice else ""
    label = html.unescape(_TAG.sub("", marked))
    return name or CAPTIONS, cue_of(times, block.line + head, label)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


FORMAT = Format("vtt", dumps, loads)
