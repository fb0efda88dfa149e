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
from otoscope.decoding.tree import ForcedPath, ForcedPhone, occupancies
from otoscope.signal.spectral_changes import at_changes

NEAR_S = 0.05
"""Both ends of a word must lie this near to where they are put for its `time_confidence`."""


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
    """
    found, graph, near = occupancies(scores, path.graph), path.graph, int(NEAR_S * grid.rate_hz / grid.hop + 1e-9)
    shares = np.zeros((len(scores) + 1, graph.n_states))
    shares[found.frame, found.state] = found.share
    passed = np.clip(1.0 - np.cumsum(shares, 1), 0.0, 1.0)
    passed[-1] = 1.0

    def within(state: int, frame: int) -> float:
        """Probability that the first frame behind a state lies within `near` of `frame`."""
        late, early = min(frame + near, len(scores)), frame - near - 1
        return float(passed[late, state] - (passed[early, state] if early >= 0 else 0.0))

    sure = []
    for k, (first, stop) in enumerate(path.word_frames()):
        own = np.flatnonzero(graph.word == k)
        begun = within(int(own[0]) - 1, first) if own[0] > 0 else 1.0
        sure.append(min(1.0, max(0.0, begun * within(int(own[-1]), stop))))
    return tuple(sure)


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
