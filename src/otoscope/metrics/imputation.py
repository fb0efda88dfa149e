"""Noisy linear imputation: what stands where cells of a picture were taken away, guessed from their neighbours.

A fill that shows where it stands tells the network what was removed; this one hardly does (ROAD: Rong et al. 2022).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from otoscope.core.errors import BadInput

DIRECT, DIAGONAL = 1 / 6, 1 / 12
"""Weights of the four direct and the four diagonal neighbours (Rong et al. 2022, equation 9)."""


def imputed(
    values: NDArray[np.floating], gone: NDArray[np.bool_], *, noise: float = 0.01, seed: int = 0
) -> NDArray[np.float64]:
    """Return a picture whose missing cells are the weighted mean of their neighbours, and a little noise.

    The cells are solved for together, since neighbours may be missing too; at the rim the weights of those that there
    are sum to one. Cells that stay are unchanged.

    Parameters
    ----------
    values, gone
        `(n_rows, n_units)`, and which cells are missing. Where all are, there is nothing to guess from.
    noise
        Standard deviation, as a share of that of the picture.
    seed
        Of the noise.

    Examples
    --------
    >>> ramp = np.tile(np.arange(5.0), (3, 1))
    >>> missing = np.zeros((3, 5), dtype=bool); missing[1, 2] = True
    >>> round(float(imputed(ramp, missing, noise=0.0)[1, 2]), 6)
    2.0
    """
    picture, missing = np.asarray(values, dtype=np.float64), np.asarray(gone, dtype=bool)
    if picture.ndim != 2 or picture.shape != missing.shape:
        raise BadInput(f"a picture and a mask of one shape are needed, got {picture.shape} and {missing.shape}")
    if missing.all():
        raise BadInput("all cells are missing: there is nothing to guess them from")
    found = picture.copy()
    if not missing.any():
        return found
    number = np.full(picture.shape, -1)
    number[missing] = np.arange(missing.sum())
    rows, columns, entries, right = [], [], [], np.zeros(int(missing.sum()))
    total = np.zeros(right.size)
    cells = np.argwhere(missing)
    own = number[missing]
    for down, across, weight in _NEIGHBOURS:
        there = cells + np.array([down, across])
        real = ((there >= 0) & (there < picture.shape)).all(1)
        i, (y, x) = own[real], there[real].T
        total[i] += weight
        known = ~missing[y, x]
        np.add.at(right, i[known], weight * picture[y[known], x[known]])
        rows.append(i[~known])
        columns.append(number[y[~known], x[~known]])
        entries.append(np.full(int((~known).sum()), -weight))
    rows, columns, entries = [*rows, own], [*columns, own], [*entries, total]
    system = coo_matrix((np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns)))).tocsr()
    drawn = np.random.default_rng([seed, 0x20AD]).standard_normal(right.size)
    found[missing] = spsolve(system, right) + noise * picture.std() * drawn
    return found


_NEIGHBOURS = tuple(
    (down, across, DIRECT if 0 in (down, across) else DIAGONAL)
    for down in (-1, 0, 1)
    for across in (-1, 0, 1)
    if (down, across) != (0, 0)
)
