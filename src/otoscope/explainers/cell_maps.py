"""Time-frequency Attributions of words, from the shared recordings that `local_cells` plans."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Attribution, Interval, Recognizer, Recording, Target, Trust
from otoscope.core.protocols import Progress
from otoscope.explainers.local_cells import CellPlan, cell_effects, own_columns, plan_cells
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.plan import Scores
from otoscope.explainers.verdict import failures
from otoscope.metrics.agreement import reliability


def cell_attributions(
    recognizer: Recognizer,
    recording: Recording,
    targets: Sequence[Target],
    *,
    fill: str = "silence",
    n_bands: int = 8,
    n_masks: int = 128,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Attribution, ...]:
    """Return one time-frequency map a target, over the cells of its own interval.

    The words asked about are perturbed at the same time; see `otoscope.explainers.local_cells` for what that assumes.
    `relevance` is the mean effect of a cell in nats; it does not add up to the score, so the completeness gap says
    how much lies in interactions and outside the word. `seed_agreement` is what the standard errors let expect.

    Parameters
    ----------
    recognizer, recording, targets
        Who listens, to what, asked about what. A target without an interval (an utterance) gets the cells of
        all others.
    fill, seed
        As in `explain`.
    n_bands, n_masks
        As in `plan_cells`; two more recordings are scored, the whole and the filled one.
    """
    words = _words(recording, targets)
    plan = plan_cells(recording, words, n_bands=n_bands, n_masks=n_masks, seed=seed)
    score = MaskedScores(recognizer, recording, plan.segments, targets, seed=seed, progress=progress)
    scores = score(plan.masks, fill=fill)
    return tuple(
        _attribution(plan, target, own_columns(plan, target, words), scores[:, index], fill=fill, seed=seed)
        for index, target in enumerate(targets)
    )


def _words(recording: Recording, targets: Sequence[Target]) -> list[Interval]:
    """Return the different intervals asked about, in order of time; the whole recording when there is none."""
    found = {target.interval for target in targets if target.interval is not None}
    ordered = sorted(found, key=lambda interval: (interval.start_s, interval.end_s))
    return ordered or [Interval(0.0, recording.duration_s, "")]


def _attribution(
    plan: CellPlan, target: Target, columns: NDArray[np.intp], scores: Scores, *, fill: str, seed: int
) -> Attribution:
    design = plan.masks[2:, columns]
    effects, error = cell_effects(design, scores[2:])
    expected = reliability(effects, error) if columns.size else float("nan")
    trust = Trust(seed_agreement=None if np.isnan(expected) else expected)
    return Attribution(
        target=target,
        segments=tuple(plan.segments[column] for column in columns),
        relevance=effects,
        method="local-cells",
        fill=fill,
        score=float(scores[0]),
        baseline_score=float(scores[1]),
        n_evaluations=len(plan.masks),
        seed=seed,
        trust=failures(trust, scores),
        settings={
            "n_masks": len(plan.masks),
            "standard_error": [float(value) for value in error],
        },
    )
