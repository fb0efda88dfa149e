"""What the study of recognition shows: how many words are found, by size of the lexicon, frequency and speech."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from otoscope.core import Panel

Rows = Sequence[Mapping[str, Any]]


def panels_of_recognition(rows: Rows) -> tuple[Panel, ...]:
    """Return the Panels of the study's table."""
    samples = list(dict.fromkeys(row["words"] for row in rows if not row["pooled"]))
    whole = max(row["lexicon"] for row in rows if not row["pooled"])
    sets = [row for row in rows if row["pooled"] and row["lexicon"] >= whole]
    bins = [row for row in sets if row["words"].startswith("Zipf")]
    voices = [row for row in sets if row["words"].startswith("voice ")]
    others = [row for row in sets if not row["words"].startswith(("Zipf", "voice "))]
    return (
        _by_size(rows, samples),
        _bars("By frequency", bins, "Words of both even samples, by Zipf frequency: log10 of uses in a billion words."),
        _bars("By voice", voices, "Words of the main sample, by who said them; each voice said other words."),
        _bars("By speech and front end", others, "Every set of words against the whole lexicon."),
    )


def _by_size(rows: Rows, samples: Sequence[str]) -> Panel:
    series = []
    sizes = sorted({row["lexicon"] for row in rows if not row["pooled"]})
    for name in samples:
        for pooled in (True, False):
            by = {row["lexicon"]: row for row in rows if row["words"] == name and row["pooled"] == pooled}
            own = [by[n] for n in sizes]
            label = f"{name}, {'homophones pooled' if pooled else 'as spelled'}"
            one: dict[str, Any] = {"label": label, "y": np.array([row["top_1"] for row in own])}
            if pooled:
                one |= {bound: np.array([row[bound] for row in own]) for bound in ("low", "high")}
            series.append(one)
    data = {
        "x": np.log10(sizes),
        "series": series,
        "x_label": "log10 of words in the lexicon",
        "y_label": "share right",
    }
    caption = "Share of spoken words that are the best at the end; bands are 95 % bootstrap intervals over words."
    return Panel("lines", "The larger the lexicon", data, caption)


def _bars(title: str, rows: Rows, caption: str) -> Panel:
    data = {
        "labels": [f"{row['words']} ({row['front_end']}, n = {row['n']})" for row in rows],
        "values": np.array([row["top_1"] for row in rows]),
        "low": np.array([row["low"] for row in rows]),
        "high": np.array([row["high"] for row in rows]),
        "y_label": "share right",
    }
    return Panel("bars", title, data, f"{caption} Bars of error are 95 % bootstrap intervals over words.")
