"""From one recording to stretches, words in them, and readings of the whole, best first."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import DoesNotFit, Features, FrameGrid, Hypothesis, Interval, Recording
from otoscope.recognizers.template.card import TemplateCard
from otoscope.recognizers.template.matching import Matcher, Place

CONNECTED_PAUSE_S = 0.1
"""In a string of words a pause this long parts two words: no template holds the silence between them."""


@dataclass(frozen=True)
class Segment:
    """A stretch of frames that holds one word, and `(n_words + 1,)` log-probabilities of what it is, "none" last."""

    frames: NDArray[np.int64]
    log_posteriors: NDArray[np.float64]


def frames_of_speech(recording: Recording, grid: FrameGrid, card: TemplateCard) -> list[NDArray[np.int64]]:
    """Return the frames of each stretch of speech; a stretch between two frames has the nearer one."""
    found = []
    if grid.n_frames:
        endpoints = card.endpoints
        if card.connected:
            endpoints = replace(endpoints, min_pause_s=min(endpoints.min_pause_s, CONNECTED_PAUSE_S))
        for start_s, end_s in endpoints.stretches(recording):
            inside = grid.frames_of(Interval(start_s, end_s, ""))
            first = min(inside.start, grid.n_frames - 1)
            found.append(np.arange(first, max(inside.stop, first + 1)))
    return found


def segments_of(
    features: Features, speech: Sequence[NDArray[np.int64]], matcher: Matcher, card: TemplateCard
) -> tuple[Segment, ...]:
    """Return the words' stretches: each stretch of speech is one word, or is divided where `card.connected`."""
    segments = []
    for frames in speech:
        values = features.values[frames]
        for first, stop in _divided(values, matcher) if card.connected else ((0, len(frames)),):
            segments.append(segment(features, frames[first:stop], matcher, card))
    return tuple(segments)


def _divided(values: NDArray[Any], matcher: Matcher) -> Sequence[Place]:
    """Divide a stretch into words; one that no string of templates fits is left whole, to be rejected as it is."""
    try:
        return matcher.divided(values, None)
    except DoesNotFit:
        return ((0, len(values)),)


def segment(features: Features, frames: NDArray[np.int64], matcher: Matcher, card: TemplateCard) -> Segment:
    """Return what some frames are, as one word."""
    return Segment(frames, card.calibration.log_posteriors(matcher.distances(features.values[frames])))


def hypotheses(segments: Sequence[Segment], card: TemplateCard) -> tuple[Hypothesis, ...]:
    """Return the most probable readings of some segments, best first; a segment read as "none" has no word.

    The log score of a reading is the sum over its segments. Readings of equal words are kept apart only by the best.
    """
    names = (*card.vocabulary, "")
    readings: list[tuple[float, tuple[str, ...]]] = [(0.0, ())]
    for one in segments:
        # The n best of n-best prefixes times all words are the n best of all (scores add up).
        longer = [(score + float(own), (*words, name)) for score, words in readings for name, own in _named(names, one)]
        readings = heapq.nlargest(4 * card.n_best, longer, key=lambda reading: reading[0])
    best: dict[tuple[str, ...], float] = {}
    for score, words in readings:
        best.setdefault(tuple(word for word in words if word), score)
    return tuple(Hypothesis(words, (), score) for words, score in list(best.items())[: card.n_best])


def _named(names: Sequence[str], one: Segment) -> list[tuple[str, float]]:
    return list(zip(names, one.log_posteriors.tolist(), strict=True))
