"""Take parts of a recording away and leave everything else as it was: exactly the same samples, exactly as long.

A stretch of time is edited in the waveform, with short ramps that make no click; a band or time-frequency cell in the
short-time spectrum, with overlap-add. One Masker serves all masks of a recording: fill and spectrum are computed once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, Recording, Segment
from otoscope.core.grid import FrameGrid, Span
from otoscope.signal.fills import fill_samples
from otoscope.signal.frames import hann, overlap_add
from otoscope.signal.stft import ShortTimeSpectrum, fit_to, stft, transform, window_weight

RAMP_S = 0.005
"""Length of the raised-cosine ramp at each edge of a filled stretch, inside it."""
CELL_WINDOW_S = 0.032
CELL_HOP_S = 0.008


class Masker:
    """Makes changed recordings of one recording: each segment is kept, or filled.

    What no segment covers is always kept. Segments may overlap: a point is filled if *any* segment that covers it is
    not kept. `masker(keep)` with every segment kept returns the recording itself.

    Time segments (`low_hz` and `high_hz` both `None`) change only samples inside themselves. Bands and cells are cut
    out of a spectrum of 32 ms Hann windows 8 ms apart: they change at most one window before and after themselves.

    Parameters
    ----------
    recording
        What is masked.
    segments
        The parts that can be taken away.
    fill
        `silence` (digital zeros), `mean` (noise of the recording's mean magnitude spectrum), `noise` (noise of its
        quietest frames), or `(n_samples,)` samples of your own.
    seed
        Seed of the fill; the same seed gives the same samples.

    Raises
    ------
    BadInput
        A segment has no extent inside the recording, or a fill of your own another length.
    UnknownName
        No such fill.

    Examples
    --------
    >>> rec = Recording(np.ones(16000), 16000)
    >>> masker = Masker(rec, [Segment(0.0, 0.5), Segment(0.5, 1.0)])
    >>> masked = masker([True, False])
    >>> masked.n_samples, float(masked.samples[4000]), float(masked.samples[12000])
    (16000, 1.0, 0.0)
    """

    def __init__(
        self,
        recording: Recording,
        segments: Sequence[Segment],
        *,
        fill: str | NDArray[np.float32] = "silence",
        seed: int = 0,
    ) -> None:
        self.recording = recording
        self.segments = tuple(segments)
        self.fill = fill
        self.seed = seed
        self._fill = fill_samples(recording, fill, seed=seed) if isinstance(fill, str) else np.asarray(fill, np.float32)
        if self._fill.shape != (recording.n_samples,):
            raise BadInput(
                f"a fill needs {recording.n_samples} samples, as many as the recording, got {self._fill.shape}"
            )
        self._spans = [sample_span(segment, recording) for segment in self.segments]
        self._is_cell = np.array([s.low_hz is not None or s.high_hz is not None for s in self.segments], dtype=bool)
        self._cells = _Cells(recording, self._fill, self.segments) if self._is_cell.any() else None

    @property
    def n_segments(self) -> int:
        """Number of segments."""
        return len(self.segments)

    def __call__(self, keep: ArrayLike) -> Recording:
        """Return the recording with the segments that are not kept filled.

        Parameters
        ----------
        keep
            `(n_segments,)` of True or False (or 1 and 0).

        Raises
        ------
        BadInput
            `keep` has another shape.
        """
        kept = np.asarray(keep)
        if kept.shape != (self.n_segments,):
            raise BadInput(f"keep needs shape ({self.n_segments},), one for each segment, got {kept.shape}")
        removed = ~kept.astype(bool)
        if not removed.any():
            return self.recording
        samples = self.recording.samples.copy()
        if self._cells is not None and (removed & self._is_cell).any():
            self._cells.fill_into(samples, removed)
        spans = [span for span, gone in zip(self._spans, removed & ~self._is_cell, strict=True) if gone]
        for first, last in merged(spans):
            self._fill_stretch(samples, first, last)
        samples.flags.writeable = False
        return self.recording.with_samples(samples)

    def _fill_stretch(self, samples: NDArray[np.float32], first: int, last: int) -> None:
        """Cross-fade `samples[first:last]` into the fill, in place; no ramp where the recording itself ends."""
        weight = np.ones(last - first, np.float32)
        ramp = raised_cosine(min(round(RAMP_S * self.recording.rate_hz), (last - first) // 2))
        if first > 0:
            weight[: ramp.size] = ramp
        if last < samples.size:
            weight[weight.size - ramp.size :] = ramp[::-1]
        samples[first:last] = samples[first:last] * (1 - weight) + self._fill[first:last] * weight


class _Cells:
    """The short-time spectra of a recording and its fill, and which of their values belong to which segment."""

    def __init__(self, recording: Recording, fill: NDArray[np.float32], segments: Sequence[Segment]) -> None:
        spectrum = stft(recording, window_s=CELL_WINDOW_S, hop_s=CELL_HOP_S)
        self.grid, self.n_fft = spectrum.grid, spectrum.n_fft
        filling = transform(fill, self.grid, self.n_fft)
        self._change = filling - spectrum.values
        self._weight = window_weight(self.grid)
        self._places = [cell_slices(segment, spectrum, recording.duration_s) for segment in segments]
        self._of_cells = [segment.low_hz is not None or segment.high_hz is not None for segment in segments]

    def fill_into(self, samples: NDArray[np.float32], removed: NDArray[np.bool_]) -> None:
        """Add the change that fills the removed cells to `samples`, in place; frames without one are not touched."""
        gone = np.zeros(self._change.shape, dtype=bool)
        for place, is_cell, is_removed in zip(self._places, self._of_cells, removed, strict=True):
            if is_cell and is_removed:
                gone[place] = True
        touched = np.flatnonzero(gone.any(axis=1))
        for run in np.split(touched, np.flatnonzero(np.diff(touched) > 1) + 1):
            self._add_run(samples, gone, slice(int(run[0]), int(run[-1]) + 1))

    def _add_run(self, samples: NDArray[np.float32], gone: NDArray[np.bool_], run: slice) -> None:
        from scipy import fft

        change = np.where(gone[run], self._change[run], np.complex64(0))
        frames = fft.irfft(change, n=self.n_fft, axis=1)[:, : self.grid.window] * hann(self.grid.window)
        total = overlap_add(frames, self.grid.hop)
        offset = run.start * self.grid.hop
        total /= np.maximum(self._weight[offset : offset + total.size], np.float32(1e-6))
        start = self.grid.start + offset
        first, last = max(0, start), min(samples.size, start + total.size)
        samples[first:last] += fit_to(total, start - first, last - first)


def sample_span(segment: Span, recording: Recording) -> tuple[int, int]:
    """Return first and last (exclusive) sample of a stretch of time, clipped to the recording.

    Neighbours that share a time share a sample boundary, so a partition in seconds is one in samples.

    Raises
    ------
    BadInput
        Nothing of the stretch lies in the recording.
    """
    first = max(0, round(segment.start_s * recording.rate_hz))
    last = min(recording.n_samples, round(segment.end_s * recording.rate_hz))
    if last <= first:
        raise BadInput(
            f"segment {segment.start_s:g}-{segment.end_s:g} s holds nothing of {recording.duration_s:g} s of recording"
        )
    return first, last


def cell_slices(segment: Segment, spectrum: ShortTimeSpectrum, duration_s: float) -> tuple[slice, slice]:
    """Return frames and bins whose centres lie in a segment.

    The outermost frames centre on, or beyond, the ends of the recording and belong to the segment that reaches there;
    likewise the bin at half the rate.
    """
    grid: FrameGrid = spectrum.grid
    rows = grid.frames_of(segment)
    first = 0 if segment.start_s <= 0 else rows.start
    last = grid.n_frames if segment.end_s >= duration_s else rows.stop
    frequencies = spectrum.frequencies_hz()
    low, high = segment.low_hz or 0.0, segment.high_hz if segment.high_hz is not None else np.inf
    bins = np.searchsorted(frequencies, [low, high], side="left")
    top = frequencies.size if high >= frequencies[-1] else int(bins[1])
    return slice(first, last), slice(int(bins[0]), top)


def merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the union of sample spans as spans that neither meet nor overlap.

    Examples
    --------
    >>> merged([(5, 9), (0, 3), (3, 4), (8, 10)])
    [(0, 4), (5, 10)]
    """
    union: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if union and first <= union[-1][1]:
            union[-1] = (union[-1][0], max(last, union[-1][1]))
        else:
            union.append((first, last))
    return union


def raised_cosine(n: int) -> NDArray[np.float32]:
    """Return a ramp `(n,)` that rises from near 0 to near 1 as half a cosine."""
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / max(n, 1))).astype(np.float32)
