"""How well boundaries in time agree: distances of those that correspond, and how many were found at all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, Tier
from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.decoding.edit_distance import align_sequences

TOLERANCES_S = (0.010, 0.025, 0.050, 0.100)
"""Within how many seconds a boundary is counted as right, by custom of the field."""


@dataclass(frozen=True, eq=False)
class BoundaryError(ByValue):
    """Distances between corresponding boundaries of two tiers.

    Parameters
    ----------
    offsets_s
        `(n_boundaries,)` hypothesis less reference, starts and ends of all intervals that correspond, in order.
    n_reference
        Intervals of the reference.
    """

    offsets_s: NDArray[np.float64]
    n_reference: int

    def __post_init__(self) -> None:
        set_frozen(self, offsets_s=frozen_array(self.offsets_s, n_dims=1, name="offsets_s", dtype=np.float64))

    @property
    def n_intervals(self) -> int:
        """Intervals of the reference that have a counterpart."""
        return self.offsets_s.size // 2

    @property
    def coverage(self) -> float:
        """Share of reference intervals that have a counterpart: report it with every error."""
        return self.n_intervals / self.n_reference if self.n_reference else 1.0

    @property
    def mean_absolute_s(self) -> float:
        """Mean absolute error in seconds; NaN where nothing corresponds."""
        return float(np.abs(self.offsets_s).mean()) if self.offsets_s.size else math.nan

    @property
    def median_absolute_s(self) -> float:
        """Median absolute error in seconds; NaN where nothing corresponds."""
        return float(np.median(np.abs(self.offsets_s))) if self.offsets_s.size else math.nan

    @property
    def bias_s(self) -> float:
        """Mean signed error in seconds: positive where the hypothesis is late; NaN where nothing corresponds."""
        return float(self.offsets_s.mean()) if self.offsets_s.size else math.nan

    def within(self, tolerances_s: Sequence[float] = TOLERANCES_S) -> Mapping[float, float]:
        """Return the share of boundaries no further off than each tolerance; NaN where nothing corresponds.

        Examples
        --------
        >>> dict(BoundaryError(np.array([0.0, 0.02, -0.03, 0.2]), 2).within())
        {0.01: 0.25, 0.025: 0.5, 0.05: 0.75, 0.1: 0.75}
        """
        distances = np.abs(self.offsets_s)
        # A microsecond of grace: sums of binary fractions must not decide what lies *on* the tolerance.
        shares = {t: float((distances <= t + 1e-6).mean()) if distances.size else math.nan for t in tolerances_s}
        return MappingProxyType(shares)


@dataclass(frozen=True)
class BoundaryDetection:
    """How many boundaries were found within a tolerance, one hypothesis for one reference."""

    hits: int
    n_reference: int
    n_hypothesis: int
    tolerance_s: float

    @property
    def recall(self) -> float:
        """Share of reference boundaries found (hit rate); 1 where there are none."""
        return self.hits / self.n_reference if self.n_reference else 1.0

    @property
    def precision(self) -> float:
        """Share of hypothesis boundaries that are right; 1 where there are none."""
        return self.hits / self.n_hypothesis if self.n_hypothesis else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    @property
    def over_segmentation(self) -> float:
        """Hypothesis boundaries over reference boundaries, less 1."""
        if self.n_reference == 0:
            return math.inf if self.n_hypothesis else 0.0
        return self.n_hypothesis / self.n_reference - 1

    @property
    def r_value(self) -> float:
        """1 for a perfect segmentation; unlike F1 it cannot be won by adding boundaries.

        With hit rate HR and over-segmentation OS (Räsänen, Laine and Altosaar 2009, equations 5 to 7):
        `1 - (sqrt((1 - HR)² + OS²) + |(-OS + HR - 1) / sqrt(2)|) / 2`.

        Examples
        --------
        >>> BoundaryDetection(10, 10, 10, 0.02).r_value, round(BoundaryDetection(10, 10, 30, 0.02).r_value, 3)
        (1.0, -0.707)
        """
        missed, surplus = 1 - self.recall, self.over_segmentation
        return 1 - (math.hypot(missed, surplus) + abs(-surplus - missed) / math.sqrt(2)) / 2


def boundary_error(reference: Tier, hypothesis: Tier) -> BoundaryError:
    """Return the distances between the starts and ends of intervals that correspond.

    Intervals correspond where a cheapest alignment of the two rows of labels matches them, so a missing or wrong word
    costs coverage and does not shift the others.

    Examples
    --------
    >>> from otoscope.core import Interval
    >>> said = Tier("words", (Interval(0.0, 0.3, "ask"), Interval(0.3, 0.5, "not")))
    >>> heard = Tier("words", (Interval(0.01, 0.32, "ask"), Interval(0.32, 0.5, "now")))
    >>> error = boundary_error(said, heard)
    >>> round(error.mean_absolute_s, 6), error.coverage
    (0.015, 0.5)
    """
    pairs = align_sequences(reference.labels, hypothesis.labels).matches()
    offsets = [
        (hypothesis[h].start_s - reference[r].start_s, hypothesis[h].end_s - reference[r].end_s) for r, h in pairs
    ]
    return BoundaryError(np.array(offsets, dtype=np.float64).ravel(), len(reference))


def boundary_detection(
    reference_s: ArrayLike, hypothesis_s: ArrayLike, *, tolerance_s: float = 0.02
) -> BoundaryDetection:
    """Return how many reference boundaries have a hypothesis boundary of their own within the tolerance.

    Parameters
    ----------
    reference_s, hypothesis_s
        Times in seconds, in any order; see `boundaries_of`.
    tolerance_s
        Greatest distance of a hit.

    Raises
    ------
    BadInput
        Times that are not finite or not one row, or a negative tolerance.

    Notes
    -----
    The pairing has as many pairs as can be: taking both rows in order and pairing the earliest that meet is optimal,
    since all tolerance windows have one length.

    Examples
    --------
    >>> found = boundary_detection([0.1, 0.5, 0.9], [0.11, 0.115, 0.7, 0.9])
    >>> found.hits, found.precision, round(found.f1, 3)
    (2, 0.5, 0.571)
    """
    rows = [np.sort(np.atleast_1d(np.asarray(times, dtype=np.float64))) for times in (reference_s, hypothesis_s)]
    if any(row.ndim != 1 or not np.isfinite(row).all() for row in rows):
        raise BadInput("boundaries must be one row of finite times in seconds")
    if not tolerance_s >= 0:
        raise BadInput(f"tolerance_s must not be negative, got {tolerance_s}")
    reach = tolerance_s + 1e-6
    reference, hypothesis = rows
    hits = i = j = 0
    while i < reference.size and j < hypothesis.size:
        if abs(reference[i] - hypothesis[j]) <= reach:
            hits, i, j = hits + 1, i + 1, j + 1
        elif reference[i] < hypothesis[j]:
            i += 1
        else:
            j += 1
    return BoundaryDetection(hits, reference.size, hypothesis.size, tolerance_s)


def boundaries_of(tier: Tier) -> NDArray[np.float64]:
    """Return all boundary times of a tier in order, each once: an end that is the next start counts once."""
    return np.unique([time for interval in tier for time in (interval.start_s, interval.end_s)])
