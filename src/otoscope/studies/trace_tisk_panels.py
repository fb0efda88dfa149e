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
    heard = {name: _shown(name, simulated[name], word) for name in SHOWN}
    shown = (word, *_nearest(heard, simulated, slex.words, word))
    return (
        _against_trace(slex, times),
        _agreement(rows),
        _dimensions(rows),
        *(_competition(name, heard[name], simulated[name].words, shown) for name in SHOWN),
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


def _shown(name: str, simulated: Simulated, word: str) -> NDArray[np.float64]:
    """Return `(n_cycles, n_words)` of one word heard: activations, of the listener probabilities."""
    heard = simulated.of(word)
    if not name.startswith("listener"):
        return heard
    odds = np.exp(heard - heard.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _nearest(
    heard: Mapping[str, NDArray[np.float64]], simulated: Mapping[str, Simulated], words: Sequence[str], word: str
) -> list[str]:
    """Return the rivals that come nearest to the word at any time, by their mean rank over the models."""
    rivals = [rival for rival in words if rival != word]
    ranks = np.zeros(len(rivals))
    for name, made in heard.items():
        peaks = made.max(axis=0)[[simulated[name].words.index(rival) for rival in rivals]]
        ranks += np.argsort(np.argsort(-peaks, kind="stable"), kind="stable")
    return [rivals[place] for place in np.argsort(ranks, kind="stable")[:N_RIVALS]]


def _competition(name: str, heard: NDArray[np.float64], words: Sequence[str], shown: Sequence[str]) -> Panel:
    """One word's competition with the same rivals in every model."""
    listener = name.startswith("listener")
    data = {
        "x": np.arange(len(heard)),
        "series": [{"label": label, "y": heard[:, words.index(label)]} for label in shown],
        "x_label": "frame" if listener else "cycle",
        "y_label": "probability" if listener else "activation",
    }
    caption = "The same words in every model. Phones as in jTRACE: ^ as in but, S as in ship."
    return Panel("lines", f"{name}: “{shown[0]}” and its rivals", data, caption)
