"""From a forced path to tiers in time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otoscope.core import Alignment, FrameGrid, Interval, Tier
from otoscope.decoding.tree import ForcedPath


def alignment_of(
    path: ForcedPath,
    grid: FrameGrid,
    names: Sequence[str],
    *,
    duration_s: float,
    text_confidence: Sequence[float] | None = None,
) -> Alignment:
    """Return words, phones and states of a path; scores of phones are means of the acoustic scores of their frames.

    Parameters
    ----------
    names
        Of the columns of the scores.
    duration_s
        Of the recording: the last interval ends there at the latest.
    text_confidence
        For each word how likely it is this word, where that is known.
    """
    edges = np.clip(grid.edges_s(), 0.0, duration_s)

    def interval(first: int, stop: int, label: str) -> Interval:
        return Interval(float(edges[first]), float(edges[stop]), label, float(path.frame_scores[first:stop].mean()))

    places = zip(path.graph.words, path.word_frames(), strict=True)
    words = tuple(interval(first, stop, word) for word, (first, stop) in places)
    spoken = [phone for phone in path.phones if phone.word is not None]
    states = tuple(
        interval(first, stop, names[column])
        for phone in path.phones
        for first, stop, column in zip(
            phone.state_starts, (*phone.state_starts[1:], phone.end_frame), phone.columns, strict=True
        )
    )
    return Alignment(
        Tier("words", words),
        Tier("phones", tuple(interval(phone.start_frame, phone.end_frame, phone.phone) for phone in spoken)),
        Tier("states", states),
        path=path.columns.astype(np.int64),
        grid=grid,
        text_confidence=None if text_confidence is None else tuple(text_confidence),
        log_score=path.log_score,
    )
