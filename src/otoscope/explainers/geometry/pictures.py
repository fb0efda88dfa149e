"""Two dimensions of many: principal components, and Isomap, which unrolls what is curved."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, shortest_path
from scipy.spatial import cKDTree

from otoscope.core import BadInput, Panel
from otoscope.metrics.agreement import pearson

MANY = 800
"""Points that Isomap is made of at most: its cost grows with the cube of their number."""


def principal(points: ArrayLike, *, n_dims: int = 2) -> tuple[NDArray[np.float64], float]:
    """Return the points in their main directions, `(n_points, n_dims)`, and the share of variance these hold."""
    values = _checked(points, n_dims)
    centred = values - values.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    share = float((sizes[:n_dims] ** 2).sum() / max((sizes**2).sum(), 1e-300))
    return left[:, :n_dims] * sizes[:n_dims], share


def isomap(
    points: ArrayLike, *, n_dims: int = 2, n_neighbors: int = 10
) -> tuple[NDArray[np.float64], NDArray[np.intp], float]:
    """Unroll a cloud: classical scaling of the shortest ways between neighbours (Tenenbaum, de Silva & Langford 2000).

    Parameters
    ----------
    points
        `(n_points, n_units)`.
    n_dims
        Dimensions wanted.
    n_neighbors
        Nearest points that each is joined to.

    Returns
    -------
    tuple
        Places `(n_kept, n_dims)`; the indices of the points kept, which are those of the largest connected part; and
        the residual variance, 1 - r² between ways in the cloud and distances in the picture (0 is perfect).

    Raises
    ------
    BadInput
        Too few points for so many neighbours or dimensions.
    """
    values = _checked(points, n_dims)
    if not 1 <= n_neighbors < len(values):
        raise BadInput(f"{n_neighbors} neighbours of {len(values)} points; take 1 to {len(values) - 1}")
    graph = _neighbours(values, n_neighbors)
    _, parts = connected_components(graph, directed=False)
    kept = np.flatnonzero(parts == np.bincount(parts).argmax())
    if len(kept) <= n_dims:
        raise BadInput(f"the cloud falls into parts of at most {len(kept)} points; take more neighbours")
    ways = shortest_path(graph[kept][:, kept], directed=False)
    squares = -0.5 * ways**2
    centred = squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()
    sizes, directions = np.linalg.eigh(centred)
    places = directions[:, ::-1][:, :n_dims] * np.sqrt(np.maximum(sizes[::-1][:n_dims], 0))
    upper = np.triu_indices(len(kept), 1)
    drawn = np.sqrt(((places[:, None] - places) ** 2).sum(axis=-1))
    return places, kept, 1 - pearson(ways[upper], drawn[upper]) ** 2


def manifold_panel(
    points: ArrayLike, groups: ArrayLike, *, method: str = "pca", title: str = "", seed: int = 0
) -> Panel:
    """Return a picture of points, coloured by phone, word, speaker or whatever `groups` `(n_points,)` says.

    Parameters
    ----------
    points
        `(n_points, n_units)`.
    groups
        A name for each.
    method
        `pca` or `isomap`; the latter draws at most 800 of the points.
    title
        Above the picture.
    seed
        Of that draw.
    """
    values, names = _checked(points, 2), np.asarray(groups).astype(str)
    if names.shape != (len(values),):
        raise BadInput(f"{names.size} groups for {len(values)} points")
    if method not in _PICTURES:
        raise BadInput(f"unknown picture {method!r}; one of {', '.join(_PICTURES)}")
    places, kept, caption = _PICTURES[method](values, np.random.default_rng(seed))
    return Panel(
        kind="scatter",
        title=title or f"{method} of {len(kept)} points",
        data={
            "x": places[:, 0],
            "y": places[:, 1],
            "groups": [str(name) for name in names[kept]],
            "x_label": "first direction",
            "y_label": "second direction",
        },
        caption=caption,
    )


_Picture = tuple[NDArray[np.float64], NDArray[np.intp], str]


def _pca_picture(values: NDArray[np.float64], rng: np.random.Generator) -> _Picture:
    places, share = principal(values)
    caption = f"Principal components: the plane holds {share:.0%} of the variance; what is curved lies folded over."
    return places, np.arange(len(values)), caption


def _isomap_picture(values: NDArray[np.float64], rng: np.random.Generator) -> _Picture:
    drawn = np.sort(rng.choice(len(values), size=min(MANY, len(values)), replace=False))
    places, kept, residual = isomap(values[drawn], n_neighbors=min(10, len(drawn) - 1))
    caption = (
        f"Isomap with 10 neighbours: residual variance {residual:.2f} (0 is a perfect map). {len(drawn)} of "
        f"{len(values)} points drawn, {len(drawn) - len(kept)} of them left out: not joined to the largest part."
    )
    return places, drawn[kept], caption


_PICTURES: dict[str, Callable[[NDArray[np.float64], np.random.Generator], _Picture]] = {
    "pca": _pca_picture,
    "isomap": _isomap_picture,
}


def _neighbours(values: NDArray[np.float64], n_neighbors: int) -> csr_matrix:
    """Return the graph of neighbours; points that are equal are joined by a way of next to no length."""
    lengths, others = cKDTree(values).query(values, k=n_neighbors + 1)
    rows = np.repeat(np.arange(len(values)), n_neighbors)
    smallest = np.finfo(np.float64).tiny
    return csr_matrix(
        (np.maximum(lengths[:, 1:], smallest).ravel(), (rows, others[:, 1:].ravel())), shape=(len(values),) * 2
    )


def _checked(points: ArrayLike, n_dims: int) -> NDArray[np.float64]:
    values = np.asarray(points, dtype=np.float64)
    if values.ndim != 2 or len(values) <= n_dims or values.shape[1] < n_dims or not np.isfinite(values).all():
        raise BadInput(f"a picture of {n_dims} dimensions needs more finite points and units, got shape {values.shape}")
    return values
