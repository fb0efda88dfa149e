"""Where the words begin and end: energy and zero crossings (Rabiner & Sambur 1975)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Recording
from otoscope.signal.frames import analysis_grid, frame_view

FRAME_S = 0.010


@dataclass(frozen=True)
class Endpoints:
    """How stretches of speech are found.

    Parameters
    ----------
    min_pause_s
        Shorter pauses belong to the word, or to a string of words (Audrey's speakers paused 0.35 s between words).
    min_speech_s
        Shorter stretches are clicks.
    reach_s
        How far a weak fricative may lie before or after what is loud.
    n_crossings
        Frames of many zero crossings that make such a fricative.
    margin_s
        Kept on both sides of what was found, as far as there is sound: ends of words are weak.
    """

    min_pause_s: float = 0.35
    min_speech_s: float = 0.06
    reach_s: float = 0.10
    n_crossings: int = 3
    margin_s: float = 0.0

    def stretches(self, recording: Recording) -> tuple[tuple[float, float], ...]:
        """Return (start_s, end_s) of each stretch of speech, in order; none in silence.

        Notes
        -----
        Rabiner & Sambur (1975), section III, with their thresholds: the lower is the lesser of 3 % of the way from
        noise to peak and four times the noise, the upper five times that; crossings count above the mean of noise
        plus two standard deviations, at most 25 in 10 ms. Changed here: noise is measured in the quietest tenth of the
        frames, not in the first 0.1 s, because recordings may be cut at the word; and every stretch above the
        thresholds is kept, not one. Where even the quietest tenth is no quieter than a quarter of the peak, nothing
        tells speech from noise, and all of it is one stretch.
        """
        grid = analysis_grid(recording.n_samples, recording.rate_hz, window_s=FRAME_S, hop_s=FRAME_S)
        if grid.n_frames == 0 or not recording.samples.any():
            return ()
        frames = frame_view(recording.samples, grid)
        loudness = np.abs(frames).mean(axis=1, dtype=np.float64)
        quietest = np.argsort(loudness, kind="stable")[: max(3, grid.n_frames // 10)]
        noise, peak = float(loudness[quietest].mean()), float(loudness.max())
        if 4 * noise >= peak:
            return ((0.0, recording.duration_s),)
        low = 0.03 * (peak - noise) + noise
        low = min(low, 4 * noise) if noise > 0.001 * peak else low
        runs = _runs(loudness > low)
        loud = [(a, b) for a, b in runs if loudness[a:b].max() > min(5 * low, 0.5 * peak)]
        crossings = (np.diff(np.signbit(frames), axis=1) != 0).sum(axis=1)
        many = min(25.0, float(crossings[quietest].mean() + 2 * crossings[quietest].std()))
        hissing = (crossings > many) & (loudness > 1.5 * noise)
        widened = [self._widened(hissing, a, b) for a, b in loud]
        joined = _joined(widened, round(self.min_pause_s / FRAME_S))
        kept = [(a, b) for a, b in joined if (b - a) * FRAME_S >= self.min_speech_s]
        step_s = grid.hop / grid.rate_hz
        found = [(a * step_s, min(b * step_s, recording.duration_s)) for a, b in kept]
        return _with_margin(found, self.margin_s, recording.duration_s)

    def _widened(self, hissing: NDArray[np.bool_], first: int, stop: int) -> tuple[int, int]:
        """Move the ends outwards to the farthest of the hissing frames, where there are enough of them."""
        reach = round(self.reach_s / FRAME_S)
        before = np.flatnonzero(hissing[max(0, first - reach) : first])
        after = np.flatnonzero(hissing[stop : stop + reach])
        if before.size >= self.n_crossings:
            first = max(0, first - reach) + int(before[0])
        if after.size >= self.n_crossings:
            stop = stop + int(after[-1]) + 1
        return first, stop


def _with_margin(
    stretches: list[tuple[float, float]], margin_s: float, duration_s: float
) -> tuple[tuple[float, float], ...]:
    """Widen stretches by a margin, at most up to the middle of the pause between two of them."""
    middles = [(a + b) / 2 for (_, a), (b, _) in itertools.pairwise(stretches)]
    limits = itertools.pairwise([0.0, *middles, duration_s])
    return tuple(
        (max(start_s - margin_s, before_s), min(end_s + margin_s, after_s))
        for (start_s, end_s), (before_s, after_s) in zip(stretches, limits, strict=False)
    )


def _runs(above: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (first, one past the last) of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], above, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _joined(runs: list[tuple[int, int]], min_pause: int) -> list[tuple[int, int]]:
    """Close gaps of fewer than `min_pause` frames."""
    joined: list[tuple[int, int]] = []
    for first, stop in runs:
        if joined and first - joined[-1][1] < min_pause:
            joined[-1] = (joined[-1][0], max(joined[-1][1], stop))
        else:
            joined.append((first, stop))
    return joined
