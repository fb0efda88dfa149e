"""What there is to see in the study `audrey`: accuracies, confusions, a warping path, and maps of the formant plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Panel
from otoscope.decoding.dtw import dtw
from otoscope.recognizers.template.formants import OccupancyLearner
from otoscope.recognizers.template.recognizer import TemplateRecognizer
from otoscope.recognizers.template.training import AUDREY_FORMANTS, DIGITS
from otoscope.recognizers.template.warping import WarpingLearner
from otoscope.studies.audrey_talker import Talker

MAPPED = ("one", "three", "four", "seven")
"""Digits whose formant maps are shown."""


def panels(
    rows: Sequence[Mapping[str, Any]], confusions: NDArray[np.int64], talker: Talker, recognizer: TemplateRecognizer
) -> tuple[Panel, ...]:
    """Return the pictures; paths and maps are those of one talker."""
    return (
        _accuracy(rows),
        _by_count(rows),
        _confusions(confusions),
        _path(talker, recognizer),
        *(_map(talker, digit) for digit in MAPPED),
    )


def _accuracy(rows: Sequence[Mapping[str, Any]]) -> Panel:
    main = [row for row in rows if row["what"] == "recogniser with rejection"]
    data = {
        "labels": [row["speaker"] for row in main],
        "values": [row["right"] for row in main],
        "low": [row["right_low"] for row in main],
        "high": [row["right_high"] for row in main],
        "y_label": "share of digits right",
        "chance": 1 / len(DIGITS),
    }
    caption = "The whole recogniser on recordings that are no templates; bars are 95 % Wilson intervals."
    return Panel("bars", "Digits of one speaker", data, caption)


def _by_count(rows: Sequence[Mapping[str, Any]]) -> Panel:
    plain = [row for row in rows if row["what"] == "nearest word" and row["variant"] == "warping P=0"]
    counts = sorted({row["templates_a_digit"] for row in plain})
    series = []
    for speaker in dict.fromkeys(row["speaker"] for row in plain):
        own = sorted((r for r in plain if r["speaker"] == speaker), key=lambda r: r["templates_a_digit"])
        series.append({"label": speaker, "y": [row["right"] for row in own]})
    data = {"x": counts, "series": series, "x_label": "templates of each digit", "y_label": "share of digits right"}
    return Panel("lines", "More templates, fewer errors", data, "Dynamic time warping, P = 0, no rejection.")


def _confusions(counts: NDArray[np.int64]) -> Panel:
    rows = [[digit, *row] for digit, row in zip(DIGITS, counts.tolist(), strict=True)]
    caption = "Rows: what was said, all speakers; columns: what was heard (none: rejected, or several words)."
    return Panel("table", "Confusions", {"columns": ["said", *DIGITS, "none"], "rows": rows}, caption)


def _path(talker: Talker, recognizer: TemplateRecognizer) -> Panel:
    spoken, template = talker.frames["warping"][7][1], talker.frames["warping"][7][0]
    learner = recognizer.matcher.learner
    assert isinstance(learner, WarpingLearner)
    hop_s, word = learner.front_end.hop_s, learner.front_end.word
    pairs = dtw(word(spoken), word(template), pattern=learner.pattern).pairs
    data = {
        "x": (pairs[:, 0] * hop_s).tolist(),
        "series": [{"label": "seven on seven", "y": (pairs[:, 1] * hop_s).tolist()}],
        "x_label": "time in what was said (s)",
        "y_label": "time in the template (s)",
    }
    caption = f"The best path between two utterances of 'seven' by {talker.name}; a straight line would be equal speed."
    return Panel("lines", "A warping path", data, caption)


def _map(talker: Talker, digit: str) -> Panel:
    """How long the formants of a digit dwell in each field, as in the figures of 1952."""
    examples = talker.frames["formants"]
    learner = AUDREY_FORMANTS.matcher(examples).learner
    assert isinstance(learner, OccupancyLearner)
    tracks = learner.tracks
    n_f1, n_f2 = len(tracks.f1_edges_hz) - 1, len(tracks.f2_edges_hz) - 1
    fields = np.concatenate([tracks.fields(example) for example in examples[DIGITS.index(digit)]])
    shares = np.bincount(fields, minlength=n_f1 * n_f2).reshape(n_f1, n_f2) / max(1, fields.size)
    columns = ["F2 from (Hz) \\ F1 from (Hz)", *(f"{edge:.0f}" for edge in tracks.f1_edges_hz[:-1])]
    rows = [
        [f"{tracks.f2_edges_hz[k]:.0f}", *(f"{100 * s:.0f}" for s in shares[:, k])] for k in range(n_f2 - 1, -1, -1)
    ]
    caption = f"Per cent of the time that 'F1, F2' of {talker.name}'s '{digit}' spends in each field of the plane."
    return Panel("table", f"The formant plane of '{digit}'", {"columns": columns, "rows": rows}, caption)
