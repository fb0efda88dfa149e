"""What the score of a target is: evidence for these words at this place against anything that could be said there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otoscope.core import BadInput, FrameGrid, NotAble, Target
from otoscope.recognizers.hmm.passages import Boundaries, Passages

LOWEST = -60.0
"""Score of what no path can hold."""
MARGIN_S = 0.1
"""How far the ends of a word may lie from those of its interval."""


def score_of(target: Target, passages: Passages, grid: FrameGrid, *, acoustic_scale: float) -> float:
    """Return the score of a target in one recording, in nats after scaling; at least `LOWEST`.

    An utterance: `acoustic_scale` · ln of the ratio of the best path through its words to the best path through any
    succession of units. A word: the same for the whole context, minus the same with this word's place left to any
    succession of units; where the target has no context, of the word alone near its interval. The ends of a word may
    move by `MARGIN_S`. A contrast is the difference of two such scores.

    Raises
    ------
    NotAble
        A token was asked for.
    BadInput
        A word without pronunciation, or a target behind the end of the recording.
    """
    check(target, passages)
    if passages.n_frames == 0:
        return LOWEST if target.rival is None else 0.0
    own = _evidence(target, target.label, passages, grid) * acoustic_scale
    if target.rival is None:
        return float(max(LOWEST, own))
    rival = _evidence(target, target.rival, passages, grid) * acoustic_scale
    return 0.0 if own == rival == -np.inf else float(np.clip(own - rival, LOWEST, -LOWEST))


def check(target: Target, passages: Passages) -> None:
    """Refuse what cannot be scored."""
    if target.kind == "token":
        raise NotAble("hidden Markov models score words and utterances, not tokens")
    words = [*target.context, *target.label.split(), *(target.rival or "").split()]
    if unknown := sorted({w for w in words if w not in passages.lexicon}):
        raise BadInput(f"no pronunciation of {', '.join(unknown)}; give words of the recogniser's lexicon")
    if not target.label.split():
        raise BadInput("a target needs at least one word")


def _evidence(target: Target, label: str, passages: Passages, grid: FrameGrid) -> float:
    words = label.split()
    if target.kind == "utterance":
        return passages.fit(words) * passages.n_frames
    left, right = _neighbours(target)
    begin, end = _places(target, grid)
    if target.context:
        before = _only(passages.text(left, passages.boundary(slice(0, 1))), begin)
        after = _only(passages.text(right, passages.boundary(slice(-1, None)), backward=True), end)
    else:
        before, after = passages.boundary(begin), passages.boundary(end)
    said = before
    for word in words:
        said = passages.word(word, said)
    anything = np.maximum.accumulate(np.concatenate([[-np.inf], before[:-1]])) + after
    best = float(anything.max())
    return float((said + after).max()) - best if np.isfinite(best) else -np.inf


def _only(scores: Boundaries, place: slice) -> Boundaries:
    kept = np.full_like(scores, -np.inf)
    kept[place] = scores[place]
    return kept


def _neighbours(target: Target) -> tuple[Sequence[str], Sequence[str]]:
    if target.position is None or not target.context:
        return (), ()
    return target.context[: target.position], target.context[target.position + 1 :]


def _places(target: Target, grid: FrameGrid) -> tuple[slice, slice]:
    """Return the boundaries at which a word may begin and end."""
    interval = target.interval
    assert interval is not None  # a Target of a word always has one
    edges = grid.edges_s()
    if interval.start_s >= edges[-1]:
        raise BadInput(f"target {target.label!r} at {interval.start_s:g} s lies behind the end of the recording")
    margin = round(MARGIN_S * grid.rate_hz / grid.hop)
    first, last = (int(np.abs(edges - at).argmin()) for at in (interval.start_s, interval.end_s))
    last = max(last, first + 1)
    return slice(max(0, first - margin), first + margin + 1), slice(max(1, last - margin), last + margin + 1)
