"""Into which parts is a recording cut? Stretches of time, mel bands, and cells of both.

All functions return segments that together cover the recording once (no gap, no overlap), in order of time and then of
frequency; `local_cells` is the exception and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Interval, Recording, Segment, Trace, UnknownName

PAUSE = "(pause)"
SHORTEST_PAUSE_S = 0.03
MOST_SEGMENTS = 400
MOST_BY_DEFAULT = 80
PARTITIONS = ("auto", "words", "phrases", "phones", "frames", "bands", "cells", "superpixels")


def cut(trace: Trace, kind: str = "auto") -> tuple[Segment, ...]:
    """Return the segments of a kind for what was heard in `trace`.

    Parameters
    ----------
    trace
        Its recording is cut; words and phones come from its alignment.
    kind
        `words`, `phones` (both with the pauses between), `phrases` (neighbouring words together, 80 at most), `frames`
        (equal stretches), `bands`, `cells` (frames x bands), `superpixels`, or `auto`: phones (or frames, where it has
        few) for a recording of at most two words, words with pauses for a longer one, phrases where those are more than
        80, and equal frames where nothing was heard.

    Raises
    ------
    UnknownName
        No such kind.
    BadInput
        The cut has more segments than can be explained.
    """
    recording = trace.recording
    if kind == "auto":
        kind = _sensible(trace)
    if kind == "words":
        segments = covering(recording, trace.words)
    elif kind == "phrases":
        segments = joined(covering(recording, trace.words), n_segments=MOST_BY_DEFAULT)
    elif kind == "phones":
        phones = trace.alignment.phones
        if phones is None:
            raise BadInput(f"{trace.provenance.recognizer} gives no phone times; use words or frames as segments")
        segments = covering(recording, phones)
    elif kind == "frames":
        segments = frames(recording)
    elif kind == "bands":
        segments = bands(recording)
    elif kind == "cells":
        segments = cells(frames(recording, n_frames=8), n_bands=6, top_hz=recording.rate_hz / 2)
    elif kind == "superpixels":
        from otoscope.explainers.superpixels import superpixels

        segments = superpixels(recording)
    else:
        raise UnknownName("kind of segments", kind, PARTITIONS)
    return check_segments(segments)


def check_segments(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Return the segments if they can be explained, else raise `BadInput`."""
    chosen = tuple(segments)
    if not 1 <= len(chosen) <= MOST_SEGMENTS:
        raise BadInput(
            f"{len(chosen)} segments are to be explained, 1 to {MOST_SEGMENTS} can be; explain a shorter stretch "
            "of the recording, or cut it into longer segments"
        )
    return chosen


def _sensible(trace: Trace) -> str:
    n_words = len(trace.words)
    if n_words == 0:
        return "frames"
    phones = trace.alignment.phones
    if n_words <= 2:
        return "phones" if phones is not None and len(phones) >= 4 else "frames"
    return "words" if len(covering(trace.recording, trace.words)) <= MOST_BY_DEFAULT else "phrases"


def covering(recording: Recording, intervals: Iterable[Interval]) -> tuple[Segment, ...]:
    """Return one segment for each interval and one, labelled `(pause)`, for each gap between them.

    A gap under 30 ms is shared by its neighbours, half and half (at the ends it goes to the one there is). Intervals of
    less than two samples are left out.

    Examples
    --------
    >>> recording = Recording(np.zeros(16000), 16000)
    >>> [(s.label, s.start_s, s.end_s) for s in covering(recording, [Interval(0.02, 0.5, "so")])]
    [('so', 0.0, 0.5), ('(pause)', 0.5, 1.0)]
    """
    end_s = recording.duration_s
    clipped = [Segment(max(0.0, i.start_s), min(end_s, i.end_s), label=i.label) for i in intervals]
    spans = [span for span in clipped if span.duration_s * recording.rate_hz >= 2]
    segments: list[Segment] = []
    reached = 0.0
    for index, span in enumerate(spans):
        begin_s = _boundary(spans[index - 1].end_s if index else None, span.start_s)
        after_s = spans[index + 1].start_s if index + 1 < len(spans) else None
        stop_s = span.end_s if after_s is None else _boundary(span.end_s, after_s, of_left=True)
        if after_s is None and end_s - stop_s < SHORTEST_PAUSE_S:
            stop_s = end_s
        if begin_s > reached:
            segments.append(Segment(reached, begin_s, label=PAUSE))
        segments.append(Segment(begin_s, stop_s, label=span.label))
        reached = stop_s
    if reached < end_s:
        segments.append(Segment(reached, end_s, label=PAUSE))
    return tuple(segments)


def joined(segments: Sequence[Segment], *, n_segments: int) -> tuple[Segment, ...]:
    """Return neighbours joined into at most `n_segments` stretches of as many segments each; pauses lose their label.

    Examples
    --------
    >>> words = [Segment(0, 1, label="so"), Segment(1, 2, label=PAUSE), Segment(2, 3, label="my")]
    >>> [(s.label, s.end_s) for s in joined(words, n_segments=2)]
    [('so', 2), ('my', 3)]
    """
    edges = np.unique(np.linspace(0, len(segments), min(n_segments, len(segments)) + 1).round().astype(int))
    groups = [segments[first:last] for first, last in pairwise(edges)]
    return tuple(
        Segment(group[0].start_s, group[-1].end_s, label=" ".join(s.label for s in group if s.label != PAUSE) or PAUSE)
        for group in groups
    )


def _boundary(left_s: float | None, right_s: float, *, of_left: bool = False) -> float:
    """Return where the left (or the right) of two neighbours ends (or begins) once a tiny gap is shared."""
    if right_s - (left_s or 0.0) >= SHORTEST_PAUSE_S:
        return left_s if of_left and left_s is not None else right_s
    return 0.0 if left_s is None else (left_s + right_s) / 2


def frames(recording: Recording, *, n_frames: int | None = None) -> tuple[Segment, ...]:
    """Return equal stretches of time; by default of 50 ms, or a 32nd of the recording where that is longer.

    Examples
    --------
    >>> len(frames(Recording(np.zeros(8000), 16000))), len(frames(Recording(np.zeros(160000), 16000)))
    (10, 32)
    """
    if n_frames is None:
        n_frames = int(np.clip(round(recording.duration_s / 0.05), 1, 32))
    if not 1 <= n_frames <= recording.n_samples:
        raise BadInput(f"{n_frames} frames cannot be cut from {recording.n_samples} samples")
    edges = np.round(np.linspace(0, recording.n_samples, n_frames + 1)) / recording.rate_hz
    return tuple(Segment(float(a), float(b)) for a, b in pairwise(edges))


def mel_edges(n_bands: int, *, top_hz: float) -> NDArray[np.float64]:
    """Return `n_bands + 1` frequencies from 0 to `top_hz`, equally far apart in mel = 1127 ln(1 + f / 700).

    The formula of O'Shaughnessy 1987 with natural logs, as in HTK and Kaldi.
    """
    if n_bands < 1:
        raise BadInput(f"at least one band is needed, got {n_bands}")
    return 700 * np.expm1(np.linspace(0, np.log1p(top_hz / 700), n_bands + 1))


def bands(recording: Recording, *, n_bands: int = 12) -> tuple[Segment, ...]:
    """Return mel bands over the whole length of the recording."""
    whole = Segment(0.0, recording.duration_s)
    return cells([whole], n_bands=n_bands, top_hz=recording.rate_hz / 2)


def cells(stretches: Sequence[Segment], *, n_bands: int, top_hz: float) -> tuple[Segment, ...]:
    """Return every stretch of time cut into mel bands, `len(stretches) * n_bands` segments."""
    edges = mel_edges(n_bands, top_hz=top_hz)
    return tuple(
        Segment(s.start_s, s.end_s, float(low), float(high), s.label)
        for s in stretches
        for low, high in pairwise(edges)
    )


def inside(segments: Sequence[Segment], reference: Segment | Interval) -> NDArray[np.float64]:
    """Return the share of each segment that lies within `reference`, `(n_segments,)`.

    The share of time, times the share of the mel scale where both have frequencies.

    Examples
    --------
    >>> inside([Segment(0, 1), Segment(1, 2)], Interval(0.5, 2, "so")).tolist()
    [0.5, 1.0]
    """
    shares = np.zeros(len(segments))
    low_hz, high_hz = getattr(reference, "low_hz", None), getattr(reference, "high_hz", None)
    for index, s in enumerate(segments):
        overlap = min(s.end_s, reference.end_s) - max(s.start_s, reference.start_s)
        shares[index] = max(0.0, overlap) / s.duration_s
        if low_hz is not None and high_hz is not None and s.low_hz is not None and s.high_hz is not None:
            common = _mel(min(s.high_hz, high_hz)) - _mel(max(s.low_hz, low_hz))
            shares[index] *= max(0.0, common) / (_mel(s.high_hz) - _mel(s.low_hz))
    return shares.clip(0, 1)


def sizes(segments: Sequence[Segment]) -> NDArray[np.float64]:
    """Return how large each segment is: seconds, times mels where it has frequencies."""
    return np.array(
        [
            s.duration_s * (1.0 if s.low_hz is None or s.high_hz is None else _mel(s.high_hz) - _mel(s.low_hz))
            for s in segments
        ]
    )


def _mel(hz: float) -> float:
    return 1127.0 * float(np.log1p(hz / 700))
