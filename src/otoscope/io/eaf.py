"""ELAN annotation files (EAF 3.0), in and out.

Every tier is written as a time-aligned tier. ELAN keeps whole milliseconds, so times are rounded to the nearest. The
recording's name, its duration, channel and speaker stand in the header as properties, which ELAN keeps.

Read are all tiers: time-aligned ones as they are; annotations whose times ELAN itself would spread evenly (unaligned
slots, symbolic subdivisions) get those times with origin `interpolated`; annotations that refer to one of another tier
(symbolic association) get that one's times.

Source: the schema http://www.mpi.nl/tools/elan/EAFv3.0.xsd and "EAF Annotation Format 3.0" (The Language Archive).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from otoscope.core.errors import BadFormat
from otoscope.core.timeline import Tier
from otoscope.io.annotation import Annotation
from otoscope.io.cues import milliseconds
from otoscope.io.eaf_reading import annotation_from
from otoscope.io.formats import Format
from otoscope.io.rows import unix_lines

PREFIX = "otoscope."
"""Of the header properties that hold what EAF has no place for."""

_SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_LINGUISTIC_TYPE = "default-lt"
_NO_DATE = (
    "1970-01-01T00:00:00+00:00"  # the schema wants a date; a fixed one, so that the same tiers give the same file
)


def dumps(annotation: Annotation) -> str:
    """Return all tiers as EAF.

    Raises
    ------
    BadFormat
        Two tiers have one name, or a text holds a character that XML cannot hold.
    """
    names = [tier.name for tier in annotation.tiers]
    if len(set(names)) < len(names):
        raise BadFormat(f"ELAN tells tiers by their name, got {', '.join(names)}")
    root = ET.Element("ANNOTATION_DOCUMENT", {"AUTHOR": "", "DATE": _NO_DATE, "FORMAT": "3.0", "VERSION": "3.0"})
    root.set(f"{{{_SCHEMA_INSTANCE}}}noNamespaceSchemaLocation", "http://www.mpi.nl/tools/elan/EAFv3.0.xsd")
    _add_header(root, annotation)
    times_ms = sorted({milliseconds(s) for tier in annotation.tiers for i in tier for s in (i.start_s, i.end_s)})
    slots = {time_ms: f"ts{n}" for n, time_ms in enumerate(times_ms, start=1)}
    order = ET.SubElement(root, "TIME_ORDER")
    for time_ms, slot in slots.items():
        ET.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": slot, "TIME_VALUE": str(time_ms)})
    n_before = 0
    for tier in annotation.tiers:
        _add_tier(root, tier, slots, n_before)
        n_before += len(tier)
    ET.SubElement(
        root,
        "LINGUISTIC_TYPE",
        {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": _LINGUISTIC_TYPE, "TIME_ALIGNABLE": "true"},
    )
    ET.indent(root, " ")
    ET.register_namespace("xsi", _SCHEMA_INSTANCE)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def loads(text: str) -> tuple[Annotation, ...]:
    """Return the tiers of an ELAN file as one Annotation.

    The duration is that in our header property, or the last time slot.

    Raises
    ------
    BadFormat
        Not XML, not an ELAN document, a reference to a slot or annotation that is not there, or intervals of one tier
        that overlap.
    """
    try:
        root = ET.fromstring(text)
    except (ET.ParseError, ValueError) as error:
        raise BadFormat(f"not XML: {error}") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise BadFormat(f"not an ELAN document: its root is {root.tag!r}, not ANNOTATION_DOCUMENT")
    return (annotation_from(root, PREFIX),)


def _add_header(root: ET.Element, annotation: Annotation) -> None:
    header = ET.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    facts = {
        "recording_id": annotation.recording_id,
        "duration_s": repr(annotation.duration_s),
        "channel": annotation.channel,
    }
    if annotation.speaker is not None:
        facts["speaker"] = annotation.speaker
    for name, value in facts.items():
        ET.SubElement(header, "PROPERTY", {"NAME": PREFIX + name}).text = _xml_text(value)


def _add_tier(root: ET.Element, tier: Tier, slots: dict[int, str], n_before: int) -> None:
    element = ET.SubElement(root, "TIER", {"LINGUISTIC_TYPE_REF": _LINGUISTIC_TYPE, "TIER_ID": _xml_text(tier.name)})
    for n, interval in enumerate(tier, start=n_before + 1):
        holder = ET.SubElement(element, "ANNOTATION")
        place = {
            "ANNOTATION_ID": f"a{n}",
            "TIME_SLOT_REF1": slots[milliseconds(interval.start_s)],
            "TIME_SLOT_REF2": slots[milliseconds(interval.end_s)],
        }
        aligned = ET.SubElement(holder, "ALIGNABLE_ANNOTATION", place)
        ET.SubElement(aligned, "ANNOTATION_VALUE").text = _xml_text(interval.label)


def _xml_text(text: str) -> str:
    """Return text that XML 1.0 can hold (production 2, Char), line ends as one newline."""
    text = unix_lines(text)
    for character in text:
        code = ord(character)
        if not (code >= 0x20 or character in "\t\n") or 0xD800 <= code <= 0xDFFF or code in (0xFFFE, 0xFFFF):
            raise BadFormat(f"XML cannot hold the character {character!r} in {text[:40]!r}")
    return text


FORMAT = Format("eaf", dumps, loads)
