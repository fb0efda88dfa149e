"""Smoothing rules: counts of n-grams in, what each keeps of its count and what it frees for unseen words out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.lexicon.ngram.counting import NGramCounts

Shares = tuple[NDArray[np.float64], NDArray[np.float64]]
"""`(n_ngrams,)` each: the part of its count that an n-gram keeps, and the part it frees for words not seen."""


def kneser_ney(counts: NGramCounts, order: int) -> Shares:
    """Return kept and freed counts under interpolated modified Kneser–Ney smoothing.

    Chen and Goodman (1999), section 4.1.6: below the highest order an n-gram counts by the number of different words
    before it, except after a sentence start, where nothing stands before it; discounts follow their equation 26.

    Raises
    ------
    BadInput
        The text is so small or so artificial that a discount cannot be estimated.
    """
    adjusted = _adjusted_counts(counts, order)
    n_of = np.bincount(adjusted, minlength=5)[:5].astype(float)
    if not n_of[1:4].all():
        absent = 1 + int(np.argmin(n_of[1:4] > 0))
        raise BadInput(
            f"Kneser-Ney smoothing needs {order}-grams that stand {absent} times in the text, and there are none: "
            "give more text, or smoothing='witten-bell'"
        )
    y = n_of[1] / (n_of[1] + 2 * n_of[2])
    discounts = np.array([0.0, *(k - (k + 1) * y * n_of[k + 1] / n_of[k] for k in (1, 2, 3))])
    if (discounts < 0).any() or (discounts > np.arange(4)).any():
        raise BadInput(
            f"Kneser-Ney discounts of {order}-grams came out as {discounts[1:].round(3).tolist()}, outside 0 to their "
            "count: the text is no natural text; try smoothing='witten-bell'"
        )
    freed = discounts[np.minimum(adjusted, 3)]
    return adjusted - freed, freed


def witten_bell(counts: NGramCounts, order: int) -> Shares:
    """Return kept and freed counts under Witten–Bell smoothing: each kind of word seen frees a count of 1.

    Witten and Bell (1991), method C, interpolated; Chen and Goodman (1999), section 2.5.
    """
    count = counts.count[counts.level(order)].astype(float)
    if order == 1:
        count[counts.n_words - 1] = 0.0  # the sentence start is never foretold
    return count, (count > 0).astype(float)


SMOOTHING: Mapping[str, Callable[[NGramCounts, int], Shares]] = {"kneser-ney": kneser_ney, "witten-bell": witten_bell}


def _adjusted_counts(counts: NGramCounts, order: int) -> NDArray[np.int64]:
    level = counts.level(order)
    if order == counts.order:
        adjusted = counts.count[level].astype(np.int64)
    else:
        longer = counts.suffix[counts.level(order + 1)] - level.start
        adjusted = np.bincount(longer, minlength=level.stop - level.start)
        adjusted = np.where(counts.starts[level], counts.count[level], adjusted)
    if order == 1:
        adjusted[counts.n_words - 1] = 0  # the sentence start is never foretold
    return adjusted
