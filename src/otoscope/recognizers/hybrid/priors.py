"""How often each column of the acoustic scores occurs: what turns a posterior into a scaled likelihood."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput

FLOOR = 0.01
"""Share of the mean count that every column has at least."""


def log_priors(labels: NDArray[np.int32], n_columns: int) -> NDArray[np.float64]:
    """Return the natural-log share of the frames that each column has, `(n_columns,)`.

    p(x | q) / p(x) = P(q | x) / P(q) (Bourlard & Morgan 1994, equation 7.1): the posterior over this prior takes the
    place of the likelihood. A column that is hardly ever seen counts as if it had `FLOOR` of the mean, so that its
    scores do not rise without bound.

    Parameters
    ----------
    labels
        `(n_frames,)` column of each frame of the training data.

    Examples
    --------
    >>> np.exp(log_priors(np.array([0, 0, 1, 0], np.int32), 2)).round(2).tolist()
    [0.75, 0.25]

    Raises
    ------
    BadInput
        There is no frame, or one with a column that there is not.
    """
    if not labels.size or labels.min() < 0 or labels.max() >= n_columns:
        raise BadInput(f"priors of {n_columns} columns need frames labelled 0 to {n_columns - 1}, got {labels.size}")
    counts = np.bincount(labels, minlength=n_columns).astype(np.float64)
    counts = np.maximum(counts, FLOOR * counts.mean())
    return np.log(counts / counts.sum())
