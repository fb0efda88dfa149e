"""Where somebody speaks, as the evidence tells it: frames in which silence is not what was heard best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otoscope.listener.evidence import Evidence

LEAST_FRAMES = 3
"""Frames on end that must be speech for its begin and end; a click is none."""


def speech_frames(evidence: Evidence) -> NDArray[np.bool_]:
    """Return `(n_frames,)` whether the best column is one of speech, in a stretch of `LEAST_FRAMES` or more."""
    models = evidence.models
    silent = sorted({state.column for state in models.states(None, models.silence, None)})
    scores = np.array(evidence.scores, copy=True)
    quiet = scores[:, silent].max(axis=1)
    scores[:, silent] = -np.inf
    speech = scores.max(axis=1) > quiet
    edges = np.flatnonzero(np.diff(np.r_[False, speech, False].astype(np.int8)))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start < LEAST_FRAMES:
            speech[start:end] = False
    return np.asarray(speech)


def speech_span(evidence: Evidence) -> tuple[float, float] | None:
    """Return where the speech begins and ends, seconds; `None` where nobody speaks."""
    frames = np.flatnonzero(speech_frames(evidence))
    if not frames.size:
        return None
    edges = evidence.grid.edges_s()
    return float(edges[frames[0]]), float(edges[frames[-1] + 1])
