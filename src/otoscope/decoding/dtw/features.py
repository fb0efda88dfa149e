"""Dynamic time warping of features."""

from __future__ import annotations

from numpy.typing import ArrayLike

from otoscope.decoding.dtw.costs import Metric, local_costs
from otoscope.decoding.dtw.warp import WarpingPath, warp, warp_distance


def dtw(
    x: ArrayLike, y: ArrayLike, *, metric: Metric = "euclidean", pattern: str = "symmetric2", band: int | None = None
) -> WarpingPath:
    """Return the best warping path between two sequences of frames.

    Parameters
    ----------
    x, y
        `(n_frames, n_coeffs)` features; they may differ in length.
    metric
        Local cost, see `local_costs`.
    pattern, band
        As in `warp`.

    Examples
    --------
    >>> path = dtw([0.0, 1.0, 2.0], [0.0, 1.0, 1.0, 2.0])
    >>> path.distance, path.pairs.tolist()
    (0.0, [[0, 0], [1, 1], [1, 2], [2, 3]])
    """
    return warp(local_costs(x, y, metric=metric), pattern=pattern, band=band)


def dtw_distance(
    x: ArrayLike, y: ArrayLike, *, metric: Metric = "euclidean", pattern: str = "symmetric2", band: int | None = None
) -> float:
    """Return the distance alone, as `dtw(...).distance` but without the memory for the path.

    Examples
    --------
    >>> dtw_distance([0.0, 1.0, 2.0], [0.0, 2.0], pattern="symmetric1")
    1.0
    """
    return warp_distance(local_costs(x, y, metric=metric), pattern=pattern, band=band)
