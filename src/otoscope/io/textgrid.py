"""Praat's TextGrid, long and short text form, in and out.

Written by Praat's rules: every interval tier fills the whole recording without gaps, the gaps being intervals of empty
text, and quotes in text are doubled. A tier of points (intervals of no length only) becomes a point tier. Read by
Praat's rule for text files: only free-standing numbers, quoted strings and `<flags>` count, everything else is comment;
so both forms, and files written by hand, are read alike. Intervals of empty text are gaps and are left out; points
become intervals of no length.

Source: Praat manual, "TextGrid file formats" and "Types of data in text files".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from otoscope.core.errors import BadFormat, BadInput
from otoscope.core.timeline import Interval, Tier
from otoscope.io.annotation import Annotation, last_end_s
from otoscope.io.formats import Format
from otoscope.io.rows import unix_lines

_MOST_ROWS = 10**9

_TOKEN = re.compile(
    r"""
    "(?P<string>(?:[^"]|"")*)"
    | (?P<flag><\w+>)(?!\S)
    | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?!\S)
    | !.*
    | (?P<other>\S+)
    """,
    re.VERBOSE,
)


def dumps(annotation: Annotation) -> str:
    """Return all tiers as a long TextGrid.

    Raises
    ------
    BadFormat
        The recording has no length, a tier mixes intervals of no length with others, or two points share one time.
    """
    end_s = max(annotation.duration_s, last_end_s(annotation.tiers))
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0 ", f"xmax = {end_s!r} "]
    lines += ["tiers? <exists> ", f"size = {len(annotation.tiers)} ", "item []: "]
    for n_tier, tier in enumerate(annotation.tiers, start=1):
        points = _is_points(tier)
        rows = list(tier) if points else list(_filled(tier, end_s))
        kind, unit = ("TextTier", "points") if points else ("IntervalTier", "intervals")
        lines += [f"    item [{n_tier}]:", f'        class = "{kind}" ', f"        name = {_quoted(tier.name)} "]
        lines += ["        xmin = 0 ", f"        xmax = {end_s!r} ", f"        {unit}: size = {len(rows)} "]
        for n, row in enumerate(rows, start=1):
            lines.append(f"        {unit} [{n}]:")
            if points:
                lines += [f"            number = {row.start_s!r} ", f"            mark = {_quoted(row.label)} "]
            else:
                lines += [f"            xmin = {row.start_s!r} ", f"            xmax = {row.end_s!r} "]
                lines.append(f"            text = {_quoted(row.label)} ")
    return _checked(end_s, lines)


def dumps_short(annotation: Annotation) -> str:
    """Return all tiers as a short TextGrid; raises like `dumps`."""
    end_s = max(annotation.duration_s, last_end_s(annotation.tiers))
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", f"{end_s!r}", "<exists>"]
    lines.append(str(len(annotation.tiers)))
    for tier in annotation.tiers:
        points = _is_points(tier)
        rows = list(tier) if points else list(_filled(tier, end_s))
        lines += ['"TextTier"' if points else '"IntervalTier"', _quoted(tier.name), "0", f"{end_s!r}", str(len(rows))]
        for row in rows:
            lines.append(repr(row.start_s))
            if not points:
                lines.append(repr(row.end_s))
            lines.append(_quoted(row.label))
    return _checked(end_s, lines)


def loads(text: str) -> tuple[Annotation, ...]:
    """Return the tiers of a TextGrid, long or short, as one Annotation without a recording's name.

    Raises
    ------
    BadFormat
        Not a TextGrid in text form, cut off, or intervals that overlap; the message names the line.
    """
    reader = _Reader(text)
    if not reader.string("the file type").startswith("ooTextFile") or reader.string("the class") != "TextGrid":
        raise BadFormat('not a TextGrid: it must begin with File type = "ooTextFile", Object class = "TextGrid"')
    reader.number("xmin")
    duration_s = reader.number("xmax")
    exist = reader.flag() == "<exists>"
    try:
        tiers = tuple(_tier(reader) for _ in range(reader.count("the number of tiers") if exist else 0))
        reader.end()
        return (Annotation("", duration_s, tiers),)
    except BadFormat:
        raise
    except BadInput as error:
        raise BadFormat(f"line {reader.line}: {error}") from error


class _Reader:
    """The free-standing strings, numbers and flags of a Praat text file, one after the other."""

    def __init__(self, text: str) -> None:
        self._text = unix_lines(text)
        self._tokens = self._significant()
        self._at = 0

    @property
    def line(self) -> int:
        """Number of the line that was read last, from 1."""
        return self._text.count("\n", 0, self._at) + 1

    def string(self, what: str) -> str:
        return self._next("string", what).replace('""', '"')

    def number(self, what: str) -> float:
        return float(self._next("number", what))

    def count(self, what: str) -> int:
        value = self.number(what)
        if not 0 <= value < _MOST_ROWS or value != int(value):
            raise BadFormat(f"line {self.line}: {what} must be a whole number, got {value}")
        return int(value)

    def flag(self) -> str:
        return self._next("flag", "<exists>")

    def end(self) -> None:
        """Raise where anything that counts is left."""
        for kind, value in self._tokens:
            raise BadFormat(f"line {self.line}: {kind} {value!r} after the last tier; is a number of intervals wrong?")

    def _next(self, kind: str, what: str) -> str:
        found, value = next(self._tokens, (None, ""))
        if found is None:
            raise BadFormat(f"not a whole TextGrid: it ends at line {self.line}, where {what} should stand")
        if found != kind:
            raise BadFormat(f"line {self.line}: {what} should stand here, got the {found} {value!r}")
        return value

    def _significant(self) -> Iterator[tuple[str, str]]:
        for match in _TOKEN.finditer(self._text):
            self._at = match.start()
            if match.lastgroup == "other" and match["other"].startswith('"'):
                raise BadFormat(f"line {self.line}: the quote that opens here is never closed")
            if match.lastgroup not in (None, "other"):
                yield match.lastgroup, match[match.lastgroup]


def _tier(reader: _Reader) -> Tier:
    kind = reader.string("the class of a tier")
    if kind not in ("IntervalTier", "TextTier"):
        raise BadFormat(f"line {reader.line}: unknown class of tier {kind!r}; one of IntervalTier, TextTier")
    name = reader.string("the name of a tier")
    reader.number("xmin")
    reader.number("xmax")
    rows = []
    for _ in range(reader.count("the number of intervals")):
        start_s = reader.number("a time")
        end_s = reader.number("a time") if kind == "IntervalTier" else start_s
        label = reader.string("a label")
        if label or kind == "TextTier":
            rows.append(Interval(start_s, end_s, label, origin="annotated"))
    return Tier(name, tuple(rows))


def _filled(tier: Tier, end_s: float) -> Iterator[Interval]:
    """Yield the intervals with the gaps between them, from 0 to `end_s`."""
    at_s = 0.0
    for interval in tier:
        if interval.start_s == interval.end_s:
            if not interval.label:
                continue
            raise BadFormat(
                f"a TextGrid tier holds either intervals or points: {interval.label!r} at {interval.start_s} s in "
                f"tier {tier.name!r} has no length; leave it out, or write json"
            )
        if interval.start_s > at_s:
            yield Interval(at_s, interval.start_s, "")
        yield interval
        at_s = interval.end_s
    if at_s < end_s:
        yield Interval(at_s, end_s, "")


def _is_points(tier: Tier) -> bool:
    if not tier.intervals or any(interval.start_s < interval.end_s for interval in tier):
        return False
    for left, right in zip(tier.intervals, tier.intervals[1:], strict=False):
        if left.start_s == right.start_s:
            raise BadFormat(f"a TextGrid has one point a time, tier {tier.name!r} has two at {left.start_s} s")
    return True


def _quoted(text: str) -> str:
    return '"' + unix_lines(text).replace('"', '""') + '"'


def _checked(end_s: float, lines: list[str]) -> str:
    if end_s <= 0:
        raise BadFormat("a TextGrid needs a recording longer than 0 s")
    return "\n".join(lines) + "\n"


FORMAT = Format("textgrid", dumps, loads)
SHORT_FORMAT = Format("textgrid-short", dumps_short, loads)
