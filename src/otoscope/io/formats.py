"""The tier formats by name: an Annotation in, text out, and back.

| name | holds | loses |
|---|---|---|
| `json` | everything | nothing |
| `textgrid`, `textgrid-short` | all tiers | scores, origins, empty labels, recording, channel, speaker |
| `eaf` | all tiers, recording, channel, speaker | scores, origins, parts of a millisecond |
| `ctm` | words, confidences in [0, 1] | other tiers, duration, speaker, origins, parts of a microsecond |
| `stm` | what each speaker said | scores, origins, duration, parts of a microsecond |
| `rttm` | when each speaker spoke, confidences | words, origins, duration, parts of a microsecond |
| `srt`, `vtt` | captions (`vtt` with speakers) | everything else, parts of a millisecond |

Where a format cannot hold a label or a time at all, writing raises `BadFormat` instead of changing it.
"""

from __future__ import annotations

import codecs
import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from otoscope.core.errors import BadFormat, UnknownName
from otoscope.core.late import lookup
from otoscope.io.annotation import Annotation
from otoscope.io.writing import write_text

FORMATS: Mapping[str, str] = {
    "ctm": "otoscope.io.ctm:FORMAT",
    "eaf": "otoscope.io.eaf:FORMAT",
    "json": "otoscope.io.annotation_json:FORMAT",
    "rttm": "otoscope.io.rttm:FORMAT",
    "srt": "otoscope.io.srt:FORMAT",
    "stm": "otoscope.io.stm:FORMAT",
    "textgrid": "otoscope.io.textgrid:FORMAT",
    "textgrid-short": "otoscope.io.textgrid:SHORT_FORMAT",
    "vtt": "otoscope.io.webvtt:FORMAT",
}
"""Format name to `"module:attribute"`; other packages add theirs under the entry-point group `otoscope.formats`."""

SUFFIXES: Mapping[str, str] = {name: f".{name}" for name in FORMATS} | {
    "textgrid": ".TextGrid",
    "textgrid-short": ".TextGrid",
}
"""Suffix that files of a format carry."""

_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Format:
    """A writer and a reader of one format.

    `loads` returns one Annotation for each recording (and channel) that the text speaks of.
    """

    name: str
    dumps: Callable[[Annotation], str]
    loads: Callable[[str], tuple[Annotation, ...]]


def dumps(annotation: Annotation, format: str) -> str:
    """Return `annotation` as text in a format.

    Raises
    ------
    UnknownName
        No such format.
    BadFormat
        The format cannot hold a label or an interval; the message says which.
    """
    return _format(format).dumps(annotation)


def loads(text: str, format: str) -> tuple[Annotation, ...]:
    """Return the Annotations in a text, one for each recording that it speaks of.

    Formats that name no recording give an empty `recording_id`.

    Raises
    ------
    UnknownName
        No such format.
    BadFormat
        The text breaks the rules of the format; the message names the line.
    """
    return _format(format).loads(text)


def read_annotations(path: str | os.PathLike[str], format: str | None = None) -> tuple[Annotation, ...]:
    """Read a tier file in UTF-8, or UTF-16 with a byte-order mark (as Praat writes it).

    Parameters
    ----------
    path
        The file; its name without suffix becomes the `recording_id` where the format has none.
    format
        Name in `FORMATS`; `None` takes it from the suffix.

    Raises
    ------
    BadFormat
        The file cannot be read, is not text, or breaks the rules of the format; the message begins with the path.
    """
    name = format or format_of(path)
    reader = _format(name)
    try:
        annotations = reader.loads(_text_of(path))
    except BadFormat as error:
        raise BadFormat(f"{os.fspath(path)}: {error}") from error
    stem = Path(path).stem
    return tuple(a if a.recording_id else dataclasses.replace(a, recording_id=stem) for a in annotations)


def write_annotation(annotation: Annotation, path: str | os.PathLike[str], format: str | None = None) -> None:
    """Write a tier file in UTF-8, whole or not at all; `format` as in `read_annotations`.

    Raises
    ------
    BadFormat, CannotWrite
        The format cannot hold it, or the file cannot be written.
    """
    write_text(path, dumps(annotation, format or format_of(path)))


def format_of(path: str | os.PathLike[str]) -> str:
    """Return the format that a file name's suffix stands for.

    Examples
    --------
    >>> format_of("talk.TextGrid")
    'textgrid'
    """
    suffix = Path(path).suffix
    found = suffix[1:].lower()
    if found not in FORMATS:
        raise UnknownName("suffix of a tier file", suffix, sorted({s.lower() for s in SUFFIXES.values()}))
    return found


def _format(name: str) -> Format:
    found: Format = lookup(name, FORMATS, group="otoscope.formats", what="format")
    return found


def _text_of(path: str | os.PathLike[str]) -> str:
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise BadFormat("no such file") from error
    except IsADirectoryError as error:
        raise BadFormat("is a folder; give a file in it") from error
    except OSError as error:
        raise BadFormat(f"cannot be read: {error.strerror}") from error
    encoding = "utf-16" if data.startswith(_MARKS) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        name = "UTF-16" if encoding == "utf-16" else "UTF-8"
        raise BadFormat(
            f"not {name} text at byte {error.start}; save it as UTF-8, or: iconv -f LATIN1 -t UTF-8"
        ) from error
