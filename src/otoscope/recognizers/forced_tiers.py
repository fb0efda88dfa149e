"""From a forced path to tiers in time: words, phones and states, with how well their frames fit.

What hidden Markov models and hybrid networks share; both put known words in time by the best path through their states.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Alignment, FrameGrid, Interval, Tier
from otoscope.decoding.tree.forced import ForcedPath, ForcedPhone


def alignment_of(
    path: ForcedPath,
    grid: FrameGrid,
    names: Sequence[str],
    *,
    duration_s: float,
    gains: NDArray[np.float64] | None = None,
    text_confidence: Sequence[float] | None = None,
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

    Notes
    -----
    `time_confidence` of a word is exp of its score where that is below 0: how nearly the frames are explained as well
    as by the best units.
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
    sure = None if gains is None else tuple(math.exp(min(0.0, word.score or 0.0)) for word in words)
    return Alignment(
        Tier("words", words),
        Tier("phones", phones),
        Tier("states", states),
        path=path.columns.astype(np.int64),
        grid=grid,
        text_confidence=None if text_confidence is None else tuple(text_confidence),
        time_confidence=sure,
        log_score=path.log_score,
    )


def _states(phone: ForcedPhone) -> list[tuple[int, int, int]]:
    """Return first frame, one past the last, and column of each state of a phone."""
    stops = (*phone.state_starts[1:], phone.end_frame)
    return list(zip(phone.state_starts, stops, phone.columns, strict=True))
