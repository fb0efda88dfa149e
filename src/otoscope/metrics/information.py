"""Mutual information between what went in, what is at a layer, and what should come out: rows in, nats out.

A layer of a deterministic network holds as much about the input as its own entropy, and for real numbers that is
infinite: any finite figure comes from bins or from noise that the *estimator* adds (Saxe et al. 2018, section 2). So no
figure here travels without its ceiling: what the estimator would say if every input were told from every other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core.errors import BadInput

BLOCK = 64
"""Rows whose distances to all others are in memory at once."""

NEAR_CEILING = 0.98
"""An estimate above this share of its ceiling says no more than that the ceiling was reached."""


@dataclass(frozen=True)
class Information:
    """An estimate of mutual information, and what bounds it.

    Parameters
    ----------
    nats
        The estimate.
    ceiling_nats
        The most the estimator can say about so many rows, whatever they are.
    estimator
        Its name and settings.
    limit
        What it cannot see, in a sentence.
    """

    nats: float
    ceiling_nats: float
    estimator: str
    limit: str

    @property
    def bits(self) -> float:
        """The estimate in bits."""
        return self.nats / math.log(2)

    @property
    def ceiling_bits(self) -> float:
        """The ceiling in bits."""
        return self.ceiling_nats / math.log(2)

    @property
    def saturated(self) -> bool:
        """Whether the estimate is its ceiling, all but 2 %: the truth may be anything above."""
        return self.nats >= NEAR_CEILING * self.ceiling_nats


@dataclass(frozen=True)
class PlanePoint:
    """Where a layer lies in the information plane: I(X; T) and I(T; Y)."""

    input: Information
    label: Information


def entropy_of_counts(counts: ArrayLike) -> float:
    """Return the plug-in entropy of counts, in nats.

    Examples
    --------
    >>> round(entropy_of_counts([1, 1, 2]), 6) == round(1.5 * math.log(2), 6)
    True
    """
    n = np.asarray(counts, dtype=np.float64)
    shares = n[n > 0] / n.sum()
    return float(-(shares * np.log(shares)).sum())


def pattern_codes(activations: ArrayLike, *, width: float) -> NDArray[np.intp]:
    """Return one number for each row: rows with all values in the same bins of `width` share it.

    Bins begin at whole multiples of the width, so tanh and ReLU units are cut alike (Saxe et al. 2018, appendix B).
    """
    values = rows_of(activations)
    if not width > 0:
        raise BadInput(f"bins need a width above 0, got {width}")
    return np.unique(np.floor(values / width), axis=0, return_inverse=True)[1].reshape(-1)


def binned_information(activations: ArrayLike, labels: ArrayLike, *, width: float = 0.07) -> PlanePoint:
    """Estimate I(X; T) and I(T; Y) by cutting every unit into bins and counting patterns.

    With T the pattern of a row and every row another input, H(T | X) = 0 and I(X; T) = H(T);
    I(T; Y) = H(T) - Σ p(y) H(T | y) (Saxe et al. 2018, section 2 and appendix B).

    Parameters
    ----------
    activations
        `(n_rows, n_units)`, one row for each input; all inputs are equally likely.
    labels
        `(n_rows,)`.
    width
        Width of a bin, in units of an activation: .07 in the paper.
    """
    codes, classes = pattern_codes(activations, width=width), _codes_of(labels, len(rows_of(activations)))
    whole = entropy_of_counts(np.bincount(codes))
    within = sum(float(np.mean(of)) * entropy_of_counts(np.bincount(codes[of])) for of in _members(classes))
    name = f"bins of {width:g}"
    return PlanePoint(
        Information(whole, math.log(codes.size), name, _limit_of_bins(codes.size)),
        Information(whole - within, entropy_of_counts(np.bincount(classes)), name, _LABEL_LIMIT),
    )


def kde_information(
    activations: ArrayLike, labels: ArrayLike, *, variance: float = 1e-3
) -> tuple[PlanePoint, PlanePoint]:
    """Bound I(X; T) from below and above, where T is the activation plus Gaussian noise of `variance` in every unit.

    T is then a mixture of Gaussians with equal weights. With d the distances between rows,
    `I <= -mean_i ln mean_j exp(-d_ij² / 2σ²)`, from the Kullback-Leibler divergence, and the same with 8σ² is a lower
    bound, from the Bhattacharyya distance (Kolchinsky & Tracey 2017, equations 10 and 11). I(T; Y) is the difference of
    two such figures: near the truth, a bound in neither direction.

    Parameters
    ----------
    activations
        `(n_rows, n_units)`, one row for each input; all inputs are equally likely.
    labels
        `(n_rows,)`.
    variance
        σ², squared units of an activation: 0.001 for the small networks of Saxe et al. 2018.

    Returns
    -------
    tuple
        The lower and the upper point.
    """
    values = rows_of(activations)
    if not variance > 0:
        raise BadInput(f"the noise of a density estimate needs a variance above 0, got {variance}")
    classes = _codes_of(labels, len(values))
    sizes = np.bincount(classes)
    sums = _kernel_sums(values, classes, variance)
    lower, upper = (_kde_point(each, classes, sizes) for each in sums)
    ceilings = math.log(len(values)), entropy_of_counts(sizes)
    return _point(lower, ceilings, "lower", variance), _point(upper, ceilings, "upper", variance)


def rows_of(activations: ArrayLike) -> NDArray[np.float64]:
    """Return finite float64 rows, `(n_rows, n_units)`.

    Raises
    ------
    BadInput
        There are fewer than two rows, or values that are no number.
    """
    values = np.asarray(activations, dtype=np.float64)
    if values.ndim != 2 or len(values) < 2:
        raise BadInput(f"information needs at least two rows of activations, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise BadInput("an activation is NaN or infinite; nothing can be said about its information")
    return values


def _codes_of(labels: ArrayLike, n_rows: int) -> NDArray[np.intp]:
    given = np.asarray(labels)
    if given.shape != (n_rows,):
        raise BadInput(f"labels of shape {given.shape} for {n_rows} rows; one label for each row is needed")
    return np.unique(given, return_inverse=True)[1].reshape(-1)


def _members(classes: NDArray[np.intp]) -> list[NDArray[np.bool_]]:
    return [classes == index for index in range(int(classes.max()) + 1)]


_LABEL_LIMIT = (
    "never above H(Y); reaches it, whatever the labels, once each row is told from every other: compare shuffled labels"
)


def _limit_of_bins(n_rows: int) -> str:
    return f"never above ln {n_rows}; says nothing about what differs within a bin, and grows as bins shrink"


def _kernel_sums(
    values: NDArray[np.float64], classes: NDArray[np.intp], variance: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return for each row and class the sum of the kernel over rows of that class, for the lower and the upper bound.

    The wide kernel to the fourth power is the narrow one. A row meets itself, so no sum is below 1: nothing underflows.
    """
    of_class = np.eye(int(classes.max()) + 1)[classes]
    scaled = (values - values.mean(axis=0)) / math.sqrt(8 * variance)
    squares, ones = np.einsum("ij,ij->i", scaled, scaled)[:, None], np.ones((len(scaled), 1))
    left, right = np.hstack([2 * scaled, -squares, -ones]), np.hstack([scaled, ones, squares])
    wide, narrow = np.empty(of_class.shape), np.empty(of_class.shape)
    for first in range(0, len(scaled), BLOCK):
        rows = slice(first, min(first + BLOCK, len(scaled)))
        kernel = left[rows] @ right.T
        np.minimum(kernel, 0, out=kernel)
        kernel[np.arange(rows.stop - first), np.arange(first, rows.stop)] = 0
        np.exp(kernel, out=kernel)
        wide[rows] = kernel @ of_class
        np.square(np.square(kernel, out=kernel), out=kernel)
        narrow[rows] = kernel @ of_class
    return wide, narrow


def _kde_point(sums: NDArray[np.float64], classes: NDArray[np.intp], sizes: NDArray[np.intp]) -> tuple[float, float]:
    """Return I(X; T) and I(T; Y) from kernel sums; the noise's own entropy cancels out of both."""
    whole = -float(np.log(sums.sum(axis=1) / classes.size).mean())
    own = sums[np.arange(classes.size), classes] / sizes[classes]
    return whole, whole + float(np.log(own).mean())


def _point(values: tuple[float, float], ceilings: tuple[float, float], side: str, variance: float) -> PlanePoint:
    name = f"KDE {side} bound, noise variance {variance:g}"
    limit = f"never above ln {round(math.exp(ceilings[0]))}; the noise is the estimator's, not the network's"
    return PlanePoint(
        Information(values[0], ceilings[0], name, limit),
        Information(values[1], ceilings[1], f"difference of two {name}s", _LABEL_LIMIT),
    )
