"""What a decoder's own words do to the next one: which of the tokens written so far speak for each token, and how much.

A decoder that writes token by token hears two things: the sound and itself. Sites whose name ends in `.tokens` are
where it reads what it wrote; there one token after another is taken away (its embedding becomes a neutral one) while
the text stays as it was, or the slope is taken. Beside it stands what the whole sound means to the same token: what
hangs on the words before it alone was not heard. Compare Voita, Sennrich & Titov (2021) on source and target
contributions in translation, section 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Finding, NotAble, Recognizer, Recording
from otoscope.core.protocols import Intervenable, Progress, Substituting
from otoscope.explainers.mechanisms.pictures import made_of
from otoscope.explainers.mechanisms.running import need
from otoscope.explainers.previous_tokens_panels import panels_of
from otoscope.explainers.written_text import Unit, Written, written
from otoscope.metrics.agreement import spearman
from otoscope.signal.fills import fill_samples

Floats = NDArray[np.float64]
METHODS = ("occlusion", "input-x-gradient", "integrated-gradients")
FILLS = ("mean", "zero")
N_STEPS, STEPS_AT_ONCE = 16, 4
GIVEN = "<given>"
AGREEING = 0.5
"""Rank correlation between two maps below which neither is believed."""


def previous_tokens(
    recognizer: Recognizer,
    recording: Recording,
    *,
    unit: Unit = "word",
    method: str = "occlusion",
    fill: str = "mean",
    progress: Progress | None = None,
) -> Finding:
    """Tell how much each word or token written before speaks for each that follows, and how much the sound does.

    Parameters
    ----------
    recognizer
        One that writes token by token, scores tokens, and reads what it wrote at a site `….tokens`.
    recording
        What it hears.
    unit
        `word`: the tokens of a word are taken away together, and scored together. Words begin at a space or `▁`.
    method
        `occlusion`, `input-x-gradient` or `integrated-gradients`, over the embeddings.
    fill
        What is neutral: `mean`, of the embeddings in this text, or `zero`.
    progress
        Told (passes done, all): of both neutral embeddings, for each source taken away or each batch of slopes.

    Returns
    -------
    Finding
        A row for each target and source before it: `relevance` in nats (how much the source adds to ln P of the
        target), and for the target its `log_score`, and what is lost `without_sound` and `without_text` before it.

    Raises
    ------
    NotAble
        The recogniser reads nothing that it wrote, or its tokens have no score of their own.
    BadInput
        Nothing was written, or an argument is not known.
    """
    for name, value, known in (("unit", unit, ("word", "token")), ("method", method, METHODS), ("fill", fill, FILLS)):
        if value not in known:
            raise BadInput(f"unknown {name} {value!r}; one of {', '.join(known)}")
    need(recognizer, Intervenable, Substituting)
    trace = recognizer.trace(recording, record=("steps", site := _site(recognizer)))
    text = written(trace, site, unit)
    neutral = {name: _neutral(text, name) for name in FILLS}
    maps = {
        name: _relevance(recognizer, recording, text, neutral[name], method, _of_all(progress, turn))
        for turn, name in enumerate(FILLS)
    }
    found = maps[fill]
    whole = text.summed(recognizer.score([recording], text.targets))[0]
    silent = recording.with_samples(fill_samples(recording, "silence"))
    without_sound = whole - text.summed(recognizer.score([silent], text.targets))[0]
    alone = np.where(text.is_text[:, None], neutral[fill], text.values)
    without_text = whole - text.summed(recognizer.score_at(recording, text.targets, alone[None], at=site).scores)[0]  # type: ignore[attr-defined]
    failures = _failures(maps)
    sums = {"log_score": whole, "without_sound": without_sound, "without_text": without_text}
    return Finding(
        "previous-tokens",
        _summary(text, found, sums),
        tuple(_rows(text, found, sums)),
        panels_of(text.names, (GIVEN, *text.names), found, sums, unit=unit, failures=failures),
        made_of(recognizer, (recording,), None, unit=unit, method=method, fill=fill, site=site),
        failures,
    )


def _of_all(progress: Progress | None, turn: int) -> Progress | None:
    """Return what tells the progress of one neutral embedding as a part of that of all."""
    if progress is None:
        return None
    return lambda done, n: progress(turn * n + done, len(FILLS) * n)


def _site(recognizer: Any) -> str:
    names = [site.name for site in recognizer.sites() if site.name.endswith(".tokens")]
    if not names:
        raise NotAble(f"{recognizer.name} does not read what it wrote; this needs an attention decoder")
    if names[0].startswith("prediction"):
        raise NotAble(f"the tokens of {recognizer.name}, a transducer, have no score of their own")
    return names[0]


def _neutral(text: Written, fill: str) -> NDArray[Any]:
    if fill == "zero":
        return np.zeros_like(text.values[:1])
    return np.asarray(text.values[text.is_text].mean(axis=0, keepdims=True))


def _relevance(
    recognizer: Any,
    recording: Recording,
    text: Written,
    neutral: NDArray[Any],
    method: str,
    progress: Progress | None,
) -> Floats:
    """Return how much each source adds to each target in nats, `(n_groups, n_sources)`; NaN for what comes later."""
    by_source = _occluded if method == "occlusion" else _from_slopes
    n_steps = 1 if method == "input-x-gradient" else N_STEPS
    found = by_source(recognizer, recording, text, neutral, n_steps=n_steps, progress=progress)
    for target in range(len(text.names)):
        readable = len(text.rows[0]) + int(np.flatnonzero(text.of_token == target)[-1])
        for source, rows in enumerate(text.rows):
            if not any(row < readable for row in rows):
                found[target, source] = np.nan
    return found


def _occluded(
    recognizer: Any,
    recording: Recording,
    text: Written,
    neutral: NDArray[Any],
    *,
    n_steps: int,
    progress: Progress | None,
) -> Floats:
    """Take away one source after another."""
    columns = []
    whole = text.summed(recognizer.score_at(recording, text.targets, text.values[None], at=text.site).scores)[0]
    for done, rows in enumerate(text.rows, start=1):
        values = text.values.copy()
        values[list(rows)] = neutral
        without = recognizer.score_at(recording, text.targets, values[None], at=text.site).scores
        columns.append(whole - text.summed(without)[0])
        if progress is not None:
            progress(done, len(text.rows))
    return np.array(columns).T


def _from_slopes(
    recognizer: Any,
    recording: Recording,
    text: Written,
    neutral: NDArray[Any],
    *,
    n_steps: int,
    progress: Progress | None,
) -> Floats:
    """Multiply the change by the slope, at the text itself or as the mean along the way from the neutral rows."""
    change = (text.values - neutral).astype(np.float64)
    slopes = np.zeros((len(text.names), *text.values.shape))
    ways = np.ones(1) if n_steps == 1 else (np.arange(n_steps) + 0.5) / n_steps
    for first in range(0, len(ways), STEPS_AT_ONCE):
        shares = ways[first : first + STEPS_AT_ONCE, None, None]
        values = (neutral + shares * change).astype(text.values.dtype)
        found = recognizer.score_at(recording, text.targets, values, at=text.site, slopes=True).slopes
        for column, group in enumerate(text.of_token):
            slopes[group] += found[:, column].sum(axis=0) / len(ways)
        if progress is not None:
            progress(first // STEPS_AT_ONCE + 1, -(-len(ways) // STEPS_AT_ONCE))
    by_row = (slopes * change).sum(axis=2)
    return np.stack([by_row[:, list(rows)].sum(axis=1) for rows in text.rows], axis=1)


def _failures(maps: dict[str, Floats]) -> tuple[str, ...]:
    one, two = (each[np.isfinite(each)] for each in maps.values())
    agreement = spearman(one, two)
    if np.isnan(agreement) or agreement >= AGREEING:
        return ()
    return (f"another neutral embedding gives another map (rank correlation {agreement:.2f})",)


def _summary(text: Written, found: Floats, sums: dict[str, Floats]) -> str:
    heard = int(np.sum(sums["without_sound"] >= sums["without_text"]))
    told = f"{heard} of {len(text.names)} hang more on the sound than on what was written before them."
    inner = found[:, 1:].copy()
    np.fill_diagonal(inner, np.nan)
    if not np.isfinite(inner).any():
        return told
    target, source = np.unravel_index(int(np.nanargmax(inner)), inner.shape)
    nats = inner[target, source]
    return f"{told} Most is owed by {text.names[target]!r} to {text.names[source]!r} before it, {nats:.1f} nats."


def _rows(text: Written, found: Floats, sums: dict[str, Floats]) -> list[dict[str, Any]]:
    sources = (GIVEN, *text.names)
    rows = []
    for target, name in enumerate(text.names):
        own = {key: float(values[target]) for key, values in sums.items()}
        for source in np.flatnonzero(np.isfinite(found[target])):
            about = {"source": sources[source], "source_position": int(source) - 1}
            relevance = float(found[target, source])
            rows.append({"target": name, "target_position": target, **about, "relevance": relevance, **own})
    return rows
