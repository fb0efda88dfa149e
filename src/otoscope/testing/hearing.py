"""What all toy recognisers share: they always hear the same words, and a score is one function of the sound."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import (
    Alignment,
    BadInput,
    Hypothesis,
    Interval,
    Provenance,
    Recording,
    Segment,
    Target,
    Tier,
    Trace,
)
from otoscope.core.protocols import Progress


def toy_provenance(name: str, *parts: Any) -> Provenance:
    """Return the provenance of a toy; everything that shapes its answers goes into the digest."""
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()
    return Provenance(name, "1", parameters={"digest": digest})


def toy_trace(provenance: Provenance, recording: Recording, words: Sequence[Interval]) -> Trace:
    """Return the Trace of a toy that hears `words` whatever it is given."""
    hypothesis = Hypothesis(tuple(word.label for word in words), log_score=0.0)
    alignment = Alignment(Tier("words", tuple(words)))
    missing = dict.fromkeys(("features", "emissions", "activations"), "a toy recogniser has none")
    return Trace(recording, (hypothesis,), provenance, {"alignment": alignment}, missing)


def score_each(
    value: Callable[[Recording], Callable[[str], float]],
    recordings: Sequence[Recording],
    targets: Sequence[Target],
    progress: Progress | None = None,
) -> NDArray[np.float64]:
    """Return `(n_recordings, n_targets)`; `value(recording)` gives the score of a label, a rival's is subtracted."""
    scores = np.zeros((len(recordings), len(targets)))
    for i, recording in enumerate(recordings):
        of_label = value(recording)
        for k, target in enumerate(targets):
            scores[i, k] = of_label(target.label) - (of_label(target.rival) if target.rival is not None else 0.0)
        if progress is not None:
            progress(i + 1, len(recordings))
    return scores


def samples_of(recording: Recording, segment: Segment) -> NDArray[np.float64]:
    """Return the samples from `round(start_s * rate_hz)` up to `round(end_s * rate_hz)`, as float64."""
    first = max(0, round(segment.start_s * recording.rate_hz))
    last = min(recording.n_samples, round(segment.end_s * recording.rate_hz))
    return recording.samples[first:last].astype(np.float64)


def energy(recording: Recording, segment: Segment) -> float:
    """Return the energy inside a segment: the sum of squares divided by the rate, in full scale² × seconds.

    With a band, the sum of squares goes over the bins of the stretch's own Fourier transform whose frequency lies in
    `[low_hz, high_hz)` (Parseval), so bands that tile the axis add up to the energy of the stretch.

    Examples
    --------
    >>> rec = Recording(np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000), 8000)
    >>> round(energy(rec, Segment(0, 1)), 6), round(energy(rec, Segment(0, 1, 900, 1100)), 6)
    (0.5, 0.5)
    """
    samples = samples_of(recording, segment)
    if segment.low_hz is None and segment.high_hz is None:
        return float(samples @ samples) / recording.rate_hz
    if samples.size == 0:
        return 0.0
    power = np.abs(np.fft.rfft(samples)) ** 2 / samples.size
    power[1 : (samples.size + 1) // 2] *= 2
    hz = np.fft.rfftfreq(samples.size, 1 / recording.rate_hz)
    low, high = segment.low_hz or 0.0, segment.high_hz if segment.high_hz is not None else np.inf
    return float(power[(hz >= low) & (hz < high)].sum()) / recording.rate_hz


def checked_words(words: Sequence[Interval], segments: Sequence[Segment]) -> tuple[Interval, ...]:
    """Return `words`, or one interval "toy" over all segments when there is none.

    Raises
    ------
    BadInput
        There is no segment.
    """
    if not segments:
        raise BadInput("a toy recogniser needs at least one segment")
    if words:
        return tuple(words)
    start, end = min(s.start_s for s in segments), max(s.end_s for s in segments)
    return (Interval(start, end, "toy", origin="synthetic"),)
