"""The tiers of a parsed ELAN document: an XML tree in, an Annotation out."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass

from otoscope.core.errors import BadFormat, BadInput
from otoscope.core.timeline import Interval, Origin, Tier
from otoscope.io.annotation import Annotation, last_end_s

_MS_PER_S = 1000


@dataclass(frozen=True)
class _Span:
    """Where an annotation lies, and whether both times were set by hand."""

    start_s: float
    end_s: float
    origin: Origin


def annotation_from(root: ET.Element, prefix: str) -> Annotation:
    """Return the tiers of an ELAN document; `prefix` marks the header properties that are ours.

    Raises
    ------
    BadFormat
        A reference leads nowhere or in a circle, or intervals of one tier overlap.
    """
    units = root.find("HEADER")
    if units is not None and units.get("TIME_UNITS", "milliseconds") != "milliseconds":
        raise BadFormat(f"ELAN times in {units.get('TIME_UNITS')!r} are not read, only in milliseconds")
    slots = _slots(root)
    elements = root.findall("TIER")
    spans: dict[str, _Span] = {}
    for element in elements:
        spans |= _aligned_spans(element, slots)
    waiting = elements
    while waiting:
        left = [element for element in waiting if not _add_referring_spans(element, spans)]
        if len(left) == len(waiting):
            names = ", ".join(repr(element.get("TIER_ID", "")) for element in left)
            raise BadFormat(f"annotations of tier {names} refer to annotations that are not there")
        waiting = left
    try:
        tiers = tuple(_tier(element, spans) for element in elements)
        return _with_facts(tiers, _facts(root, prefix), max((t for t in slots.values() if t is not None), default=0.0))
    except BadInput as error:
        raise BadFormat(str(error)) from error


def _slots(root: ET.Element) -> dict[str, float | None]:
    """Return the time of each slot in seconds, `None` for those that were not set."""
    slots: dict[str, float | None] = {}
    for slot in root.findall("TIME_ORDER/TIME_SLOT"):
        value = slot.get("TIME_VALUE")
        if value is not None and not re.fullmatch("[0-9]{1,12}", value):
            raise BadFormat(f"time slot {slot.get('TIME_SLOT_ID')!r} needs whole milliseconds, got {value!r}")
        slots[slot.get("TIME_SLOT_ID", "")] = None if value is None else int(value) / _MS_PER_S
    return slots


def _aligned_spans(tier: ET.Element, slots: Mapping[str, float | None]) -> dict[str, _Span]:
    """Return the spans of a tier's time-aligned annotations, unset slots spread evenly between set ones."""
    chain: list[str] = []
    for element in tier.findall("ANNOTATION/ALIGNABLE_ANNOTATION"):
        for name in (element.get("TIME_SLOT_REF1", ""), element.get("TIME_SLOT_REF2", "")):
            if name not in slots:
                raise BadFormat(f"annotation {element.get('ANNOTATION_ID')!r} refers to no time slot {name!r}")
            if not chain or chain[-1] != name:
                chain.append(name)
    times = _spread(chain, slots, tier.get("TIER_ID", ""))
    spans = {}
    for element in tier.findall("ANNOTATION/ALIGNABLE_ANNOTATION"):
        ends = element.get("TIME_SLOT_REF1", ""), element.get("TIME_SLOT_REF2", "")
        origin: Origin = "annotated" if all(slots[name] is not None for name in ends) else "interpolated"
        spans[element.get("ANNOTATION_ID", "")] = _Span(times[ends[0]], times[ends[1]], origin)
    return spans


def _spread(chain: list[str], slots: Mapping[str, float | None], tier_name: str) -> dict[str, float]:
    times: dict[str, float] = {}
    known = [n for n, name in enumerate(chain) if slots[name] is not None]
    if chain and (not known or known[0] != 0 or known[-1] != len(chain) - 1):
        raise BadFormat(f"tier {tier_name!r} begins or ends with annotations that have no time")
    for left, right in zip(known, known[1:] or known, strict=False):
        start_s, end_s = slots[chain[left]], slots[chain[right]]
        assert start_s is not None
        assert end_s is not None
        for n in range(left, right + 1):
            share = (n - left) / max(1, right - left)
            times[chain[n]] = start_s + share * (end_s - start_s) if 0 < share < 1 else (end_s if share else start_s)
    return times


def _add_referring_spans(tier: ET.Element, spans: dict[str, _Span]) -> bool:
    """Give annotations that refer to others their times, once all of those are known; return whether it was done."""
    children: dict[str, list[str]] = {}
    for element in tier.findall("ANNOTATION/REF_ANNOTATION"):
        children.setdefault(element.get("ANNOTATION_REF", ""), []).append(element.get("ANNOTATION_ID", ""))
    if any(parent not in spans for parent in children):
        return False
    for parent, names in children.items():
        span = spans[parent]
        edges = [span.start_s + n / len(names) * (span.end_s - span.start_s) for n in range(len(names))]
        origin: Origin = span.origin if len(names) == 1 else "interpolated"
        for name, start_s, end_s in zip(names, edges, [*edges[1:], span.end_s], strict=True):
            spans[name] = _Span(start_s, end_s, origin)
    return True


def _tier(element: ET.Element, spans: Mapping[str, _Span]) -> Tier:
    intervals = []
    for annotation in element.findall("ANNOTATION/*"):
        span = spans[annotation.get("ANNOTATION_ID", "")]
        label = annotation.findtext("ANNOTATION_VALUE") or ""
        intervals.append(Interval(span.start_s, span.end_s, label, origin=span.origin))
    return Tier(element.get("TIER_ID", ""), tuple(sorted(intervals, key=lambda i: (i.start_s, i.end_s))))


def _facts(root: ET.Element, prefix: str) -> dict[str, str]:
    properties = root.findall("HEADER/PROPERTY")
    named = {p.get("NAME", ""): p.text or "" for p in properties}
    return {name.removeprefix(prefix): value for name, value in named.items() if name.startswith(prefix)}


def _with_facts(tiers: tuple[Tier, ...], facts: Mapping[str, str], last_slot_s: float) -> Annotation:
    duration_s = max(last_slot_s, last_end_s(tiers))
    if "duration_s" in facts:
        try:
            stated_s = float(facts["duration_s"])
        except ValueError as error:
            raise BadFormat(f"the duration in the header is no number: {facts['duration_s']!r}") from error
        # rounding to milliseconds can move a last interval half a millisecond beyond the recording
        duration_s = stated_s if duration_s <= stated_s + 0.5 / _MS_PER_S else duration_s
        tiers = tuple(_clipped(tier, duration_s) for tier in tiers)
    return Annotation(facts.get("recording_id", ""), duration_s, tiers, facts.get("channel", "1"), facts.get("speaker"))


def _clipped(tier: Tier, end_s: float) -> Tier:
    return Tier(
        tier.name,
        tuple(Interval(min(i.start_s, end_s), min(i.end_s, end_s), i.label, i.score, i.origin) for i in tier),
    )
