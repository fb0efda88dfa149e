"""Frames of several layers, perhaps of two recognisers, that belong together: matched by time, never by index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Activation, BadInput, FrameGrid, Recognizer, Recording, Site
from otoscope.core.protocols import Progress
from otoscope.explainers.layers.sites import layers_of
from otoscope.signal.features import log_mel

MEL = "mel"
"""Name of the log-mel features that stand beside every recogniser's layers."""

_NEAR = 1e-9


@dataclass(frozen=True, eq=False)
class Matched:
    """Layers at the same instants.

    Parameters
    ----------
    rows
        For each layer `(n_instants, n_units)`.
    times_s, utterances
        `(n_instants,)` when, and in which utterance.
    digests
        SHA-256 of the recordings.
    """

    rows: Mapping[str, NDArray[np.float64]]
    times_s: NDArray[np.float64]
    utterances: NDArray[np.int64]
    digests: tuple[str, ...]


def common_times(grids: Sequence[FrameGrid], duration_s: float) -> NDArray[np.float64]:
    """Return the frame centres of the coarsest grid that lie in the recording and within half a hop of all grids."""
    coarsest = max(grids, key=lambda grid: grid.hop / grid.rate_hz)
    times = coarsest.times_s()
    kept = (times >= 0) & (times < duration_s)
    for grid in grids:
        kept &= _distance(grid, times) <= grid.hop / grid.rate_hz / 2 + _NEAR
    return times[kept]


def rows_at(layer: Activation, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the frames whose centres are nearest to the times, `(n_times, n_units)`."""
    assert layer.grid is not None, "layers have grids"
    return layer.values[_nearest(layer.grid, times_s)].astype(np.float64)


def matched(
    heard_by: Mapping[str, tuple[Recognizer, Sequence[str]]],
    recordings: Sequence[Recording],
    *,
    most: int,
    seed: int = 0,
    progress: Progress | None = None,
) -> Matched:
    """Return at most `most` instants of recordings with what each layer had there, and the log-mel features.

    Parameters
    ----------
    heard_by
        What to put before each layer's name → recogniser and its sites.
    recordings
        What is heard.
    most, seed
        How many instants are drawn, the same for all layers, and from which seed.
    progress
        Called with (recordings heard, all).

    Raises
    ------
    BadInput
        A layer has no row a frame, or no instant is common to all.
    """
    found: list[dict[str, NDArray[np.float64]]] = []
    times, whose = [], []
    for number, recording in enumerate(recordings):
        layers = _layers(heard_by, recording)
        own = common_times([layer.grid for layer in layers.values() if layer.grid is not None], recording.duration_s)
        found.append({name: rows_at(layer, own) for name, layer in layers.items()})
        times.append(own)
        whose.append(np.full(own.size, number))
        if progress is not None:
            progress(number + 1, len(recordings))
    all_times, utterances = np.concatenate(times), np.concatenate(whose)
    if all_times.size < 3:
        raise BadInput(f"{all_times.size} instants are common to all layers; give longer recordings")
    chosen = np.sort(np.random.default_rng(seed).permutation(all_times.size)[:most])
    rows = {name: np.concatenate([own[name] for own in found])[chosen] for name in found[0]}
    return Matched(rows, all_times[chosen], utterances[chosen], tuple(recording.digest for recording in recordings))


def _layers(heard_by: Mapping[str, tuple[Recognizer, Sequence[str]]], recording: Recording) -> dict[str, Activation]:
    bands = log_mel(recording)
    layers: dict[str, Activation] = {MEL: Activation(Site(MEL, "log mel", 80), bands.values, bands.grid)}
    for before, (recognizer, sites) in heard_by.items():
        seen = layers_of(recognizer, recording, sites)
        if absent := [site for site in sites if site not in seen]:
            raise BadInput(f"{', '.join(absent)} of {recognizer.name} has no row a frame; leave it out")
        layers |= {before + site: layer for site, layer in seen.items()}
    return layers


def _nearest(grid: FrameGrid, times_s: NDArray[np.float64]) -> NDArray[np.int64]:
    places = (times_s * grid.rate_hz - grid.start - grid.window / 2) / grid.hop
    nearest: NDArray[Any] = np.clip(np.ceil(places - 0.5), 0, grid.n_frames - 1).astype(np.int64)
    return nearest


def _distance(grid: FrameGrid, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    if grid.n_frames == 0:
        return np.full(times_s.size, np.inf)
    return np.abs(grid.times_s()[_nearest(grid, times_s)] - times_s)
