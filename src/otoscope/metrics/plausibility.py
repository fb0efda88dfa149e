"""Does a relevance map point where the target is? Arrays in, numbers out.

A map can be plausible and unfaithful, or faithful and implausible (the recogniser may listen elsewhere): read these
beside `otoscope.metrics.faithfulness`, and never without the chance level.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core.errors import BadInput


def _map_and_share(relevance: ArrayLike, inside: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values, share = np.asarray(relevance, dtype=np.float64), np.asarray(inside, dtype=np.float64)
    if values.shape != share.shape or values.ndim != 1:
        raise BadInput(f"relevance and inside must have one entry a segment, got {values.shape} and {share.shape}")
    if share.size and (share.min() < 0 or share.max() > 1):
        raise BadInput("inside must be the share of each segment within the reference, between 0 and 1")
    return values, share


def relevance_mass(relevance: ArrayLike, inside: ArrayLike) -> float:
    """Return the share of positive relevance within the reference (relevance mass accuracy, Arras et al. 2022, eq. 1).

    Parameters
    ----------
    relevance
        `(n_segments,)`.
    inside
        `(n_segments,)` share of each segment, by size, that lies within the reference: its relevance is thought to be
        spread evenly over it.

    Returns
    -------
    float
        Between 0 and 1; NaN when no relevance is positive.

    Examples
    --------
    >>> relevance_mass([3.0, 1.0, -5.0], [1, 0, 0.5])
    0.75
    """
    values, share = _map_and_share(relevance, inside)
    positive = np.maximum(values, 0)
    total = positive.sum()
    return float(positive @ share / total) if total > 0 else float("nan")


def chance_mass(sizes: ArrayLike, inside: ArrayLike) -> float:
    """Return the relevance mass of a flat map: the reference's share of all that the segments cover.

    Examples
    --------
    >>> chance_mass([1.0, 3.0], [1, 0])
    0.25
    """
    extent, share = _map_and_share(sizes, inside)
    return float(extent @ share / extent.sum())


def rank_accuracy(relevance: ArrayLike, inside: ArrayLike) -> float:
    """Return `|top-K and B| / K` for a reference `B` of `K` segments (Arras et al. 2022, eq. 2).

    `inside` is rounded: a segment belongs to the reference when at least half of it does. NaN when none does.

    Examples
    --------
    >>> rank_accuracy([5, 1, 4, 0], [1, 1, 0, 0])
    0.5
    """
    values, share = _map_and_share(relevance, inside)
    members = share >= 0.5
    n_members = int(members.sum())
    if n_members == 0:
        return float("nan")
    top = np.argsort(-values, kind="stable")[:n_members]
    return float(members[top].mean())


def pointing_hit(relevance: ArrayLike, inside: ArrayLike) -> bool:
    """Return whether the most relevant segment meets the reference (pointing game, Zhang et al. 2018, section 4.2).

    Examples
    --------
    >>> pointing_hit([0.1, 0.9], [0, 0.2])
    True
    """
    values, share = _map_and_share(relevance, inside)
    return bool(share[int(np.argmax(values))] > 0)


def top_k_hit(relevance: ArrayLike, inside: ArrayLike, *, k: int) -> bool:
    """Return whether any of the `k` most relevant segments meets the reference (Wu et al. 2024).

    Examples
    --------
    >>> top_k_hit([3, 2, 1], [0, 0, 1], k=2), top_k_hit([3, 2, 1], [0, 0, 1], k=3)
    (False, True)
    """
    values, share = _map_and_share(relevance, inside)
    return bool((share[np.argsort(-values, kind="stable")[:k]] > 0).any())


def time_auc(relevance: ArrayLike, inside: ArrayLike, sizes: ArrayLike) -> float:
    """Return the area under the ROC of relevance per extent against the reference, every moment counting alike.

    The probability that a moment within the reference has more relevance than one outside it, ties counting half
    (Mann and Whitney 1947): 1 is perfect, 0.5 chance; NaN where everything or nothing lies within the reference.

    Parameters
    ----------
    relevance, inside, sizes
        `(n_segments,)` relevance, share of the segment within the reference, and extent.

    Examples
    --------
    >>> time_auc([2.0, 1.0, 0.0], [1, 0, 0], [1, 1, 1]), time_auc([1.0, 1.0], [1, 0], [1, 1])
    (1.0, 0.5)
    """
    values, share = _map_and_share(relevance, inside)
    extent, _ = _map_and_share(sizes, inside)
    density = values / extent
    within, outside = extent * share, extent * (1 - share)
    total = float(within.sum() * outside.sum())
    if total <= 0:
        return float("nan")
    wins = (density[:, None] > density[None, :]) + 0.5 * (density[:, None] == density[None, :])
    return float(within @ wins @ outside / total)
