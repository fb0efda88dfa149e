"""What a probe's figures mean: selectivity, description length, intervals over speakers. Arrays in, numbers out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core.errors import BadInput

PORTIONS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.0625, 0.125, 0.25, 0.5, 1.0)
"""Ends of the blocks of online coding, as shares of the items (Voita and Titov 2020, section 2.2.2)."""


def selectivity(accuracy: float, control_accuracy: float) -> float:
    """Return accuracy less that of the same probe on the control task (Hewitt and Liang 2019, section 3).

    A probe that does as well on labels drawn at random for each type has learnt them by heart.

    Examples
    --------
    >>> round(selectivity(0.9, 0.3), 6)
    0.6
    """
    return accuracy - control_accuracy


def control_labels(labels: Sequence[Hashable], types: Sequence[Hashable], *, seed: int = 0) -> list[Hashable]:
    """Return for each item a label drawn for its type, from the labels as often as they stand (Hewitt and Liang 2019).

    All items of one type have the same control label, so that it can be learnt by heart and in no other way.

    Examples
    --------
    >>> drawn = control_labels(["a", "b", "a", "b"], ["x", "y", "x", "z"])
    >>> drawn[0] == drawn[2]
    True
    """
    if len(labels) != len(types) or not labels:
        raise BadInput(f"control labels need a type for each label, got {len(labels)} labels and {len(types)} types")
    rng = np.random.default_rng(seed)
    given = {kind: labels[int(rng.integers(len(labels)))] for kind in dict.fromkeys(types)}
    return [given[kind] for kind in types]


def block_ends(n_items: int, n_classes: int) -> list[int]:
    """Return how many items are known at the end of each block of online coding, growing, the last `n_items`.

    `PORTIONS` of the items; blocks that would end before one item for each class are joined to the next.

    Examples
    --------
    >>> block_ends(400, 10)
    [12, 25, 50, 100, 200, 400]
    """
    ends = [int(portion * n_items) for portion in PORTIONS]
    return [end for end in dict.fromkeys(ends) if end >= min(n_classes, n_items)]


def online_code_length(
    labels: ArrayLike, n_classes: int, predicted: Callable[[int, int], NDArray[np.float64]]
) -> float:
    """Return the bits that it takes to send the labels, block by block, by probes taught all blocks before.

    Parameters
    ----------
    labels
        `(n_items,)` numbers of the classes, in the order in which they are sent.
    n_classes
        How many classes receiver and sender know of.
    predicted
        Called with (n, m): the probabilities `(m - n, n_classes)` of the items n to m by a probe taught the first n.
        Each is mixed with the even spread at weight `n_classes / (n + n_classes)`, so that no label is impossible.

    Returns
    -------
    float
        `t_1 log2 K - sum_i log2 p_i(y_{t_i + 1} … y_{t_{i+1}})` (Voita and Titov 2020, equation 3).
    """
    known = np.asarray(labels, dtype=np.int64)
    ends = block_ends(known.size, n_classes)
    bits = ends[0] * math.log2(n_classes)
    for start, end in itertools.pairwise(ends):
        found = np.asarray(predicted(start, end), dtype=np.float64)
        if found.shape != (end - start, n_classes):
            raise BadInput(f"probabilities of {end - start} items and {n_classes} classes have shape {found.shape}")
        of_label = found[np.arange(end - start), known[start:end]]
        bits -= float(np.log2((start * of_label + 1) / (start + n_classes)).sum())
    return bits


def compression(code_length_bits: float, n_items: int, n_classes: int) -> float:
    """Return the length of the even code over this one, 1 where nothing is known (Voita and Titov 2020, section 3).

    Examples
    --------
    >>> compression(50.0, 100, 2)
    2.0
    """
    return n_items * math.log2(n_classes) / code_length_bits


def r_squared(truth: ArrayLike, found: ArrayLike) -> float:
    """Return 1 less the squared error over that of the mean; NaN where the truth does not vary.

    Examples
    --------
    >>> r_squared([1, 2, 3], [1, 2, 3]), r_squared([1, 2, 3], [2, 2, 2])
    (1.0, 0.0)
    """
    y, guess = np.asarray(truth, dtype=np.float64), np.asarray(found, dtype=np.float64)
    spread = float(((y - y.mean()) ** 2).sum())
    return 1 - float(((y - guess) ** 2).sum()) / spread if spread > 0 else float("nan")


def grouped_interval(
    values: ArrayLike, groups: Sequence[Hashable], *, level: float = 0.95, n_resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of `values`, whole groups (speakers) resampled.

    Items of one speaker are alike; resampling items would give intervals that are too narrow.

    Examples
    --------
    >>> grouped_interval([1.0, 1.0, 1.0], ["a", "a", "b"])
    (1.0, 1.0)
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0 or sample.size != len(groups):
        raise BadInput(f"an interval needs a value for each member of a group, got {sample.shape} and {len(groups)}")
    names = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    index = np.array([names[group] for group in groups])
    sums, counts = np.bincount(index, sample), np.bincount(index)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=n_resamples)
    means = (drawn @ sums) / (drawn @ counts)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
