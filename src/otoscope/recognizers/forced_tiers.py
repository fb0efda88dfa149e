"""From a forced path to tiers in time: words, phones and states, with how well their frames fit.

What hidden Markov models and hybrid networks share; both put known words in time by the best path through their states,
and then move each boundary to where the sound itself changes.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Alignment, FrameGrid, Interval, Recording, Tier
from otoscope.decoding.tree import ForcedPath, ForcedPhone, TranscriptGraph, occupancies
from otoscope.signal.spectral_changes import at_changes

NEAR_S = 0.05
"""Both ends of a word must lie this near to where they are put for its `time_confidence`."""
WHOLE_S, PIECE_S, AROUND_S = 60.0, 20.0, 5.0
"""Longest recording whose words are judged among all paths at once; else so much at a time, with so much around it."""


def alignment_of(
    path: ForcedPath,
    grid: FrameGrid,
    names: Sequence[str],
    *,
    duration_s: float,
    gains: NDArray[np.float64] | None = None,
    text_confidence: Sequence[float] | None = None,
    time_confidence: Sequence[float] | None = None,
) -> Alignment:
    """Return the tiers of a path; the score of an interval is the mean over its frames, in nats a frame.

    Parameters
    ----------
    names
        Of the columns of the scores.
    duration_s
        Of the recording: the last interval ends there at the latest.
    gains
        `(n_frames,)` what each frame adds to the best path through any units. Where given, it is taken away from the
        frames' scores, which then are about 0 or below, and words have a `time_confidence`.
    text_confidence
        For each word how likely it is this word, where that is known.
    time_confidence
        For each word how likely it is here (`place_confidence`).

    Notes
    -----
    With `gains` and no `time_confidence`, that of a word is exp of its score where that is below 0: how nearly the
    frames are explained as well as by the best units.
    """
    edges = np.clip(grid.edges_s(), 0.0, duration_s)
    scores = path.frame_scores if gains is None else path.frame_scores - gains

    def interval(first: int, stop: int, label: str) -> Interval:
        return Interval(float(edges[first]), float(edges[stop]), label, float(scores[first:stop].mean()))

    places = zip(path.graph.words, path.word_frames(), strict=True)
    words = tuple(interval(first, stop, word) for word, (first, stop) in places)
    spoken = [phone for phone in path.phones if phone.word is not None]
    phones = tuple(interval(phone.start_frame, phone.end_frame, phone.phone) for phone in spoken)
    states = tuple(
        interval(first, stop, names[column]) for phone in path.phones for first, stop, column in _states(phone)
    )
    if time_confidence is None and gains is not None:
        time_confidence = tuple(math.exp(min(0.0, word.score or 0.0)) for word in words)
    return Alignment(
        Tier("words", words),
        Tier("phones", phones),
        Tier("states", states),
        path=path.columns.astype(np.int64),
        grid=grid,
        text_confidence=None if text_confidence is None else tuple(text_confidence),
        time_confidence=None if time_confidence is None else tuple(time_confidence),
        log_score=path.log_score,
    )


def _states(phone: ForcedPhone) -> list[tuple[int, int, int]]:
    """Return first frame, one past the last, and column of each state of a phone."""
    stops = (*phone.state_starts[1:], phone.end_frame)
    return list(zip(phone.state_starts, stops, phone.columns, strict=True))


def place_confidence(scores: NDArray[np.float32], path: ForcedPath, grid: FrameGrid) -> tuple[float, ...]:
    """Return for each word the probability that both its ends lie within `NEAR_S` of where the path has them.

    Parameters
    ----------
    scores
        `(n_frames, n_columns)` that the path runs through, as far as the frames are independent of each other.

    Notes
    -----
    From the shares of all paths through the path's graph (forward-backward); the two ends are taken as independent.
    Of more than `WHOLE_S` seconds, words are judged some at a time, among the paths that pass the path's own states
    `AROUND_S` seconds before and behind them.
    """
    per_s = float(grid.rate_hz / grid.hop)
    near, around, spans = int(NEAR_S * per_s + 1e-9), round(AROUND_S * per_s), path.word_frames()
    sure: list[float] = []
    for first, stop in _pieces(spans, len(scores), per_s):
        a, b = 0, len(scores)
        if (first, stop) != (0, len(spans)):
            a, b = max(a, spans[first][0] - around), min(b, spans[stop - 1][1] + around)
        graph = path.graph.between(
            None if a == 0 else int(path.states[a]), None if b == len(scores) else int(path.states[b - 1])
        )
        passed = _passed(scores[a:b], graph)
        sure += [
            _place(passed, np.flatnonzero(graph.word == k), (spans[k][0] - a, spans[k][1] - a), near)
            for k in range(first, stop)
        ]
    return tuple(sure)


def _pieces(spans: Sequence[tuple[int, int]], n_frames: int, per_s: float) -> list[tuple[int, int]]:
    """Return words that are judged together, as (first, one past the last)."""
    if n_frames <= WHOLE_S * per_s:
        return [(0, len(spans))] if spans else []
    found: list[tuple[int, int]] = []
    first = 0
    for k in range(len(spans)):
        if k + 1 == len(spans) or spans[k + 1][1] - spans[first][0] > PIECE_S * per_s:
            found.append((first, k + 1))
            first = k + 1
    return found


def _passed(scores: NDArray[np.float32], graph: TranscriptGraph) -> NDArray[np.float64]:
    """Return `(n_frames + 1, n_states)` how likely it is that a frame lies behind a state; all lie before the end."""
    found = occupancies(scores, graph)
    shares = np.zeros((len(scores) + 1, graph.n_states))
    shares[found.frame, found.state] = found.share
    passed: NDArray[np.float64] = np.clip(1.0 - np.cumsum(shares, 1), 0.0, 1.0)
    passed[-1] = 1.0
    return passed


def _place(passed: NDArray[np.float64], own: NDArray[np.int64], span: tuple[int, int], near: int) -> float:
    """Return how likely both ends of the states `own` of a word lie within `near` frames of `span`."""

    def within(state: int, frame: int) -> float:
        """Probability that the first frame behind a state lies within `near` of `frame`."""
        late, early = min(frame + near, len(passed) - 1), frame - near - 1
        return float(passed[late, state] - (passed[early, state] if early >= 0 else 0.0))

    begun = within(int(own[0]) - 1, span[0]) if own[0] > 0 else 1.0
    return min(1.0, max(0.0, begun * within(int(own[-1]), span[1])))


def with_times_at_changes(alignment: Alignment, recording: Recording) -> Alignment:
    """Return an alignment whose phones begin and end where the sound changes (`spectral_changes.at_changes`).

    Words keep their phones, and states are stretched with their phones; the path on its grid of frames stays as it is.
    """
    spans = [interval for tier in (alignment.words, alignment.phones or ()) for interval in tier]
    edges = np.unique([0.0, recording.duration_s, *(time_s for span in spans for time_s in (span.start_s, span.end_s))])
    inner = slice(1, -1)
    found = edges.copy()
    found[inner] = at_changes(recording, edges[inner].tolist())
    words, phones, states = (
        None if tier is None else _moved(tier, edges, found)
        for tier in (alignment.words, alignment.phones, alignment.states)
    )
    return dataclasses.replace(alignment, words=words or alignment.words, phones=phones, states=states)


def _moved(tier: Tier, edges: NDArray[np.float64], found: NDArray[np.float64]) -> Tier:
    """Move times that are among the edges to where these went, and those between in proportion."""
    intervals = (
        dataclasses.replace(
            i, start_s=float(np.interp(i.start_s, edges, found)), end_s=float(np.interp(i.end_s, edges, found))
        )
        for i in tier
    )
    return Tier(tier.name, tuple(intervals))
