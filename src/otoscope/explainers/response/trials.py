"""Trials: each level several times over, what was heard each time, and how the targets scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Recognizer, Recording, Target
from otoscope.core.arrays import ByValue
from otoscope.core.protocols import Progress
from otoscope.decoding.edit_distance import align_words
from otoscope.explainers.response.dimensions import Dimension, Noise, changed

NOTHING = "(nothing)"


@dataclass(frozen=True, eq=False)
class Trials(ByValue):
    """What happened at each level.

    Parameters
    ----------
    levels
        Tried, ascending.
    recognized
        `(n_levels, n_trials, n_targets)`: whether the target was heard at its place.
    scores
        The same shape, nats.
    instead
        For each level and target, what was heard most often where it was missed; "" where it never was.
    """

    levels: tuple[float, ...]
    recognized: NDArray[np.bool_]
    scores: NDArray[np.float64]
    instead: tuple[tuple[str, ...], ...]


def run_trials(
    recognizer: Recognizer,
    recording: Recording,
    targets: Sequence[Target],
    along: Dimension,
    levels: Sequence[float],
    *,
    n_trials: int = 10,
    noise: Noise | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Trials:
    """Change a recording to each level `n_trials` times, listen, and score; see `respond`."""
    ordered = tuple(sorted(float(level) for level in levels))
    start_s = min((t.interval.start_s for t in targets if t.interval is not None), default=0.0)
    hits = np.zeros((len(ordered), n_trials, len(targets)), dtype=bool)
    scores = np.zeros(hits.shape)
    instead = []
    for row, level in enumerate(ordered):
        sounds = [changed(recording, along, level, seed=seed * 1000 + i, noise=noise, start_s=start_s)
                  for i in range(n_trials)]  # fmt: skip
        at_level = [at_tempo(target, level) for target in targets] if along.tempo else list(targets)
        scores[row] = recognizer.score(sounds, at_level)
        missed: list[Counter[str]] = [Counter() for _ in targets]
        for trial, sound in enumerate(sounds):
            words = recognizer.trace(sound).hypothesis.words
            for column, target in enumerate(targets):
                hits[row, trial, column], other = heard_as(target, words)
                missed[column].update([] if hits[row, trial, column] else [other])
            if progress is not None:
                progress(row * n_trials + trial + 1, len(ordered) * n_trials)
        instead.append(tuple(each.most_common(1)[0][0] if each else "" for each in missed))
    return Trials(ordered, hits, scores, tuple(instead))


def at_tempo(target: Target, tempo: float) -> Target:
    """Return the target where it lies once time runs `tempo` times as fast.

    Examples
    --------
    >>> from otoscope.core import Interval
    >>> at_tempo(Target("word", "so", Interval(0.2, 0.6, "so")), 2.0).interval.end_s
    0.3
    """
    if target.interval is None:
        return target
    place = target.interval
    return replace(target, interval=replace(place, start_s=place.start_s / tempo, end_s=place.end_s / tempo))


def heard_as(target: Target, words: Sequence[str]) -> tuple[bool, str]:
    """Return whether a target is among the words heard, at its place, and what stands there.

    The words are aligned with those of its context by edit distance; a target without context is looked for anywhere.

    Examples
    --------
    >>> from otoscope.core import Interval
    >>> target = Target("word", "two", Interval(0, 1, "two"), 1, ("one", "two", "two"))
    >>> heard_as(target, ("one", "two")), heard_as(target, ("one", "too", "two"))
    ((True, 'two'), (False, 'too'))
    """
    if target.kind == "utterance":
        text = " ".join(words)
        return text == target.label, text or NOTHING
    if target.position is None or not target.context:
        return target.label in words, " ".join(words) or NOTHING
    for step in align_words(target.context, words).operations:
        if step.reference_index == target.position:
            found = NOTHING if step.hypothesis_index is None else str(words[step.hypothesis_index])
            return found == target.label, found
    return False, NOTHING
