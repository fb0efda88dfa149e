"""SubRip captions (SRT), in and out.

Where there is a tier `words`, its words are grouped into captions; otherwise every interval is a caption, in order of
time over all tiers. Who speaks is not written. SubRip knows no escapes of its own, so only what would be read as markup
is written as an HTML entity, which players know: `<`, the arrow `-->`, and `&` where it would begin such an entity.
Read are cues without their formatting (`<i>`, `<font …>`) and positions; cues that overlap go to further tiers,
`captions-2`, …. Empty lines within a caption, and white space at the ends of its lines, are left out.
"""

from __future__ import annotations

import re

from otoscope.core.errors import BadFormat
from otoscope.io.annotation import Annotation, disjoint_tiers, last_end_s
from otoscope.io.captions import group_words, speaker_tiers
from otoscope.io.cues import CAPTIONS, blocks_of, clock, cue_lines, cue_of, cues_in_order, timing_of
from otoscope.io.formats import Format

_TIME = r"(\d{1,6}):(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?")
_FORMATTING = re.compile(r"</?(?:b|i|u|font)(?:\s[^>]*)?>", re.IGNORECASE)
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


def dumps(annotation: Annotation) -> str:
    """Return the captions as SRT."""
    blocks = []
    for number, (caption, _) in enumerate(cues_in_order(speaker_tiers(annotation, group_words)), start=1):
        timing = f"{clock(caption.start_s, ',')} --> {clock(caption.end_s, ',')}"
        blocks.append(f"{number}\n{timing}\n{_escaped(cue_lines(caption.label))}\n")
    return "\n".join(blocks)


def loads(text: str) -> tuple[Annotation, ...]:
    """Return the captions as one Annotation without a recording's name.

    Raises
    ------
    BadFormat
        A block without a line of times, or a cue that ends before it starts.
    """
    cues = []
    for block in blocks_of(text):
        head, times = timing_of(block, _TIMING)
        if times is None or (head == 1 and not block.lines[0].strip().isdigit()):
            raise BadFormat(
                f"line {block.line}: a caption begins with its number and a line like 00:00:01,000 --> 00:00:02,500, "
                f"got {block.lines[0][:40]!r}"
            )
        label = _unescaped(_FORMATTING.sub("", "\n".join(block.lines[head + 1 :])))
        cues.append(cue_of(times, block.line + head, label))
    tiers = disjoint_tiers(cues, CAPTIONS)
    return (Annotation("", last_end_s(tiers), tiers),)


def _escaped(text: str) -> str:
    text = re.sub(r"&(?=(?:amp|lt|gt);)", "&amp;", text)
    return text.replace("<", "&lt;").replace("-->", "--&gt;")


def _unescaped(text: str) -> str:
    return re.sub(r"&(?:lt|gt|amp);", lambda entity: _ENTITIES[entity[0]], text)


FORMAT = Format("srt", dumps, loads)
