"""What the study of the peers shows: reaction times against TRACE's, and one word's competition in every model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Panel
from otoscope.listener.peers.simulated import Simulated
from otoscope.listener.peers.slex import Slex

Vector = NDArray[np.float64]

SHOWN = ("TRACE", "TISK", "TISK+fb", "listener")
"""Models whose competition is drawn."""
WORD = "bark"
N_RIVALS = 5


def panels_of_peers(
    slex: Slex,
    rows: Sequence[Mapping[str, Any]],
    times: Mapping[str, Vector],
    simulated: Mapping[str, Simulated],
) -> tuple[Panel, ...]:
    """Return the Panels; `times` are those of the table's criterion by model."""
    word = WORD if WORD in slex.words else slex.words[0]
    return (
        _against_trace(slex, times),
        _agreement(rows),
        _dimensions(rows),
        *(_competition(name, simulated[name], word) for name in SHOWN),
    )


def _against_trace(slex: Slex, times: Mapping[str, Vector]) -> Panel:
    trace = times["TRACE (file)"]
    x, y, groups = [], [], []
    for name in ("TRACE", "TISK (file)", "TISK+fb (file)", "listener"):
        both = np.isfinite(times[name]) & np.isfinite(trace)
        x.append(trace[both])
        y.append(times[name][both])
        groups += [name] * int(both.sum())
    data = {
        "x": np.concatenate(x),
        "y": np.concatenate(y),
        "groups": groups,
        "x_label": "TRACE, published (cycles)",
        "y_label": "model (cycles)",
    }
    caption = f"When each of {len(slex.words)} words led for 10 cycles; a point a word and model."
    return Panel("scatter", "Reaction times beside TRACE's", data, caption)


def _agreement(rows: Sequence[Mapping[str, Any]]) -> Panel:
    shown = [row for row in rows if row["model"] != "TRACE (file)"]
    data = {
        "labels": [row["model"] for row in shown],
        "values": np.array([row["r_trace"] for row in shown]),
        "y_label": "r with TRACE's published times",
    }
    return Panel("bars", "Who agrees with TRACE", data, "Pearson's r over the words that both recognise.")


def _dimensions(rows: Sequence[Mapping[str, Any]]) -> Panel:
    names = ("r_length", "r_neighbours", "r_cohorts", "r_rhymes", "r_embedded_words")
    data = {
        "values": np.array([[row[name] for name in names] for row in rows]),
        "row_labels": [row["model"] for row in rows],
        "column_labels": [name.removeprefix("r_").replace("_", " ") for name in names],
        "value_label": "r",
        "diverging": True,
        "low": -1.0,
        "high": 1.0,
    }
    return Panel("heatmap", "What reaction times go with", data, "Correlations of reaction times over words.")


def _competition(name: str, simulated: Simulated, word: str) -> Panel:
    """One word's competition: its activation and that of those that come nearest to it at any time."""
    heard = simulated.of(word)
    listener = name.startswith("listener")
    if listener:
        heard = heard - heard.max(axis=1, keepdims=True)
        heard = np.exp(heard) / np.exp(heard).sum(axis=1, keepdims=True)
    nearest = [w for w in np.argsort(-heard.max(axis=0), kind="stable") if simulated.words[w] != word][:N_RIVALS]
    columns = [simulated.words.index(word), *nearest]
    data = {
        "x": np.arange(len(heard)),
        "series": [{"label": simulated.words[w], "y": heard[:, w]} for w in columns],
        "x_label": "frame" if listener else "cycle",
        "y_label": "probability" if listener else "activation",
    }
    return Panel("lines", f"{name}: “{word}” and its rivals", data, "Phones as in jTRACE: ^ as in but, S as in ship.")
