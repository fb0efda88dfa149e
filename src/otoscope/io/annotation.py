"""Annotation: the one noun that every tier format maps to and from.

Alignment says what a recogniser found; Annotation says what a file holds: any number of tiers over one recording, with
the recording's name, channel and speaker beside them.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from otoscope.core.arrays import set_frozen
from otoscope.core.errors import BadInput
from otoscope.core.timeline import Interval, Tier
from otoscope.core.trace import Trace

WORDS = "words"
"""Name of the tier that holds words, one an interval."""

_TOLERANCE_S = 1e-6


@dataclass(frozen=True)
class Annotation:
    """Tiers over one recording.

    Parameters
    ----------
    recording_id
        Name of the recording, without folder and suffix; may be empty where a format has none.
    duration_s
        Length of the recording in seconds; where a format does not say it, the end of the last interval.
    tiers
        In the order in which they are shown. A tier named `words` holds one word an interval; other tiers of
        transcribed speech are named after their speaker.
    channel
        Channel of the recording, as CTM, STM and RTTM name it.
    speaker
        Who speaks in the tier `words`, `None` where it is not known.

    Raises
    ------
    BadInput
        An interval lies outside the recording (by more than a microsecond), or the duration is not a length.

    Examples
    --------
    >>> words = Tier("words", (Interval(0, 0.3, "so"), Interval(0.4, 0.9, "my")))
    >>> Annotation("talk", 1.0, (words,)).tier("words").labels
    ('so', 'my')
    """

    recording_id: str
    duration_s: float
    tiers: tuple[Tier, ...]
    channel: str = "1"
    speaker: str | None = None

    def __post_init__(self) -> None:
        set_frozen(self, duration_s=float(self.duration_s), tiers=tuple(self.tiers))
        if not (math.isfinite(self.duration_s) and self.duration_s >= 0):
            raise BadInput(f"an annotation needs a duration of 0 s or more, got {self.duration_s}")
        for tier in self.tiers:
            for interval in (*tier.intervals[:1], *tier.intervals[-1:]):
                if interval.start_s < 0 or interval.end_s > self.duration_s + _TOLERANCE_S:
                    raise BadInput(
                        f"tier {tier.name!r}: {interval.label!r} from {interval.start_s} to {interval.end_s} s "
                        f"lies outside the recording of {self.duration_s} s"
                    )

    def has(self, name: str) -> bool:
        """Whether there is a tier of this name."""
        return any(tier.name == name for tier in self.tiers)

    def tier(self, name: str) -> Tier:
        """Return the first tier of this name.

        Raises
        ------
        BadInput
            There is none; the message names those that are there.
        """
        for tier in self.tiers:
            if tier.name == name:
                return tier
        raise BadInput(f"no tier {name!r}; there are {', '.join(repr(t.name) for t in self.tiers) or 'none'}")


def annotation_of(trace: Trace, recording_id: str, *, speaker: str | None = None) -> Annotation:
    """Return the tiers of a Trace's alignment as an Annotation.

    The score of a word becomes its text confidence where the alignment has one; the other tiers are taken as they are.

    Raises
    ------
    NotRecorded
        The Trace has no alignment.
    """
    alignment = trace.alignment
    words = dataclasses.replace(alignment.words, name=WORDS)
    if alignment.text_confidence is not None:
        scored = zip(words.intervals, alignment.text_confidence, strict=True)
        words = dataclasses.replace(words, intervals=tuple(dataclasses.replace(i, score=c) for i, c in scored))
    duration_s = trace.recording.duration_s
    return Annotation(recording_id, duration_s, (words, *alignment.tiers[1:]), speaker=speaker)


def last_end_s(tiers: tuple[Tier, ...]) -> float:
    """Return the end of the last interval of all, 0 where there is none: the duration for formats that give none."""
    return max((tier.intervals[-1].end_s for tier in tiers if tier.intervals), default=0.0)


def disjoint_tiers(intervals: list[Interval], name: str) -> tuple[Tier, ...]:
    """Sort intervals that may overlap into as few tiers as needed: `name`, `name-2`, `name-3`, …."""
    rows: list[list[Interval]] = []
    for interval in sorted(intervals, key=lambda i: (i.start_s, i.end_s)):
        row = next((row for row in rows if row[-1].end_s <= interval.start_s), None)
        if row is None:
            rows.append([interval])
        else:
            row.append(interval)
    return tuple(Tier(name if n == 1 else f"{name}-{n}", tuple(row)) for n, row in enumerate(rows, start=1))
