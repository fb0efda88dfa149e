"""Panels of a diagnosis: causes, confused phones, the noise that flips errors, the worst words, examples to play."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from otoscope.core import Panel, Recording
from otoscope.explainers.errors.sorting import CAUSES

MOST_PHONES = 14
MOST_WORDS = 20


def diagnosis_panels(
    rows: Sequence[dict[str, Any]], sounds: Sequence[tuple[dict[str, Any], Recording]], *, examples: int
) -> tuple[Panel, ...]:
    """Return what there is to see in the rows of `diagnose`; nothing where there are none."""
    if not rows:
        return ()
    panels = [_causes(rows), *_phones(rows), *_layers(rows), _words(rows)]
    for cause in CAUSES:
        own = sorted((pair for pair in sounds if pair[0]["cause"] == cause), key=lambda pair: -_clear(pair[0]))
        if own and examples > 0:
            panels.append(_examples(cause, own[:examples], len(own)))
    return tuple(panels)


def _clear(row: dict[str, Any]) -> float:
    """Return how clear a case is: by how much the sound prefers one of the texts."""
    return abs(row["margin_nats"]) if row["margin_nats"] is not None else 0.0


def _causes(rows: Sequence[dict[str, Any]]) -> Panel:
    total = sum(row["n_errors"] for row in rows)
    values = [sum(row["n_errors"] for row in rows if row["cause"] == cause) / total for cause in CAUSES]
    return Panel(
        "bars",
        "What caused the errors",
        {"labels": list(CAUSES), "values": values, "y_label": "share of word errors"},
        "Causes are considered from left to right, and the first that holds is taken: acoustic is what is left.",
    )


def _phones(rows: Sequence[dict[str, Any]]) -> list[Panel]:
    pairs = Counter(pair for row in rows if row["kind"] == "substitution" for pair in _pairs(row["phones"]))
    if not pairs:
        return []
    said = [phone for phone, _ in _totals(pairs, 0).most_common(MOST_PHONES)]
    heard = [phone for phone, _ in _totals(pairs, 1).most_common(MOST_PHONES)]
    values = np.array([[pairs.get((a, b), 0) for b in heard] for a in said], dtype=float)
    data = {
        "values": values,
        "row_labels": said,
        "column_labels": heard,
        "x_label": "heard",
        "y_label": "said",
        "value_label": "times",
    }
    caption = "Phones in which the nearest pronunciations of substituted words differ; – is no phone."
    return [Panel("heatmap", "Which phones were taken for which", data, caption)]


def _pairs(phones: str | None) -> list[tuple[str, ...]]:
    return [] if not phones else [tuple(pair.split("→")) for pair in phones.split(", ")]


def _totals(pairs: Counter[tuple[str, ...]], side: int) -> Counter[str]:
    totals: Counter[str] = Counter()
    for pair, n in pairs.items():
        totals[pair[side]] += n
    return totals


def _layers(rows: Sequence[dict[str, Any]]) -> list[Panel]:
    known = [row for row in rows if row["regressive"] is not None]
    if not any(row["right_until_layer"] for row in known):
        return []
    last = Counter(row["right_until_layer"] or "never right" for row in known)
    names = sorted((name for name in last if name != "never right"), key=_in_order)
    labels = [*names, *(["never right"] if "never right" in last else [])]
    data = {"labels": labels, "values": [last[name] / len(known) for name in labels], "y_label": "share of passages"}
    caption = "The last layer from which the recogniser's own decoder still hears what was said."
    return [Panel("bars", "Until which layer it was right", data, caption)]


def _in_order(name: str) -> tuple[Any, ...]:
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in name.split("."))


def _words(rows: Sequence[dict[str, Any]]) -> Panel:
    counts = Counter((row["said"] or "–", row["heard"] or "–", row["cause"]) for row in rows)
    table = [[said, heard, cause, n] for (said, heard, cause), n in counts.most_common(MOST_WORDS)]
    return Panel(
        "table",
        "Most frequent confusions",
        {"columns": ["said", "heard", "cause", "times"], "rows": table},
        "Neighbouring errors stand together.",
    )


def _examples(cause: str, own: Sequence[tuple[dict[str, Any], Recording]], n_all: int) -> Panel:
    sounds = [
        {
            "label": f"said “{row['said'] or '–'}”, heard “{row['heard'] or '–'}” ({row['utterance']})",
            "recording": sound,
        }
        for row, sound in own
    ]
    caption = f"{len(sounds)} of {n_all}, the clearest first, with 0.3 s around."
    return Panel("sounds", f"Examples: {cause}", {"sounds": sounds}, caption)
