"""Robustness: word errors of recognisers in noise, rooms, over the telephone, and at other speeds of speech.

A corpus and recognisers go in; out come a row for each recogniser and condition, and curves of all of them. Answers
are kept in a folder as they come, so that an interrupted study goes on from there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from otoscope.core import BadInput, Panel
from otoscope.core.protocols import Progress
from otoscope.corpora import read_corpus
from otoscope.recognizers.evaluation import Evaluation, evaluate
from otoscope.signal.conditions import Condition
from otoscope.signal.noise import NOISES
from otoscope.studies.entrants import Entrants, entrants_of, folder_of, label_of
from otoscope.studies.result import StudyResult

SNRS_DB = (20, 15, 10, 5, 0)
RT60S_S = (0.3, 0.5, 0.8)
SPEEDS = (0.8, 0.9, 1.1, 1.25)
CLEAN_AT_DB = 25
"""Where the clean recordings stand on the axis of signal-to-noise ratios."""
NOISE_CORPUS = "esc10-noise"
"""Corpus of noises that is looked for beside the corpus of speech; its test split is used."""


def run(
    corpus: str | os.PathLike[str],
    recognizers: Entrants = "otoscope-en",
    *,
    split: str | None = None,
    noises: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> StudyResult:
    """Evaluate recognisers in every condition on the same utterances.

    Parameters
    ----------
    corpus, split, limit
        Which utterances; see `otoscope.recognizers.evaluation.evaluate`.
    recognizers
        Names or folders, with commas between, or a sequence.
    noises
        A corpus of noises, or names of `otoscope.signal.noise.NOISES` with commas between; by default the corpus
        `esc10-noise` beside the corpus.
    seed
        Of the choice of utterances, of noises and of their places.
    out
        Folder to keep answers in.
    progress
        Called with (utterances done, all utterances of all conditions and recognisers).

    Raises
    ------
    BadInput
        No such corpus, split or noises.
    """
    began = time.perf_counter()
    entrants = entrants_of(recognizers)
    conditions = conditions_of(noise_files(corpus, noises), seed=seed)
    found: dict[str, list[Evaluation]] = {label_of(entrant): [] for entrant in entrants}
    for number, entrant in enumerate(entrants):
        for place, condition in enumerate(conditions):
            evaluation = evaluate(
                entrant,
                corpus,
                split=split,
                limit=limit,
                seed=seed,
                condition=condition,
                out=None if out is None else Path(out) / folder_of(label_of(entrant)),
                progress=_counted(progress, number * len(conditions) + place, len(entrants) * len(conditions)),
            )
            found[label_of(entrant)].append(evaluation)
    rows = tuple(_row(name, each, own[0]) for name, own in found.items() for each in own)
    provenance = {
        "corpus": os.fspath(corpus),
        "split": split or "all",
        "limit": limit,
        "conditions": [condition.as_json() for condition in conditions],
        "recognizers": {name: evaluations[0].provenance for name, evaluations in found.items()},
        "versions": {"otoscope": version("otoscope")},
        "seed": seed,
    }
    return StudyResult("robustness", _summary(rows), rows, _panels(rows), provenance, time.perf_counter() - began)


def conditions_of(noises: Sequence[str], *, seed: int) -> tuple[Condition, ...]:
    """Return all conditions, the clean one first."""
    return (
        Condition(),
        *(Condition("noise", float(snr_db), tuple(noises), seed) for snr_db in SNRS_DB),
        *(Condition("reverb", rt60_s) for rt60_s in RT60S_S),
        Condition("telephone"),
        *(Condition("speed", speed) for speed in SPEEDS),
    )


def noise_files(corpus: str | os.PathLike[str], noises: str | os.PathLike[str] | None) -> tuple[str, ...]:
    """Return the names or files of the noises.

    Raises
    ------
    BadInput
        There are none.
    """
    names = [name.strip() for name in os.fspath(noises).split(",")] if noises is not None else []
    if names and all(name in NOISES for name in names):
        return tuple(names)
    folder = Path(noises) if noises is not None else Path(corpus).absolute().parent / NOISE_CORPUS
    if not folder.exists():
        generated = ",".join(NOISES)
        raise BadInput(f"there are no noises at {folder}; name a corpus of noises, or of {generated}")
    return tuple(str(utterance.path) for utterance in read_corpus(folder, split="test"))


def _row(name: str, evaluation: Evaluation, clean: Evaluation) -> dict[str, Any]:
    low, high = evaluation.interval
    return {
        "recognizer": name,
        "condition": evaluation.condition.label,
        "kind": evaluation.condition.kind,
        "value": evaluation.condition.value,
        "wer": evaluation.wer,
        "low": low,
        "high": high,
        "more_than_clean": evaluation.wer - clean.wer,
        "n_words": evaluation.words.n_reference,
        "n_utterances": len(evaluation.judged),
        "n_empty": len(evaluation.empty),
    }


def _panels(rows: Sequence[dict[str, Any]]) -> tuple[Panel, ...]:
    return (
        _lines(rows, "noise", CLEAN_AT_DB, f"SNR in dB ({CLEAN_AT_DB}: no noise added)", "Word errors in noise"),
        _lines(rows, "reverb", 0.0, "RT60 in s (0: as recorded)", "Word errors in a room"),
        _lines(rows, "speed", 1.0, "speed and pitch, times the original", "Word errors at other speeds"),
        _telephone(rows),
    )


def _lines(rows: Sequence[dict[str, Any]], kind: str, clean_at: float, x_label: str, title: str) -> Panel:
    series = []
    x: list[float] = []
    for name in dict.fromkeys(row["recognizer"] for row in rows):
        own = [row for row in rows if row["recognizer"] == name and row["kind"] in (kind, "clean")]
        at = [(clean_at if row["kind"] == "clean" else row["value"], row) for row in own]
        points = sorted(at, key=lambda point: point[0])
        x = [value for value, _ in points]
        edges = {edge: [row[edge] for _, row in points] for edge in ("low", "high")}
        series.append({"label": name, "y": [row["wer"] for _, row in points], **edges})
    data = {"x": x, "series": series, "x_label": x_label, "y_label": "word error rate"}
    return Panel("lines", title, data, "Bands are 95 % bootstrap intervals; the same utterances everywhere.")


def _telephone(rows: Sequence[dict[str, Any]]) -> Panel:
    chosen = [row for row in rows if row["kind"] in ("clean", "telephone")]
    data = {
        "labels": [f"{row['recognizer']}, {row['condition']}" for row in chosen],
        "values": [row["wer"] for row in chosen],
        "low": [row["low"] for row in chosen],
        "high": [row["high"] for row in chosen],
        "y_label": "word error rate",
    }
    return Panel("bars", "Word errors over the telephone", data, "300 to 3400 Hz; bars are 95 % bootstrap intervals.")


def _summary(rows: Sequence[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(row["recognizer"] for row in rows))
    parts = []
    for name in names:
        own = {row["condition"]: row["wer"] for row in rows if row["recognizer"] == name}
        noisy = next(row["wer"] for row in rows if row["recognizer"] == name and row["value"] == SNRS_DB[2])
        parts.append(
            f"{name}: {100 * own['clean']:.1f} % word errors clean, {100 * noisy:.1f} % at {SNRS_DB[2]} dB SNR"
        )
    return "; ".join(parts) + "."


def _counted(progress: Progress | None, number: int, n_all: int) -> Progress | None:
    return None if progress is None else lambda done, total: progress(number * total + done, n_all * total)
