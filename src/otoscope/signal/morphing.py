"""Between recordings: spectra mixed on a common course of time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, Recording
from otoscope.signal.stft import inverse_transform, stft, transform
from otoscope.signal.tempo import warped

WINDOW_S, HOP_S = 0.032, 0.008
FLOOR = 1e-3
"""Re the largest magnitude: what is fainter counts as this faint, so that silence in one does not silence all."""
N_ROUNDS = 8


def morphed(
    recordings: Sequence[Recording], weights: Sequence[float], *, anchors_s: ArrayLike | None = None
) -> Recording:
    """Return the recording between others.

    Each is brought to a common course of time (`otoscope.signal.tempo.warped`), then the logarithms of their
    short-time magnitudes (32 ms windows 8 ms apart) are averaged. Phases begin as those of the heaviest and are made
    to fit the magnitudes (Griffin and Lim 1984, 8 rounds). With all weight on one, that one comes back as it is.

    Parameters
    ----------
    recordings
        Of one rate.
    weights
        For each, 0 or more, adding to 1. Durations are averaged alike.
    anchors_s
        `(n_points, n_recordings)` times that belong together, none falling; by default beginning and end.

    Raises
    ------
    BadInput
        Rates differ, or the weights do not add to 1.
    """
    shares = np.asarray(weights, dtype=np.float64)
    if len(recordings) != shares.size or (shares < 0).any() or abs(shares.sum() - 1) > 1e-9:
        raise BadInput(f"{len(recordings)} recordings need as many weights that add to 1, got {list(weights)}")
    if len({recording.rate_hz for recording in recordings}) != 1:
        raise BadInput("recordings of different rates cannot be morphed; resample them first")
    heaviest = int(np.argmax(shares))
    if shares[heaviest] == 1:
        return recordings[heaviest]
    anchors = np.array([[0.0] * shares.size, [r.duration_s for r in recordings]]) if anchors_s is None else anchors_s
    found = _mixed(on_one_course(recordings, np.asarray(anchors), shares), shares, heaviest)
    return Recording(found, recordings[0].rate_hz, source="morph")


def on_one_course(
    recordings: Sequence[Recording], anchors_s: NDArray[np.float64], shares: NDArray[np.float64]
) -> tuple[Recording, ...]:
    """Return recordings warped to the weighted mean of their courses of time, all equally long."""
    n_samples = max(1, round(float(sum(w * r.n_samples for w, r in zip(shares, recordings, strict=True)))))
    common = anchors_s @ shares
    return tuple(warped(r, common, anchors_s[:, i], n_samples=n_samples) for i, r in enumerate(recordings))


def _mixed(courses: Sequence[Recording], shares: NDArray[np.float64], heaviest: int) -> NDArray[np.float32]:
    spectra = [stft(course, window_s=WINDOW_S, hop_s=HOP_S) for course in courses]
    sizes = [np.abs(spectrum.values) for spectrum in spectra]
    floor = FLOOR * max(max(float(size.max()) for size in sizes), 1e-9)
    logs = sum(share * np.log(size + floor) for share, size in zip(shares, sizes, strict=True))
    magnitudes = np.maximum(np.exp(logs) - floor, 0).astype(np.float32)
    first = spectra[heaviest]
    values = first.values
    for _ in range(N_ROUNDS):
        phases = values / np.maximum(np.abs(values), np.float32(1e-12))
        samples = inverse_transform(magnitudes * phases, first.grid, first.n_fft, first.n_samples)
        values = transform(samples, first.grid, first.n_fft)
    return samples
