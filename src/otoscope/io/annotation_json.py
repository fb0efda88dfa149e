"""JSON: an Annotation with everything in it, origins and scores included, in and out.

    {"type": "Annotation", "schema": 1, "recording_id": "talk", "duration_s": 1.0, "channel": "1", "speaker": null,
     "tiers": [{"name": "words", "intervals": [
         {"start_s": 0.0, "end_s": 0.3, "label": "so", "score": null, "origin": "aligned"}]}]}

Several recordings are a list of these.
"""

from __future__ import annotations

import json
import math
from typing import Any

from otoscope.core.errors import BadFormat, BadInput
from otoscope.core.timeline import Interval, Tier
from otoscope.io.annotation import Annotation
from otoscope.io.formats import Format

SCHEMA = 1


def dumps(annotation: Annotation) -> str:
    """Return an Annotation as JSON; `loads` gives back an equal one.

    Raises
    ------
    BadFormat
        A score is NaN or infinite, which JSON cannot hold.
    """
    value = {
        "type": "Annotation",
        "schema": SCHEMA,
        "recording_id": annotation.recording_id,
        "duration_s": annotation.duration_s,
        "channel": annotation.channel,
        "speaker": annotation.speaker,
        "tiers": [{"name": t.name, "intervals": [_interval_value(i, t) for i in t]} for t in annotation.tiers],
    }
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def loads(text: str) -> tuple[Annotation, ...]:
    """Return the Annotations in JSON text: one object, or a list of them.

    Raises
    ------
    BadFormat
        Not JSON, of a newer schema, or not laid out like an Annotation.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFormat(f"not JSON: {error}") from error
    return tuple(_annotation(item) for item in (value if isinstance(value, list) else [value]))


def _interval_value(interval: Interval, tier: Tier) -> dict[str, Any]:
    if interval.score is not None and not math.isfinite(interval.score):
        raise BadFormat(f"JSON cannot hold the score {interval.score} of {interval.label!r} in tier {tier.name!r}")
    return {
        "start_s": interval.start_s,
        "end_s": interval.end_s,
        "label": interval.label,
        "score": interval.score,
        "origin": interval.origin,
    }


def _annotation(value: Any) -> Annotation:
    if not isinstance(value, dict) or value.get("type") != "Annotation":
        raise BadFormat('not an annotation: it needs an object with "type": "Annotation"')
    schema = value.get("schema")
    if not isinstance(schema, int) or schema > SCHEMA:
        raise BadFormat(f"annotation schema {schema!r}, this version reads up to {SCHEMA}: upgrade otoscope")
    try:
        tiers = tuple(Tier(_text(t["name"]), tuple(_interval(i) for i in t["intervals"])) for t in value["tiers"])
        speaker = value["speaker"]
        return Annotation(
            _text(value["recording_id"]),
            _number(value["duration_s"]),
            tiers,
            _text(value["channel"]),
            None if speaker is None else _text(speaker),
        )
    except KeyError as error:
        raise BadFormat(f"annotation lacks {error.args[0]!r}") from error
    except (BadInput, TypeError, OverflowError, AttributeError) as error:
        raise BadFormat(f"annotation is not laid out as it should be: {error}") from error


def _interval(value: dict[str, Any]) -> Interval:
    score = value["score"]
    return Interval(
        _number(value["start_s"]),
        _number(value["end_s"]),
        _text(value["label"]),
        None if score is None else _number(score),
        value["origin"],
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text is needed, got {value!r}")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"a number is needed, got {value!r}")
    return float(value)


FORMAT = Format("json", dumps, loads)
