"""Few templates from many examples of a word: modified k-means on DTW distances, medoids or averages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, UnknownName
from otoscope.decoding.dtw import FrameStack, barycenter, distances

METHODS = ("all", "medoids", "averages")
"""How templates come from examples."""


def templates_of(
    examples: Sequence[NDArray[Any]],
    method: str,
    n_templates: int,
    *,
    as_compared: Callable[[NDArray[Any]], NDArray[Any]],
    pattern: str = "symmetric2",
) -> list[NDArray[Any]]:
    """Return the templates of one word, frames as the front end makes them.

    Parameters
    ----------
    examples
        `(n_frames, n_coeffs)` each.
    method
        Of `METHODS`.
    n_templates
        Clusters; not used by `all`. Where there are no more examples than that, each is a template.
    as_compared
        Frames of a word as distances see them.
    pattern
        Step pattern of the distances.

    Raises
    ------
    BadInput
        A word without examples.
    UnknownName
        No such method.
    """
    if not examples:
        raise BadInput("a word needs at least one example to make a template of")
    if method not in METHODS:
        raise UnknownName("way to make templates", method, METHODS)
    if method == "all" or len(examples) <= n_templates:
        return list(examples)
    between = pairwise_distances([as_compared(example) for example in examples], pattern=pattern)
    labels, centres = modified_k_means(between, n_templates)
    if method == "medoids":
        return [examples[centre] for centre in centres]
    unit = np.maximum(np.concatenate(list(examples)).std(axis=0), 1e-6)
    clusters = [[examples[i] for i in np.flatnonzero(labels == k).tolist()] for k in range(len(centres))]
    return [
        barycenter([e / unit for e in own], examples[centre] / unit) * unit
        for own, centre in zip(clusters, centres, strict=True)
    ]


def pairwise_distances(examples: Sequence[NDArray[Any]], *, pattern: str = "symmetric2") -> NDArray[np.float64]:
    """Return `(n, n)` normalised DTW distances, made symmetric."""
    stack = FrameStack.of(examples)
    between = np.stack([distances(example, stack, pattern=pattern) for example in examples])
    np.fill_diagonal(between, 0.0)
    return (between + between.T) / 2


def modified_k_means(
    between: NDArray[np.float64], n_clusters: int, *, n_iterations: int = 50
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the cluster of each item `(n,)` and the item at the centre of each cluster `(n_clusters,)`.

    Parameters
    ----------
    between
        `(n, n)` symmetric distances, 0 on the diagonal.
    n_clusters
        1 to n.
    n_iterations
        At most, after each split.

    Notes
    -----
    Wilpon & Rabiner (1985), after Rabiner et al. (1979): no mean of patterns is needed, the centre of a cluster is the
    item whose largest distance to the others is least (minimax; on ties the least sum). Clusters grow one by one: the
    one with the largest summed distance to its centre is split at its two items farthest apart. Nothing is random.

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 2.0, 10.0, 11.0])
    >>> labels, centres = modified_k_means(np.abs(x[:, None] - x), 2)
    >>> labels.tolist(), x[centres].tolist()
    ([0, 0, 0, 1, 1], [1.0, 10.0])
    """
    n = len(between)
    if not 1 <= n_clusters <= n:
        raise BadInput(f"{n} items cannot make {n_clusters} clusters; take 1 to {n}")
    finite = between[np.isfinite(between)]
    between = np.where(np.isfinite(between), between, 2 * finite.max() + 1)
    centres = np.array([_centre(between, np.arange(n))])
    while True:
        labels, centres = _settled(between, centres, n_iterations)
        if len(centres) == n_clusters:
            return labels, centres
        spread = [between[labels == k][:, centre].sum() for k, centre in enumerate(centres)]
        splittable = [value if (labels == k).sum() > 1 else -1.0 for k, value in enumerate(spread)]
        widest = int(np.argmax(splittable))
        members = np.flatnonzero(labels == widest)
        a, b = np.unravel_index(np.argmax(between[np.ix_(members, members)]), (members.size, members.size))
        centres = np.append(np.delete(centres, widest), [members[a], members[b if a != b else (a + 1) % members.size]])


def _settled(
    between: NDArray[np.float64], centres: NDArray[np.int64], n_iterations: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Assign items to the nearest centre and move the centres until neither changes."""
    labels = np.argmin(between[:, centres], axis=1)
    for _ in range(n_iterations):
        labels[centres] = np.arange(len(centres))
        moved = np.array([_centre(between, np.flatnonzero(labels == k)) for k in range(len(centres))])
        if (moved == centres).all():
            break
        centres = moved
        labels = np.argmin(between[:, centres], axis=1)
    order = np.argsort([np.flatnonzero(labels == k)[0] for k in range(len(centres))])
    return np.argsort(order)[labels], centres[order]


def _centre(between: NDArray[np.float64], members: NDArray[np.int64]) -> int:
    own = between[np.ix_(members, members)]
    return int(members[np.lexsort((own.sum(axis=1), own.max(axis=1)))[0]])
