"""What the study of vowels shows: confusions of listeners and machine side by side, and where the two agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Panel
from otoscope.studies.vowel_listeners import IPA, Listened, confusions

EDGES = np.array([0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 1.0])
"""Bins of the posterior of the vowel meant."""


def panels_of_vowels(
    rows: Sequence[Mapping[str, Any]], listened: Listened, heard: Mapping[str, NDArray[np.float64]]
) -> tuple[Panel, ...]:
    """Return the Panels; `heard` holds the posteriors of each set of measurements, NaN rows where it was not used."""
    best = str(max(rows, key=lambda row: row["spearman"])["features"])
    return (
        _confusion_panel("Listeners", confusions(listened.shares, listened.vowels)),
        _confusion_panel(f"Machine, {best}", _of_machine(heard[best], listened)),
        _agreement_panel(listened, heard),
        _bars(rows, "spearman", "Item by item", "Spearman's r of posterior and listeners"),
        _bars(rows, "confusion_r", "Mistaken alike", "r of the confusions off the diagonal"),
        _vowel_panel(listened, heard, best),
    )


def _of_machine(found: NDArray[np.float64], listened: Listened) -> NDArray[np.float64]:
    used = np.isfinite(found).all(axis=1)
    return confusions(found[used], listened.vowels[used])


def _confusion_panel(who: str, matrix: NDArray[np.float64]) -> Panel:
    names = [f"/{ipa}/" for ipa in IPA]
    data = {
        "values": 100 * matrix,
        "row_labels": names,
        "column_labels": names,
        "x_label": "heard",
        "y_label": "meant",
        "value_label": "%",
        "low": 0.0,
        "high": 100.0,
    }
    return Panel("heatmap", f"{who}: what was heard", data, "Percent of answers, or mean posterior in percent.")


def _agreement_panel(listened: Listened, heard: Mapping[str, NDArray[np.float64]]) -> Panel:
    """How many listeners heard a token as meant, over the machine's posterior of it; a bin is a point."""
    middle = (EDGES[1:] + EDGES[:-1]) / 2
    series = []
    for name, found in heard.items():
        own = found[np.arange(len(listened)), listened.vowels]
        bins = np.digitize(own, EDGES[1:-1])
        known = np.isfinite(own)
        means = [listened.correct[known & (bins == b)] for b in range(len(middle))]
        series.append({"label": name, "y": [float(m.mean()) if m.size else float("nan") for m in means]})
    data = {
        "x": middle.tolist(),
        "series": series,
        "x_label": "posterior of the vowel meant",
        "y_label": "share of listeners who heard it",
    }
    return Panel("lines", "Does the machine doubt what people doubt?", data, "Mean over the tokens of each bin.")


def _bars(rows: Sequence[Mapping[str, Any]], column: str, title: str, y_label: str) -> Panel:
    data = {
        "labels": [str(row["features"]) for row in rows],
        "values": np.array([row[column] for row in rows]),
        "y_label": y_label,
    }
    return Panel("bars", title, data, "Higher is nearer to the listeners; 0 is no agreement.")


def _vowel_panel(listened: Listened, heard: Mapping[str, NDArray[np.float64]], best: str) -> Panel:
    machine = 100 * np.diag(_of_machine(heard[best], listened))
    rows = [
        [f"/{row['ipa']}/", row["correct_percent"], f"/{row['mostly_mistaken_for']}/", row["mistaken_percent"], own]
        for row, own in zip(listened.by_vowel(), machine.tolist(), strict=True)
    ]
    rows = [[round(cell, 1) if isinstance(cell, float) else cell for cell in row] for row in rows]
    columns = ["meant", "listeners, %", "mostly mistaken for", "in %", f"machine ({best}), %"]
    return Panel("table", "Vowel by vowel", {"columns": columns, "rows": rows}, "The machine's mean posterior.")
