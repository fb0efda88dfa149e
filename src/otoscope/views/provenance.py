"""Panels of facts: who made a result, from what, with which parameters, so that it can be made again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

import otoscope
from otoscope.core import Attribution, Explanation, Panel, Recording, Trace


def _facts(pairs: list[tuple[str, Any]], *, title: str = "Provenance") -> Panel:
    facts = [(name, "not known" if value is None else str(value)) for name, value in pairs]
    return Panel("facts", title, {"facts": facts}, "What is needed to make this result again.")


def _of_recording(recording: Recording) -> list[tuple[str, Any]]:
    name = PurePath(recording.source).name if recording.source else None
    return [
        ("recording", name),
        ("length", f"{recording.duration_s:.3f} s, {recording.n_samples} samples at {recording.rate_hz} Hz"),
        ("sound, SHA-256", recording.digest),
    ]


def _of_trace(trace: Trace) -> list[tuple[str, Any]]:
    who = trace.provenance
    pairs: list[tuple[str, Any]] = [
        ("recogniser", f"{who.recognizer} {who.version}"),
        ("weights, SHA-256", who.weights_sha256 or "none"),
        ("recogniser's parameters", _short(who.parameters)),
    ]
    return pairs + ([("recogniser's seed", who.seed)] if who.seed is not None else [])


def _of_attribution(a: Attribution, what: str) -> list[tuple[str, Any]]:
    seed = "none" if a.seed is None else a.seed
    return [
        (what, f"{a.method}, fill {a.fill}, {a.n_evaluations} evaluations, seed {seed}, {len(a.segments)} segments")
    ]


def _short(parameters: Mapping[str, Any]) -> str:
    return json.dumps(dict(parameters), ensure_ascii=False, default=str) if parameters else "defaults"


def _shared_settings(attributions: Sequence[Attribution]) -> dict[str, Any]:
    """Return the settings that are single values and the same for all; the others belong to one map each."""
    first, *others = [dict(a.settings) for a in attributions]
    plain = {name: value for name, value in first.items() if isinstance(value, str | int | float | None)}
    return {name: value for name, value in plain.items() if all(other.get(name) == value for other in others)}


def recording_facts(recording: Recording) -> Panel:
    """Return name, length and digest of a recording."""
    return _facts(_of_recording(recording), title="Recording")


def trace_facts(trace: Trace) -> Panel:
    """Return who heard what."""
    return _facts([*_of_recording(trace.recording), *_of_trace(trace), ("otoscope", otoscope.__version__)])


def explanation_facts(explanation: Explanation) -> Panel:
    """Return who heard what, and how it was explained; attributions made the same way are named once."""
    pairs = [*_of_recording(explanation.trace.recording), *_of_trace(explanation.trace)]
    for attributions, what in ((explanation.attributions, "attribution"), (explanation.cells, "time-frequency map")):
        seen = dict.fromkeys(pair for a in attributions for pair in _of_attribution(a, what))
        pairs.extend(seen)
        if attributions and (settings := _shared_settings(attributions)):
            pairs.append((f"{what}'s settings", _short(settings)))
    return _facts([*pairs, ("otoscope", otoscope.__version__)])


def mapping_facts(provenance: Any) -> Panel:
    """Return any provenance, a mapping or a data class, as facts."""
    if dataclasses.is_dataclass(provenance) and not isinstance(provenance, type):
        provenance = {f.name: getattr(provenance, f.name) for f in dataclasses.fields(provenance)}
    pairs = [(str(k), _short(v) if isinstance(v, Mapping) else v) for k, v in dict(provenance).items()]
    return _facts(pairs)
