"""Superpixels of a spectrogram: rectangles of time and mel frequency that follow the edges in the sound."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Features, Recording, Segment

HIGHEST_MEL_BIN = 80


def superpixels(recording: Recording, *, n_segments: int = 40, shortest: int = 4) -> tuple[Segment, ...]:
    """Return rectangles within which the log-mel energy varies little.

    SLIC (Achanta et al. 2012) grows patches of any shape; here a patch is a rectangle, so that it can be said in words
    ("0.20-0.35 s, 2-4 kHz") and taken out of the sound exactly. The 80-bin log-mel picture is halved again and again by
    the straight cut that lowers the summed squared deviation most (a regression tree, Breiman et al. 1984, chapter 8;
    best patch first).

    Parameters
    ----------
    recording
        The sound.
    n_segments
        How many patches at most; fewer for a very short sound.
    shortest
        Fewest frames (of 10 ms) and fewest mel bins along the side of a patch.
    """
    from otoscope.signal.features import log_mel

    features: Features = log_mel(recording, n_mels=HIGHEST_MEL_BIN)
    if features.grid.n_frames < 2 * shortest:
        return (Segment(0.0, recording.duration_s, 0.0, recording.rate_hz / 2),)
    boxes = partition(np.asarray(features.values, dtype=np.float64), n_boxes=n_segments, shortest=shortest)
    time_s = features.grid.edges_s()
    time_s[0], time_s[-1] = 0.0, recording.duration_s
    top_mel = np.log1p(recording.rate_hz / 2 / 700)
    edge_hz = 700 * np.expm1(np.linspace(0, top_mel, features.values.shape[1] + 1))
    return tuple(
        Segment(float(time_s[t0]), float(time_s[t1]), float(edge_hz[f0]), float(edge_hz[f1]))
        for t0, t1, f0, f1 in sorted(boxes)
    )


def partition(image: NDArray[np.float64], *, n_boxes: int, shortest: int) -> list[tuple[int, int, int, int]]:
    """Return boxes `(row_start, row_end, column_start, column_end)` that tile `image`, at most `n_boxes`.

    Examples
    --------
    >>> image = np.zeros((4, 6)); image[:, 3:] = 1.0
    >>> sorted(partition(image, n_boxes=2, shortest=1))
    [(0, 4, 0, 3), (0, 4, 3, 6)]
    """
    sums = np.zeros((image.shape[0] + 1, image.shape[1] + 1))
    sums[1:, 1:] = (image - image.mean()).cumsum(axis=0).cumsum(axis=1)
    whole = (0, image.shape[0], 0, image.shape[1])
    queue = [(*_best_cut(sums, whole, shortest), whole)]
    done: list[tuple[int, int, int, int]] = []
    while queue and len(queue) + len(done) < n_boxes:
        gain, axis, place, box = heapq.heappop(queue)
        if gain >= 0:
            done.append(box)
            continue
        for part in _parts(box, axis, place):
            heapq.heappush(queue, (*_best_cut(sums, part, shortest), part))
    return done + [box for *_, box in queue]


def _parts(box: tuple[int, int, int, int], axis: int, place: int) -> tuple[tuple[int, int, int, int], ...]:
    t0, t1, f0, f1 = box
    if axis == 0:
        return (t0, place, f0, f1), (place, t1, f0, f1)
    return (t0, t1, f0, place), (t0, t1, place, f1)


def _best_cut(sums: NDArray[np.float64], box: tuple[int, int, int, int], shortest: int) -> tuple[float, int, int]:
    """Return (minus the fall of squared deviation, axis, place) of the best straight cut; 0 gain when there is none."""
    t0, t1, f0, f1 = box
    best = (0.0, 0, t0)
    rows = sums[t0 : t1 + 1, f1] - sums[t0 : t1 + 1, f0]
    columns = sums[t1, f0 : f1 + 1] - sums[t0, f0 : f1 + 1]
    for axis, line, start in ((0, rows - rows[0], t0), (1, columns - columns[0], f0)):
        n = line.size - 1
        place = np.arange(shortest, n - shortest + 1)
        if place.size == 0:
            continue
        left, total = line[place], line[-1]
        width = (t1 - t0) * (f1 - f0) / n
        gain = left**2 / (place * width) + (total - left) ** 2 / ((n - place) * width) - total**2 / (n * width)
        index = int(gain.argmax())
        if gain[index] > -best[0] + 1e-12:
            best = (-float(gain[index]), axis, start + int(place[index]))
    return best
