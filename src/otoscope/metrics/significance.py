"""Is one recogniser better than another? Matched pairs of errors in, test statistics and intervals out.

Two tests of the same difference: the matched-pairs sentence-segment word error test (MAPSSWE; Gillick and Cox 1989,
"Some statistical issues in the comparison of speech recognition algorithms", ICASSP; Pallett, Fisher and Fiscus 1990,
"Tools for the analysis of benchmark speech recognition tests", ICASSP) and the bootstrap of differences (Bisani and
Ney 2004, "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP). Where several pairs are
compared, `holm` keeps the chance of any false alarm at the level asked for.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.decoding.edit_distance import EditAlignment
from otoscope.metrics.error_rate import ErrorRate, resampled_counts

N_GOOD = 2
"""Words that both recognise correctly, one after the other, which part two segments (Pallett et al. 1990)."""
ENOUGH_SEGMENTS = 50
"""With fewer segments the normal approximation of MAPSSWE is not to be trusted (Gillick and Cox 1989, section 3)."""


@dataclass(frozen=True)
class MatchedPairs:
    """The outcome of a MAPSSWE test.

    Parameters
    ----------
    n_segments
        Segments in which at least one of the two made an error.
    mean_difference
        Errors of A less errors of B in a segment, on average: positive where A is worse.
    statistic
        Mean difference over its standard error, standard normal if A and B are equally good; `inf` where all segments
        differ by the same amount.
    p_value
        Two-sided; 1 where no segment differs. Where all segments differ alike, that of the exact sign test.
    """

    n_segments: int
    mean_difference: float
    statistic: float
    p_value: float

    @property
    def enough(self) -> bool:
        """Whether there are segments enough for the normal approximation."""
        return self.n_segments >= ENOUGH_SEGMENTS


@dataclass(frozen=True)
class Difference:
    """Bootstrap of the difference between two error rates.

    Parameters
    ----------
    difference
        Rate of A less rate of B: positive where A is worse.
    low, high
        Its percentile interval.
    probability_of_improvement
        Share of resamples in which B made fewer errors than A; ties count half.
    relative, relative_low, relative_high
        Share of A's errors that B avoids, (A - B) / A; 0 where A makes none.
    """

    difference: float
    low: float
    high: float
    probability_of_improvement: float
    relative: float
    relative_low: float
    relative_high: float


def segment_errors(a: EditAlignment, b: EditAlignment, *, n_good: int = N_GOOD) -> list[tuple[int, int]]:
    """Return (errors of A, errors of B) in each segment of one utterance in which either made an error.

    A segment ends where `n_good` or more words of the reference in a row are right in both hypotheses, with nothing
    inserted between them by either; the ends of the utterance end it too.

    Raises
    ------
    BadInput
        The two alignments are not of the same reference, or `n_good` is below 1.

    Examples
    --------
    >>> from otoscope.decoding.edit_distance import align_words
    >>> said = "so my fellow listeners ask not"
    >>> segment_errors(align_words(said, "so my yellow listeners ask"), align_words(said, said))
    [(1, 0), (1, 0)]
    """
    if a.reference != b.reference:
        raise BadInput("matched pairs need the same reference words on both sides")
    if n_good < 1:
        raise BadInput(f"n_good must be 1 or more, got {n_good}")
    errors = np.stack([_errors_by_place(a), _errors_by_place(b)], axis=1)
    segments: list[tuple[int, int]] = []
    open_segment, n_clean = np.zeros(2, dtype=np.int64), 0
    for place, row in enumerate(errors):
        if row.any():
            open_segment, n_clean = open_segment + row, 0
        elif place % 2:  # a word, right in both
            n_clean += 1
        if n_clean >= n_good and open_segment.any():
            segments.append((int(open_segment[0]), int(open_segment[1])))
            open_segment = np.zeros(2, dtype=np.int64)
    if open_segment.any():
        segments.append((int(open_segment[0]), int(open_segment[1])))
    return segments


def _errors_by_place(alignment: EditAlignment) -> NDArray[np.int64]:
    """Return errors at `(2 n + 1,)` places: gap before the first word, first word, gap, …, last word, gap after it."""
    errors = np.zeros(2 * len(alignment.reference) + 1, dtype=np.int64)
    n_before = 0
    for operation in alignment.operations:
        if operation.kind == "insertion":
            errors[2 * n_before] += 1
        else:
            errors[2 * n_before + 1] += operation.kind != "match"
            n_before += 1
    return errors


def matched_pairs(a: Sequence[EditAlignment], b: Sequence[EditAlignment], *, n_good: int = N_GOOD) -> MatchedPairs:
    """Return the MAPSSWE test of two recognisers on the same utterances, in the same order.

    With Z_i the errors of A less those of B in segment i of n (Gillick and Cox 1989, equations 4 to 6):
    μ = Σ Z_i / n, σ² = Σ (Z_i - μ)² / (n - 1), W = μ / (σ / √n), p = 2 P(Z ≥ |W|), Z standard normal.

    Raises
    ------
    BadInput
        The numbers of utterances or their references differ.
    """
    if len(a) != len(b):
        raise BadInput(f"matched pairs need the same utterances, got {len(a)} and {len(b)}")
    pairs = [pair for one, other in zip(a, b, strict=True) for pair in segment_errors(one, other, n_good=n_good)]
    return matched_pairs_of(np.array([x - y for x, y in pairs], dtype=np.float64))


def matched_pairs_of(differences: NDArray[np.float64]) -> MatchedPairs:
    """Return the test of differences `(n_segments,)` that are already counted; see `matched_pairs`.

    Examples
    --------
    >>> matched_pairs_of(np.array([1.0, 0.0, 2.0, 1.0, -1.0, 1.0, 0.0, 1.0])).statistic
    1.9296...
    """
    n = differences.size
    mean = float(differences.mean()) if n else 0.0
    if not differences.any():
        return MatchedPairs(n, mean, 0.0, 1.0)
    deviation = float(differences.std(ddof=1)) if n > 1 else 0.0
    if deviation == 0.0:
        return MatchedPairs(n, mean, math.copysign(math.inf, mean), 2.0 ** (1 - n))
    statistic = mean / (deviation / math.sqrt(n))
    return MatchedPairs(n, mean, statistic, math.erfc(abs(statistic) / math.sqrt(2)))


def bootstrap_difference(
    a: Sequence[ErrorRate],
    b: Sequence[ErrorRate],
    *,
    groups: Sequence[Hashable] | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Difference:
    """Return the bootstrap of the difference between two pooled error rates on the same utterances.

    Both are resampled together, so that what makes an utterance hard for both cancels out (Bisani and Ney 2004).

    Parameters
    ----------
    a, b
        One `ErrorRate` for each utterance, in the same order.
    groups
        The speaker of each utterance: whole speakers are resampled then, else utterances.
    level, n_resamples, seed
        As in `otoscope.metrics.error_rate.bootstrap_interval`.

    Raises
    ------
    BadInput
        Numbers of utterances or of reference words differ; or as `bootstrap_interval`.
    """
    if [rate.n_reference for rate in a] != [rate.n_reference for rate in b]:
        raise BadInput("a difference needs the same utterances and reference words on both sides")
    (errors_a, words), (errors_b, _) = (
        resampled_counts(rates, groups=groups, level=level, n_resamples=n_resamples, seed=seed) for rates in (a, b)
    )
    n_words, sums = sum(rate.n_reference for rate in a), [sum(rate.errors for rate in rates) for rates in (a, b)]
    differences = (errors_a - errors_b) / words
    relative = np.divide(errors_a - errors_b, errors_a, out=np.zeros_like(errors_a), where=errors_a > 0)
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(differences, tails)
    relative_low, relative_high = np.quantile(relative, tails)
    better = float((differences > 0).mean() + (differences == 0).mean() / 2)
    whole = (sums[0] - sums[1]) / sums[0] if sums[0] else 0.0
    edges = float(relative_low), float(relative_high)
    return Difference((sums[0] - sums[1]) / n_words, float(low), float(high), better, whole, *edges)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values corrected for as many tests as there are, in the given order (Holm 1979, step-down).

    Examples
    --------
    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    if any(not 0 <= p <= 1 for p in p_values):
        raise BadInput(f"p-values lie in [0, 1], got {list(p_values)}")
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return tuple(corrected)
