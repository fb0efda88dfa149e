"""Into which parts a word is cut where its smallest regions and changes are looked for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from otoscope.core import Recording, Segment, Target, Trace
from otoscope.explainers.local_cells import windows
from otoscope.explainers.segments import cells, check_segments, cut

SHORTEST_PART_S = 0.03
N_PARTS = 12
CELL_S = 0.08
N_BANDS = 6


def parts_of(trace: Trace, target: Target, segments: str | Sequence[Segment]) -> tuple[Segment, ...]:
    """Return the parts that may be changed.

    Parameters
    ----------
    segments
        `word`: up to 12 equal stretches of the word, with 50 ms on either side (what lies beyond stays as it is), of
        the whole recording where it is the only word heard;
        `word-cells`: stretches of 80 ms of it in 6 mel bands; a kind that `otoscope.explainers.segments.cut` knows; or
        segments of your own.
    """
    if segments == "word":
        window = window_of(trace.recording, target)
        return _stretches(window, int(np.clip(window.duration_s / SHORTEST_PART_S, 1, N_PARTS)))
    if segments == "word-cells":
        window = window_of(trace.recording, target)
        stretches = _stretches(window, max(1, round(window.duration_s / CELL_S)))
        return check_segments(cells(stretches, n_bands=N_BANDS, top_hz=trace.recording.rate_hz / 2))
    return cut(trace, segments) if isinstance(segments, str) else check_segments(segments)


def window_of(recording: Recording, target: Target) -> Segment:
    """Return the word with up to 50 ms on either side; the whole recording for an utterance, or where it is alone.

    Some recognisers place a word at its peak only; where no other word is near, all of the sound may be its own.
    """
    if target.interval is None or target.interval.duration_s <= 0 or len(target.context) == 1:
        return Segment(0.0, recording.duration_s)
    return windows(recording, [target.interval])[0]


def _stretches(window: Segment, n_parts: int) -> tuple[Segment, ...]:
    edges = np.linspace(window.start_s, window.end_s, n_parts + 1)
    return tuple(Segment(float(a), float(b)) for a, b in pairwise(edges))
