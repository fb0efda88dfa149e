"""What CTM, STM and RTTM share: rows of fields parted by white space, times in decimal seconds, names without spaces.

Times are written to the microsecond, far below one sample. Start and duration are added as decimals, so that an end is
read as exactly the number that was written.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from otoscope.core.errors import BadFormat

_MICROSECOND = Decimal("0.000001")
_LONGEST_S = 10**9


def unix_lines(text: str) -> str:
    r"""Return `text` with `\r\n` and `\r` written as `\n`: the newline rule of every format but JSON."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def rows_of(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line number (from 1) and fields of each row; empty lines and comments (`;;`) are left out."""
    for number, line in enumerate(unix_lines(text).split("\n"), start=1):
        fields = line.split()
        if fields and not fields[0].startswith(";;"):
            yield number, fields


def decimal_s(seconds: float) -> Decimal:
    """Return a time as written: rounded to the microsecond."""
    return Decimal(repr(float(seconds))).quantize(_MICROSECOND)


def decimal_text(value: Decimal) -> str:
    """Return a decimal with three to six places.

    Examples
    --------
    >>> decimal_text(decimal_s(0.5)), decimal_text(decimal_s(0.0000625))
    ('0.500', '0.000062')
    """
    text = f"{value:.6f}"
    return text[:-3] + text[-3:].rstrip("0")


def parse_time(field: str, number: int, what: str) -> Decimal:
    """Return a time field as a decimal; raises `BadFormat` where it is not a number of seconds from 0 on."""
    try:
        value = Decimal(field)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value < _LONGEST_S:
        raise BadFormat(f"line {number}: {what} must be seconds from 0 on, got {field[:40]!r}")
    return value


def name_field(name: str, otherwise: str) -> str:
    """Return a name as one field: white space becomes `_`, an empty name becomes `otherwise`."""
    return "_".join(name.split()) or otherwise


def probability_text(score: float | None) -> str | None:
    """Return a score with up to six places if it is a probability, else `None`.

    Examples
    --------
    >>> probability_text(0.75), probability_text(-3.2)
    ('0.75', None)
    """
    if score is None or not 0 <= score <= 1:
        return None
    return f"{score:.6f}".rstrip("0").rstrip(".")


def parse_score(field: str, number: int) -> float | None:
    """Return a confidence field, `None` for `NA`; raises `BadFormat` where it is neither."""
    if field in ("NA", "<NA>"):
        return None
    try:
        value = float(field)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadFormat(f"line {number}: confidence must be a number or NA, got {field!r}")
    return value
