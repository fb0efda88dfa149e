"""How much a relevance map moves when the sound hardly does. Maps and inputs in, numbers out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core.errors import BadInput


def max_sensitivity(relevance: ArrayLike, changed: ArrayLike) -> float:
    """Return max ‖Φ(x + δ) - Φ(x)‖ / ‖Φ(x)‖ over small δ (Yeh et al. 2019, definition 2, relative as in section 5).

    Parameters
    ----------
    relevance, changed
        `(n_segments,)` the map, and `(n_changes, n_segments)` those of the changed inputs. NaN where the map is zero.

    Examples
    --------
    >>> max_sensitivity([3.0, 4.0], [[3.0, 4.0], [3.0, 9.0]])
    1.0
    """
    own, others = _maps(relevance, changed)
    size = float(np.linalg.norm(own))
    return float(np.linalg.norm(others - own, axis=1).max() / size) if size > 0 else float("nan")


def local_lipschitz(relevance: ArrayLike, changed: ArrayLike, distances: ArrayLike) -> float:
    """Return max ‖Φ(x') - Φ(x)‖ / ‖x' - x‖ over neighbours x' (Alvarez-Melis & Jaakkola 2018, equation 4).

    Parameters
    ----------
    relevance, changed
        As in `max_sensitivity`.
    distances
        `(n_changes,)`, ‖x' - x‖, above 0.

    Examples
    --------
    >>> local_lipschitz([0.0, 0.0], [[3.0, 4.0], [0.0, 1.0]], [2.0, 0.1])
    10.0
    """
    own, others = _maps(relevance, changed)
    far = np.asarray(distances, dtype=np.float64)
    if far.shape != (len(others),) or (far <= 0).any():
        raise BadInput(f"{len(others)} neighbours need as many distances above 0, got {far.tolist()}")
    return float((np.linalg.norm(others - own, axis=1) / far).max())


def _maps(relevance: ArrayLike, changed: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    own, others = np.asarray(relevance, dtype=np.float64), np.asarray(changed, dtype=np.float64)
    if own.ndim != 1 or others.ndim != 2 or others.shape[1] != own.size or not len(others):
        raise BadInput(f"a map (n,) and others (n_changes, n) are needed, got shapes {own.shape} and {others.shape}")
    return own, others
