"""What the report's script needs, from Panels: plain JSON values, numbers rounded, equal segment grids stored once."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from otoscope.core import Attribution, Explanation, Interval, Panel, Target
from otoscope.views.attributions import curves_panel, relevance_panel
from otoscope.views.checking import checks
from otoscope.views.colour import data_uri, grey_png, magma
from otoscope.views.reading import warning_of
from otoscope.views.sound import spectrogram_panel, tiers_panel


@dataclass(frozen=True)
class Item:
    """Something a reader can choose on the page: a word that was heard, or another target that was explained."""

    label: str
    start_s: float | None
    end_s: float | None
    confidence: float | None
    time_confidence: float | None
    is_word: bool
    attribution: Attribution | None
    cells: Attribution | None


def items_of(explanation: Explanation) -> tuple[Item, ...]:
    """Return all words heard, each with its attribution if it has one, then the targets that are not such a word."""
    trace = explanation.trace
    cells = explanation.cells or (None,) * len(explanation)
    explained = list(zip(explanation.attributions, cells, strict=True))
    words: tuple[Interval | str, ...] = trace.words if trace.has("alignment") else trace.hypothesis.words
    chosen = {i: _first(explained, (_label(word), i)) for i, word in enumerate(words)}
    text = trace.alignment.text_confidence if trace.has("alignment") else None
    time = trace.alignment.time_confidence if trace.has("alignment") else None
    items = []
    for i, word in enumerate(words):
        attribution, cell = chosen[i] or (None, None)
        items.append(
            Item(
                label=_label(word),
                start_s=word.start_s if isinstance(word, Interval) else None,
                end_s=word.end_s if isinstance(word, Interval) else None,
                confidence=text[i] if text is not None else None,
                time_confidence=time[i] if time is not None else None,
                is_word=True,
                attribution=attribution,
                cells=cell,
            )
        )
    used = {id(pair[0]) for pair in chosen.values() if pair is not None}
    return (*items, *(_other(a, c) for a, c in explained if id(a) not in used))


def _label(word: Interval | str) -> str:
    return word if isinstance(word, str) else word.label


def _first(explained: list[tuple[Attribution, Attribution | None]], key: tuple[str, int]) -> Any:
    def fits(target: Target) -> bool:
        return target.kind == "word" and target.rival is None and (target.label, target.position) == key

    return next((pair for pair in explained if fits(pair[0].target)), None)


def _other(attribution: Attribution, cells: Attribution | None) -> Item:
    target = attribution.target
    label = target.label if target.rival is None else f"{target.label} rather than {target.rival}"
    start_s = None if target.interval is None else target.interval.start_s
    end_s = None if target.interval is None else target.interval.end_s
    return Item(label, start_s, end_s, None, None, False, attribution, cells)


def payload_of(explanation: Explanation, items: tuple[Item, ...]) -> dict[str, Any]:
    """Return everything the script draws, as JSON values."""
    trace = explanation.trace
    grids: dict[bytes, tuple[int, dict[str, Any]]] = {}
    tiers = tiers_panel(trace.alignment, trace.recording.duration_s).data["tiers"] if trace.has("alignment") else []
    rows = [
        {
            "label": item.label,
            "start": item.start_s,
            "end": item.end_s,
            "confidence": item.confidence,
            "timeConfidence": item.time_confidence,
            "isWord": item.is_word,
            "why": None if item.attribution is None else _why(item.attribution, grids),
            "cells": None if item.cells is None else _map(item.cells, grids),
        }
        for item in items
    ]
    return {
        "duration": trace.recording.duration_s,
        "nyquist": trace.recording.rate_hz / 2,
        "spectrogram": _image(spectrogram_panel(trace.recording)),
        "tiers": tiers,
        "items": rows,
        "grids": [grid for _, grid in grids.values()],
    }


def _image(panel: Panel) -> dict[str, Any]:
    data = panel.data
    names = {"start": "start_s", "hop": "hop_s", "lowHz": "low_hz", "highHz": "high_hz", "lowDb": "low_db"}
    n_frames, n_bands = data["levels"].shape
    png = data_uri(grey_png(np.ascontiguousarray(data["levels"].T[::-1])), "image/png")
    shape = {"png": png, "nFrames": n_frames, "nBands": n_bands, "magma": magma().tobytes().hex()}
    return shape | {short: data[name] for short, name in names.items()}


def _map(attribution: Attribution, grids: dict[bytes, tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    panel = relevance_panel(attribution)
    names = ("start_s", "end_s", "low_hz", "high_hz")
    arrays = {name[:-2].rstrip("_"): panel.data[name] for name in names if name in panel.data}
    key = b"|".join(array.tobytes() for array in arrays.values())
    index, _ = grids.setdefault(key, (len(grids), arrays))
    return {"grid": index, "relevance": panel.data["relevance"], "error": panel.data["error"], "warning": panel.warning}


def _why(attribution: Attribution, grids: dict[bytes, tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    panel = relevance_panel(attribution)
    rows = [
        {
            "group": c.group,
            "name": c.name,
            "value": c.value,
            "text": c.text,
            "chance": c.chance,
            "chanceText": c.chance_text,
        }
        | {"low": c.low, "high": c.high, "meaning": c.remark}
        for c in checks(attribution)
    ]
    return _map(attribution, grids) | {
        "reading": panel.data["reading"],
        "stretch": panel.data["stretch"],
        "warning": warning_of(attribution),
        "score": attribution.score,
        "method": f"{attribution.method}, fill {attribution.fill}, {attribution.n_evaluations} evaluations",
        "curves": curves_panel(attribution.trust.curves).data["curves"],
        "checks": rows,
    }


def script_json(value: Any) -> str:
    """Return a value as JSON that is safe inside `<script type="application/json">`, ASCII only.

    Numbers keep five significant digits; NaN and infinity become null.

    Examples
    --------
    >>> script_json({"label": "</script>", "x": [0.1234567, float("nan")]})
    '{"label":"\\\\u003c/script\\\\u003e","x":[0.12346,null]}'
    """
    text = json.dumps(_plain(value), separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return float(f"{value:.5g}") if math.isfinite(value) else None
    return value
