"""The average of sequences that run at different speeds: DTW barycentre averaging (Petitjean et al. 2011)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.decoding.dtw.features import dtw


def barycenter(
    sequences: Sequence[NDArray[Any]], start: NDArray[Any], *, n_iterations: int = 10
) -> NDArray[np.float64]:
    """Return the sequence, as long as `start`, whose squared distance to all others along warping paths is least.

    Parameters
    ----------
    sequences
        `(n_frames, n_coeffs)` each.
    start
        Where to begin, mostly the medoid of the sequences.
    n_iterations
        At most; it ends earlier when nothing changes any more.

    Raises
    ------
    BadInput
        There is no sequence.

    Notes
    -----
    Petitjean, Ketterlin & Gançarski (2011), section 3: align each sequence with the average, then put every frame of
    the average at the mean of all frames aligned with it. Paths may take any slope (`symmetric1`).

    Examples
    --------
    >>> slow, fast = np.array([[0.0], [0.0], [2.0]]), np.array([[0.0], [4.0]])
    >>> barycenter([slow, fast], start=fast).ravel()
    array([0., 3.])
    """
    if not sequences:
        raise BadInput("an average needs at least one sequence")
    average = np.array(start, dtype=np.float64)
    for _ in range(n_iterations):
        sums, counts = np.zeros_like(average), np.zeros(len(average))
        for sequence in sequences:
            pairs = dtw(sequence, average, pattern="symmetric1").pairs
            np.add.at(sums, pairs[:, 1], np.asarray(sequence, dtype=np.float64)[pairs[:, 0]])
            np.add.at(counts, pairs[:, 1], 1)
        moved = sums / counts[:, np.newaxis]
        if np.allclose(moved, average, rtol=0, atol=1e-9):
            return average
        average = moved
    return average
