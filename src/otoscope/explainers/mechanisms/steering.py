"""Steering: a direction is added to what passes a site, and the recogniser says what it hears now.

A direction that only describes a layer changes nothing; one that the rest of the network reads changes the word (Turner
et al. 2023; Rimsky et al. 2024). A step of the same length in random directions shows what any push of that size does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, Finding, Interval, Panel, Recognizer, Recording, Target
from otoscope.core.protocols import Edit, Intervenable, Progress
from otoscope.explainers.mechanisms.pictures import made_of
from otoscope.explainers.mechanisms.running import Rows, edited, need, run, scores_with, sounds

STRENGTHS = (-4.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 4.0)


def steer(
    recognizer: Recognizer,
    recording: Recording,
    *,
    at: str,
    direction: ArrayLike,
    target: Target | Interval | int | str = 0,
    strengths: Sequence[float] = STRENGTHS,
    span: Interval | None = None,
    n_random: int = 8,
    seed: int = 0,
    progress: Progress | None = None,
) -> Finding:
    """Push what passes a site along a direction, further and further.

    Parameters
    ----------
    at
        The site.
    direction
        `(n_units,)`, of any length: `mean_difference`, or `SparseCode.direction`.
    target
        Whose score is followed.
    strengths
        How far to go, in mean lengths of a row at the site.
    span
        Rows with their centre in it are pushed; by default all.
    n_random, seed
        Random directions for comparison, and their seed.
    progress
        Told (strengths done, all).

    Returns
    -------
    Finding
        One row a strength: `score`, `text` heard, and of the random directions `random_mean`, `random_low`,
        `random_high` of the score and `random_same`, the share that leaves the text as it was. It fails where no
        strength moves the score further than every random direction does.

    Raises
    ------
    BadInput
        The direction has another width than the site, or no length.
    """
    need(recognizer, Intervenable)
    asked = target if isinstance(target, Target) else recognizer.trace(recording).target(target)
    heard = recognizer.trace(recording, record=[at])
    base, grid = run(recognizer, recording, asked, sites=(at,)).seen[at], heard.activations[at].grid
    rows = slice(None) if span is None or grid is None else grid.frames_of(span)
    ways = _ways(direction, base.shape[1], n_random, seed)
    length = float(np.linalg.norm(base, axis=1).mean())
    table = []
    for done, strength in enumerate(strengths):
        edits = [_pushed(rows, strength * length * way) for way in ways]
        scores = scores_with(recognizer, recording, asked, (edit(base) for edit in edits), at=at)
        texts = [_text(recognizer, recording, at, edit) for edit in edits]
        same = [text == heard.text for text in texts[1:]]
        table.append(_row(float(strength), scores, texts[0], same))
        if progress is not None:
            progress(done + 1, len(strengths))
    moved = [row["score"] > row["random_high"] or row["score"] < row["random_low"] for row in table if row["strength"]]
    failures = () if any(moved) else ("random directions of the same length move the score as far",)
    return Finding(
        "steering",
        _summary(table, heard.text, at),
        tuple(table),
        (_panel(table, at, "; ".join(failures)),),
        made_of(recognizer, (recording,), asked, at=at, length=length, n_random=n_random, seed=seed),
        failures,
    )


def mean_difference(
    recognizer: Recognizer, first: Sequence[Any], second: Sequence[Any], *, at: str
) -> NDArray[np.float64]:
    """Return the mean of what passes a site in the first utterances minus that in the second, `(n_units,)`."""
    need(recognizer, Intervenable)
    means = []
    for utterances in (first, second):
        if not utterances:
            raise BadInput("a mean difference needs an utterance on both sides")
        found = [recognizer.trace(sound, record=[at]).activations[at].values for sound in sounds(utterances)]
        means.append(np.concatenate(found).mean(0, dtype=np.float64))
    difference: NDArray[np.float64] = means[0] - means[1]
    return difference


def _ways(direction: ArrayLike, n_units: int, n_random: int, seed: int) -> list[NDArray[np.float64]]:
    given = np.asarray(direction, dtype=np.float64)
    if given.shape != (n_units,) or not np.linalg.norm(given) > 0:
        raise BadInput(f"a direction here has {n_units} units and a length above 0, got shape {given.shape}")
    if n_random < 1:
        raise BadInput(f"a direction is compared with random ones; 1 or more are needed, got {n_random}")
    drawn = np.random.default_rng(seed).standard_normal((n_random, n_units))
    return [each / np.linalg.norm(each) for each in (given, *drawn)]


def _pushed(rows: slice, step: NDArray[np.float64]) -> Edit:
    def edit(values: Rows) -> Rows:
        changed = values.copy()
        changed[rows] += step.astype(values.dtype)
        return changed

    return edit


def _text(recognizer: Recognizer, recording: Recording, at: str, edit: Edit) -> str:
    with edited(recognizer, {at: edit}):
        return recognizer.trace(recording).text


def _row(strength: float, scores: NDArray[np.float64], text: str, same: Sequence[bool]) -> dict[str, Any]:
    random = scores[1:]
    return {
        "strength": strength,
        "score": float(scores[0]),
        "text": text,
        "random_mean": float(random.mean()),
        "random_low": float(random.min()),
        "random_high": float(random.max()),
        "random_same": float(np.mean(same)),
    }


def _summary(table: Sequence[dict[str, Any]], text: str, at: str) -> str:
    changed = [row for row in sorted(table, key=lambda row: abs(row["strength"])) if row["text"] != text]
    if not changed:
        return f"No strength at {at} changes what is heard: {text!r}."
    first = changed[0]
    return (
        f"At {at}, strength {first['strength']:g} turns {text!r} into {first['text']!r}; random directions of that "
        f"length leave it in {100 * first['random_same']:.0f} % of cases."
    )


def _panel(table: Sequence[dict[str, Any]], at: str, warning: str) -> Panel:
    order = sorted(table, key=lambda row: row["strength"])
    x, y = (np.array([row[name] for row in order]) for name in ("strength", "score"))
    low, mean, high = (np.array([row[f"random_{name}"] for row in order]) for name in ("low", "mean", "high"))
    series = [{"label": "direction", "y": y}, {"label": "random", "y": mean, "low": low, "high": high}]
    return Panel(
        "lines",
        f"Steering at {at}",
        {"x": x, "series": series, "x_label": "strength (mean lengths of a row)", "y_label": "score (nats)"},
        "Score of the target while a direction is added to every row; the band spans all random directions.",
        warning,
    )
