"""What SRT and WebVTT share: cues of one or more lines, times in whole milliseconds, blocks parted by empty lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from otoscope.core.errors import BadFormat
from otoscope.core.timeline import Interval, Tier
from otoscope.io.rows import unix_lines

CAPTIONS = "captions"
"""Name of the tier of cues that name no speaker."""


@dataclass(frozen=True)
class Block:
    """Lines between two empty lines; `line` is the number of the first, from 1."""

    line: int
    lines: tuple[str, ...]


def blocks_of(text: str) -> Iterator[Block]:
    """Yield the blocks of a caption file."""
    lines: list[str] = []
    for number, line in enumerate([*unix_lines(text).split("\n"), ""], start=1):
        if line.strip():
            lines.append(line)
        elif lines:
            yield Block(number - len(lines), tuple(lines))
            lines = []


def timing_of(block: Block, pattern: re.Pattern[str]) -> tuple[int, re.Match[str] | None]:
    """Return which of a block's first two lines holds the times, and the match; `None` where neither does."""
    for head, line in enumerate(block.lines[:2]):
        if times := pattern.fullmatch(line):
            return head, times
    return 0, None


def cue_lines(label: str) -> str:
    r"""Return a label as the lines of a cue: without empty lines and without white space at the ends of lines.

    Examples
    --------
    >>> cue_lines("so\r\n\r\n  it is ")
    'so\nit is'
    """
    stripped = (line.strip() for line in unix_lines(label).split("\n"))
    return "\n".join(line for line in stripped if line)


def milliseconds(seconds: float) -> int:
    """Return a time in whole milliseconds, the nearest (the even one of two)."""
    return round(seconds * 1000)


def clock(seconds: float, point: str) -> str:
    """Return a time as `HH:MM:SS` and milliseconds behind `point`.

    Examples
    --------
    >>> clock(3661.5, ",")
    '01:01:01,500'
    """
    whole, ms = divmod(milliseconds(seconds), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{point}{ms:03d}"


def cue_of(times: re.Match[str], line: int, label: str) -> Interval:
    """Return a cue from its line of times, matched as hours, minutes, seconds and ms, twice, and its text.

    Raises
    ------
    BadFormat
        Minutes or seconds of 60 or more, or an end before the start.
    """
    fields = times.groups()
    start_s, end_s = _clock_s(*fields[:4], line=line), _clock_s(*fields[4:], line=line)
    if end_s < start_s:
        raise BadFormat(f"line {line}: the cue ends before it starts")
    return Interval(start_s, end_s, cue_lines(label), origin="annotated")


def cues_in_order(tiers: tuple[Tier, ...]) -> list[tuple[Interval, str]]:
    """Return all cues that have text, with the name of their tier, in order of time."""
    cues = [(cue, tier.name) for tier in tiers for cue in tier if cue_lines(cue.label)]
    return sorted(cues, key=lambda pair: (pair[0].start_s, pair[0].end_s))


def is_speaker(tier_name: str) -> bool:
    """Whether a tier's name says who speaks."""
    return bool(tier_name.split()) and tier_name != "unknown" and not re.fullmatch(rf"{CAPTIONS}(-\d+)?", tier_name)


def _clock_s(hours: str | None, minutes: str, seconds: str, ms: str, *, line: int) -> float:
    if int(minutes) > 59 or int(seconds) > 59:
        raise BadFormat(f"line {line}: minutes and seconds run to 59, got {minutes}:{seconds}")
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return (whole * 1000 + int(ms.ljust(3, "0"))) / 1000
