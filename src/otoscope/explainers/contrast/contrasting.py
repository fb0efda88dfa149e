"""`why_not`: why this word and not that one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from otoscope.core import (
    Attribution,
    BadInput,
    Explanation,
    Finding,
    Interval,
    Panel,
    Recognizer,
    Recording,
    Segment,
    Target,
    Trace,
)
from otoscope.core.protocols import Progress
from otoscope.explainers.checks import Checks
from otoscope.explainers.contrast.maps import checks_table, curves_of, map_panel, name_of, span_of
from otoscope.explainers.contrast.rivals import Rival, asked_target, likeliest_rival
from otoscope.explainers.explaining import explain
from otoscope.explainers.plan import Method

MOST_DIFFERENCE = 0.05
"""Largest share of the contrast's reach by which its map may differ from the difference of the two maps."""
N_TOP = 3


def contrast_maps(
    recognizer: Recognizer,
    recording: Recording,
    word: Target | Interval | int | str | None = None,
    rival: str | None = None,
    *,
    method: str | Method = "shapley",
    segments: str | Sequence[Segment] = "auto",
    fill: str = "silence",
    n_masks: int | None = None,
    checks: Checks | bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> Explanation:
    """Return three maps from one set of masked recordings: word rather than rival, the word, and the rival.

    Parameters are those of `why_not`.
    """
    trace, target = asked_target(recognizer, recording, word)
    chosen = rival if rival is not None else likeliest_rival(recognizer, trace, target)[0]
    if chosen == target.label:
        raise BadInput(f"{chosen!r} is the word heard: give another one as its rival")
    contrast, other = target.rather_than(chosen), in_place_of(target, chosen)
    return explain(
        recognizer, recording, target=[contrast, target, other], method=method, segments=segments, fill=fill,
        n_masks=n_masks, checks=checks, seed=seed, trace=trace, progress=progress,
    )  # fmt: skip


def why_not(
    recognizer: Recognizer,
    recording: Recording,
    word: Target | Interval | int | str | None = None,
    rival: str | None = None,
    *,
    method: str | Method = "shapley",
    segments: str | Sequence[Segment] = "auto",
    fill: str = "silence",
    n_masks: int | None = None,
    checks: Checks | bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> Finding:
    """Tell why a word was heard and not another: the map of the contrast, and both words by themselves.

    Parameters
    ----------
    recognizer, recording
        Who heard what.
    word
        The word heard, as `explain` takes it; by default the one the recogniser is least sure of.
    rival
        What it is set against; by default the word that scores best in its place among the n-best list and the
        vocabulary, or the words nearest in pronunciation (`rivals_of`).
    method, segments, fill, n_masks, checks, seed, progress
        As in `explain`.

    Returns
    -------
    Finding
        `why-not`: a row for each segment with its relevance for the contrast, the word and the rival, in nats. It
        should not be believed where the map of the contrast fails its checks, where it is not the difference of the
        two maps, or where the rival scores better than the word.

    Raises
    ------
    BadInput
        No such word was heard, or it is its own rival.
    """
    trace, target = asked_target(recognizer, recording, word)
    chosen, rivals = (rival, ()) if rival is not None else likeliest_rival(recognizer, trace, target)
    if chosen == target.label:
        raise BadInput(f"{chosen!r} is the word heard: give another one as its rival")
    contrast, other = target.rather_than(chosen), in_place_of(target, chosen)
    found = explain(
        recognizer, recording, target=[contrast, target, other], method=method, segments=segments, fill=fill,
        n_masks=n_masks, checks=checks, seed=seed, trace=trace, progress=progress,
    )  # fmt: skip
    gap = float(np.abs(found[0].relevance - (found[1].relevance - found[2].relevance)).max())
    failures = _failures(found[0], gap)
    panels = (*(map_panel(each) for each in found), *curves_of(found[0]), checks_table(found.attributions),
              *_rivals_panel(target, rivals))  # fmt: skip
    facts = {"method": found[0].method, "fill": fill, "seed": seed, "difference_gap_nats": gap,
             "n_evaluations": found[0].n_evaluations}  # fmt: skip
    return Finding("why-not", _summary(found), _rows(found), panels, {**made_of(found.trace), **facts}, failures)


def made_of(trace: Trace) -> dict[str, Any]:
    """Return who heard which recording, as JSON values."""
    made = trace.provenance
    return {
        "recognizer": made.recognizer,
        "version": made.version,
        "weights_sha256": made.weights_sha256,
        "recording": trace.recording.digest,
        "heard": trace.text,
    }


def in_place_of(target: Target, rival: str) -> Target:
    """Return the rival in the target's place, the rest as heard."""
    if target.kind == "utterance":
        return Target.utterance(rival)
    context = target.context
    if target.position is not None and context:
        context = (*context[: target.position], rival, *context[target.position + 1 :])
    return Target(target.kind, rival, target.interval, target.position, context)


def _rows(found: Explanation) -> tuple[dict[str, Any], ...]:
    contrast, word, rival = found
    return tuple(
        {
            "start_s": segment.start_s,
            "end_s": segment.end_s,
            "low_hz": segment.low_hz,
            "high_hz": segment.high_hz,
            "segment": segment.label,
            "contrast": float(contrast.relevance[index]),
            "word": float(word.relevance[index]),
            "rival": float(rival.relevance[index]),
        }
        for index, segment in enumerate(contrast.segments)
    )


def _failures(contrast: Attribution, gap: float) -> tuple[str, ...]:
    failures = list(contrast.trust.failures)
    if gap > MOST_DIFFERENCE * max(float(np.ptp(contrast.relevance)), 1e-9):
        failures.append(f"the map of the contrast differs from the difference of the two maps by up to {gap:.2f} nats")
    if contrast.score <= 0:
        failures.append(
            f"{contrast.target.rival!r} scores {-contrast.score:.2f} nats better than {contrast.target.label!r} by "
            "sound alone: what was heard rests on something else, such as the language model"
        )
    return tuple(failures)


def _summary(found: Explanation) -> str:
    contrast = found[0]
    order = np.argsort(-contrast.relevance)
    spoke = [f"{span_of(contrast.segments[i])} ({contrast.relevance[i]:+.1f})" for i in order[:N_TOP]
             if contrast.relevance[i] > 0]  # fmt: skip
    against = [f"{span_of(contrast.segments[i])} ({contrast.relevance[i]:+.1f})" for i in order[::-1][:N_TOP]
               if contrast.relevance[i] < 0]  # fmt: skip
    return (
        f"{name_of(contrast.target)}: {contrast.score:+.1f} nats. For “{contrast.target.label}” spoke most: "
        f"{', '.join(spoke) or 'nothing'}; for “{contrast.target.rival}”: {', '.join(against) or 'nothing'}."
    )


def _rivals_panel(target: Target, rivals: Sequence[Rival]) -> tuple[Panel, ...]:
    if not rivals:
        return ()
    rows = [[rival.word, rival.margin, rival.source] for rival in rivals]
    columns = ["rival", f"{target.label} scores better by (nats)", "found in"]
    return (Panel("table", f"Who else could stand in the place of {name_of(target)}", {"columns": columns,
                                                                                       "rows": rows}),)  # fmt: skip
