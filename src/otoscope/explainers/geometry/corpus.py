"""The geometry of a whole corpus: what `otoscope analyze` asks for, from utterances alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from otoscope.core import BadInput, Differentiable, Finding, Interval, NotAble, Panel, Recognizer, Recording, Target
from otoscope.core.protocols import Progress
from otoscope.explainers.geometry.dimensions import geometry
from otoscope.explainers.geometry.tangents import tangent_sensitivity
from otoscope.explainers.information.instants import activations_at, labelled_instants
from otoscope.metrics.agreement import bootstrap_interval

UNITS = ("words", "phones", "speaker")
MOST = 4000
"""Instants that make a cloud."""
STEP_S = 0.01


def corpus_geometry(
    recognizer: Recognizer,
    utterances: Sequence[Any],
    *,
    by: str = "words",
    sites: Sequence[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Finding:
    """Measure how many dimensions each layer takes up, and draw it, coloured by what was heard or by who speaks.

    Parameters
    ----------
    recognizer
        Anything that records activations.
    utterances
        With `recording()` and `speaker`.
    by
        `words` or `phones`, as the recogniser hears and places them, or `speaker`.
    sites, seed, progress
        As `geometry` takes them.
    """
    if by not in UNITS:
        raise BadInput(f"unknown grouping {by!r}; one of {', '.join(UNITS)}")
    recordings = [utterance.recording() for utterance in utterances]
    intervals = [
        (Interval(0.0, recording.duration_s, str(utterance.speaker)),)
        if by == "speaker"
        else _heard(recognizer, recording, by)
        for utterance, recording in zip(utterances, recordings, strict=True)
    ]
    return geometry(recognizer, recordings, intervals, sites=sites, seed=seed, progress=progress)


def corpus_tangents(
    recognizer: Recognizer,
    utterances: Sequence[Any],
    *,
    at: str = "features",
    n_explained: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
) -> Finding:
    """Tell how much of the gradient of what was heard lies along the sounds of a corpus, over several utterances.

    Parameters
    ----------
    recognizer
        Gives gradients.
    utterances
        With `recording()` and `id`; each is set against the cloud of all others.
    at
        The site.
    n_explained
        How many are explained: the first in which something was heard.
    seed
        Of draws and intervals.
    progress
        Called with (utterances done, all).

    Returns
    -------
    Finding
        A row for each utterance, with the shares of `tangent_sensitivity`. Fails when the interval of the mean
        difference to gradients of other frames reaches 0, or when most tangent spaces hold no steps.
    """
    if not isinstance(recognizer, Differentiable):
        raise NotAble(f"{recognizer.name} gives no gradients; choose one that does, such as ctc-digits")
    recordings = [utterance.recording() for utterance in utterances]
    spans = [(Interval(0.0, recording.duration_s, "sound"),) for recording in recordings]
    instants = labelled_instants(spans, step_s=STEP_S, most=MOST, seed=seed)
    cloud = activations_at(recognizer, recordings, instants, [at])[at]
    rows: list[dict[str, Any]] = []
    for index, recording in enumerate(recordings):
        text = recognizer.trace(recording).text
        if not text or len(rows) == n_explained:
            continue
        others = cloud[instants.recordings != index]
        target = Target.utterance(text)
        found = tangent_sensitivity(recognizer, recording, target, cloud=others, at=at, seed=seed)
        rows.append(_row(str(utterances[index].id), found))
        if progress is not None:
            progress(len(rows), min(n_explained, len(recordings)))
    if len(rows) < 2:
        raise BadInput(f"something was heard in {len(rows)} of {len(recordings)} utterances; at least two are needed")
    return _over(rows, recognizer, at=at, seed=seed)


def _heard(recognizer: Recognizer, recording: Recording, by: str) -> tuple[Interval, ...]:
    alignment = recognizer.trace(recording).alignment
    tier = alignment.words if by == "words" else alignment.phones
    if tier is None:
        raise NotAble(f"{recognizer.name} places no phones; colour by words or speaker")
    return tier.intervals


_SHARES = ("tangent_share", "other_share", "step_share", "chance")


def _row(name: str, found: Finding) -> dict[str, Any]:
    shares = {key: found.provenance[key] for key in _SHARES}
    return {
        "utterance": name,
        "heard": found.provenance["target"],
        **shares,
        "n_dims": found.provenance["n_dims"],
        "holds": not any("steps" in failure for failure in found.failures),
    }


def _over(rows: Sequence[dict[str, Any]], recognizer: Recognizer, *, at: str, seed: int) -> Finding:
    columns = {key: np.array([row[key] for row in rows]) for key in _SHARES}
    intervals = {key: bootstrap_interval(values, seed=seed) for key, values in columns.items()}
    low, _ = bootstrap_interval(columns["tangent_share"] - columns["other_share"], seed=seed)
    failures = []
    if not low > 0:
        failures.append("gradients of other frames lie along the sounds as much: the place does not matter")
    if 2 * sum(row["holds"] for row in rows) <= len(rows):
        failures.append("most tangent spaces hold no more of the steps between frames than of anything")
    means = {key: float(values.mean()) for key, values in columns.items()}
    return Finding(
        name="tangents",
        summary=f"In {len(rows)} utterances {means['tangent_share']:.0%} of the gradient at {at} lies along the sounds "
        f"around ({intervals['tangent_share'][0]:.0%} to {intervals['tangent_share'][1]:.0%}), "
        f"{means['chance']:.0%} of a random direction, {means['other_share']:.0%} of gradients of other frames.",
        table=tuple(rows),
        panels=(_panel(means, intervals, failures),),
        provenance={
            "recognizer": recognizer.provenance.recognizer,
            "weights_sha256": recognizer.provenance.weights_sha256,
            "at": at,
            "n_utterances": len(rows),
            "seed": seed,
        },
        failures=tuple(failures),
    )


def _panel(means: dict[str, float], intervals: dict[str, tuple[float, float]], failures: Sequence[str]) -> Panel:
    labels = {"tangent_share": "gradient", "other_share": "gradient, other frame", "step_share": "step to next frame"}
    return Panel(
        kind="bars",
        title="Along the manifold of sounds",
        data={
            "labels": list(labels.values()),
            "values": np.array([means[key] for key in labels]),
            "low": np.array([intervals[key][0] for key in labels]),
            "high": np.array([intervals[key][1] for key in labels]),
            "y_label": "share of squared length",
            "chance": means["chance"],
        },
        caption="Means over utterances with 95 % bootstrap intervals. The rest lies across, where no sound of the "
        "corpus goes. The line is what a random direction has.",
        warning="; ".join(failures),
    )
