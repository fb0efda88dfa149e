"""Fewer, comparable directions: what wide layers need before information can be estimated at all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.explainers.information.recorder import Snapshot


def reduced(snapshots: Mapping[int, Snapshot], *, n_dims: int = 3) -> dict[int, dict[str, NDArray[np.float64]]]:
    """Return each layer's main directions of the last epoch, at every epoch on one scale.

    With tens of units every row is a pattern of its own, and bins and densities say only how many rows there were. The
    principal directions are those of the last epoch, and the unit is the root mean square along them at that epoch: so
    a layer whose values draw together in the course of training is seen to.

    Parameters
    ----------
    snapshots
        Epoch → layer → `(n_rows, n_units)`.
    n_dims
        Directions kept; a layer of fewer units keeps all.

    Raises
    ------
    BadInput
        There is no epoch, or a layer does not vary at the last one.
    """
    if not snapshots or n_dims < 1:
        raise BadInput(f"at least one epoch and one direction are needed, got {len(snapshots)} and {n_dims}")
    last = snapshots[max(snapshots)]
    views = {name: _view(name, np.asarray(values, dtype=np.float64), n_dims) for name, values in last.items()}
    return {
        epoch: {
            name: (np.asarray(values, dtype=np.float64) - views[name][0]) @ views[name][1]
            for name, values in held.items()
        }
        for epoch, held in snapshots.items()
    }


def _view(name: str, values: NDArray[np.float64], n_dims: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean `(n_units,)` and the directions `(n_units, n_dims)`, scaled."""
    mean = values.mean(axis=0)
    _, sizes, directions = np.linalg.svd(values - mean, full_matrices=False)
    if not sizes[0] > 0:
        raise BadInput(f"layer {name} is the same for every input; nothing can be reduced")
    kept = directions[:n_dims]
    scale = np.sqrt((sizes[: len(kept)] ** 2).sum() / len(values) / len(kept))
    return mean, kept.T / scale
