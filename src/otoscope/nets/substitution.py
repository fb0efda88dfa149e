"""Scores of targets with other values at a site, and their slopes there: what every family's `score_at` shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import BadInput, FrameGrid, SiteScores
from otoscope.nets.hooks import Tapped, substituted

SECONDS_AT_ONCE = 60.0
"""Seconds of sound that go through a network at once; a third of that where slopes are wanted."""


@dataclass(frozen=True)
class Passes:
    """How a family scores the targets that are asked about.

    Parameters
    ----------
    network
        What has the sites.
    of_waves
        Waveforms `(n, n_samples)` at the front end's rate to differentiable scores `(n, n_targets)`.
    of_copies
        Scores `(n, n_targets)` of n copies of the recording, whose front end is computed once.
    n_samples, duration_s
        Length of the recording at the front end's rate.
    """

    network: Tapped
    of_waves: Callable[[Tensor], Tensor]
    of_copies: Callable[[int], Tensor]
    n_samples: int
    duration_s: float


def passes_of(
    network: Tapped,
    front_end: Callable[[Tensor], Tensor],
    samples: NDArray[np.float32],
    grid: FrameGrid,
    scores: Callable[[Tensor], Tensor],
) -> Passes:
    """Return the passes of a network behind a front end.

    Parameters
    ----------
    network, front_end
        Waveforms `(n, n_samples)` to features `(n, n_frames, n_features)`, and what hears those.
    samples, grid
        Of the recording at the front end's rate, and where its features lie.
    scores
        Features to differentiable scores `(n, n_targets)`.
    """
    dtype = next(iter(front_end.buffers())).dtype  # type: ignore[attr-defined]

    def features(waves: Tensor) -> Tensor:
        return front_end(waves.to(dtype))[:, : grid.n_frames]

    def of_copies(n: int) -> Tensor:
        with torch.no_grad():
            own = features(torch.from_numpy(samples.copy())[None])
        return scores(own.expand(n, -1, -1))

    return Passes(network, lambda waves: scores(features(waves)), of_copies, samples.size, samples.size / grid.rate_hz)


def site_scores(passes: Passes, values: NDArray[Any], *, at: str, slopes: bool) -> SiteScores:
    """Return how the targets score with each of `values` `(n_values, n_rows, n_units)` at a site.

    Memory is bounded: so many values go through the network at once as make `SECONDS_AT_ONCE` of sound.

    Raises
    ------
    BadInput
        There is no such site, the values have another shape than what passes there, or nothing passes there on the way
        to these scores.
    """
    given = np.asarray(values)
    if given.ndim != 3 or not given.shape[0]:
        raise BadInput(f"values at {at} must be (n_values, n_rows, n_units) with one value at least, got {given.shape}")
    given = given if given.dtype in (np.float32, np.float64) else given.astype(np.float32)
    most = max(1, int(SECONDS_AT_ONCE / (3 if slopes else 1) / max(passes.duration_s, 1e-3)))
    scores, found = [], []
    for first in range(0, len(given), most):
        leaf = torch.from_numpy(given[first : first + most].copy()).requires_grad_(slopes)
        with torch.enable_grad() if slopes else torch.no_grad():
            own = _scores(passes, leaf, at)
            scores.append(own.detach().double().numpy())
            if slopes:
                found.append(slopes_at(own, leaf).numpy())
    return SiteScores(np.concatenate(scores), np.concatenate(found) if slopes else None)


def _scores(passes: Passes, values: Tensor, at: str) -> Tensor:
    if at == "waveform":
        if values.shape[1:] != (passes.n_samples, 1):
            raise BadInput(
                f"values at waveform must be (n_values, {passes.n_samples}, 1), a row for each sample at the front "
                f"end's own rate, got {tuple(values.shape)}"
            )
        return passes.of_waves(values[:, :, 0])
    with substituted(passes.network, at, values):
        return passes.of_copies(len(values))


def slopes_at(scores: Tensor, leaf: Tensor) -> Tensor:
    """Return d score / d value, `(n, n_targets, n_rows, n_units)`, of scores `(n, n_targets)`, value by value."""
    columns = [column.sum() for column in scores.unbind(1)]
    if not columns:
        return leaf.new_zeros(len(leaf), 0, *leaf.shape[1:])
    found = []
    for k, column in enumerate(columns):
        last = k + 1 == len(columns)
        slope = None
        if column.requires_grad:
            (slope,) = torch.autograd.grad(column, leaf, retain_graph=not last, allow_unused=True)
        found.append(torch.zeros_like(leaf) if slope is None else slope)
    return torch.stack(found, 1)
