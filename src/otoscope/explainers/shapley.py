"""Shapley values by sampled orders, stratified by position, each with its reverse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from otoscope.core.errors import BadInput
from otoscope.explainers.plan import (
    Estimate,
    Masks,
    Scores,
    all_masks,
    alternate_halves,
    check_n_masks,
    ends,
    enumerates,
)


@dataclass(frozen=True)
class Shapley:
    """Mean rise of the score when a segment joins those before it, over orders in which segments are put back.

    The estimator of Castro et al. 2009 (algorithm 1) with antithetic orders: each order comes with its reverse
    (Mitchell et al. 2022, section 4.2), which cancels what is linear in the position; and over all orders each segment
    stands about once in each stretch of positions (a Latin hypercube: McKay et al. 1979), because what a segment adds
    depends most on how many are there before it. Every order shares out exactly
    f(everything) - f(nothing), so the completeness gap is rounding only. When the masks allow it, all `2^n` of them are
    scored and the value is exact (Shapley 1953).

    Parameters
    ----------
    default_masks
        How many masks to aim at when nobody says; at least two pairs of orders are planned.
    """

    default_masks: int = 128
    name: str = "shapley"

    def default_n_masks(self, n_segments: int) -> int:
        """Return the whole enumeration where that is small, else whole pairs within `default_masks`, two at least."""
        if 2**n_segments <= self.default_masks:
            return 2**n_segments
        pair = 2 * (n_segments - 1)
        return 2 + pair * max(2, (self.default_masks - 2) // pair)

    def plan(self, n_segments: int, *, n_masks: int, seed: int) -> Masks:
        """Return the ends, then for each order the sets of its first 1, 2, … n - 1 segments."""
        if n_segments > 0 and 2**n_segments <= n_masks:
            return all_masks(n_segments)
        pair = 2 * (n_segments - 1)
        check_n_masks(self.name, n_segments, n_masks=n_masks, least=min(2 + pair, 2 ** max(n_segments, 1)))
        generator = np.random.default_rng(seed)
        rows = [ends(n_segments)]
        for order in _stratified_orders(n_segments, (n_masks - 2) // pair, generator):
            rows += [_prefixes(order), _prefixes(order[::-1])]
        return np.vstack(rows)

    def estimate(self, masks: Masks, scores: Scores) -> Estimate:
        """Return the mean over pairs of orders, and its standard error where there are two pairs or more.

        Raises
        ------
        BadInput
            The masks are not a plan of this method.
        """
        if enumerates(masks):
            return Estimate(_exact(masks, scores), exact=True)
        shares = _shares_of_pairs(masks, scores)
        n_pairs = len(shares)
        error = shares.std(axis=0, ddof=1) / np.sqrt(n_pairs) if n_pairs > 1 else None
        return Estimate(shares.mean(axis=0), error)

    def halves(self, masks: Masks) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        """Return every other pair of orders; `None` for an enumeration or a single pair."""
        return None if enumerates(masks) else alternate_halves(len(masks), block=2 * (masks.shape[1] - 1))


def _stratified_orders(n_segments: int, n_orders: int, generator: np.random.Generator) -> NDArray[np.intp]:
    """Return orders `(n_orders, n_segments)` that with their reverses put each segment once in each stratum.

    The positions are cut into `2 n_orders` strata. Each segment draws, for each order, a stratum and its mirror image
    without repeating one; which of the two it takes in the order, and which in its reverse, is left to chance.
    """
    strata = np.argsort(generator.random((n_orders, n_segments)), axis=0)
    places = (strata + generator.random((n_orders, n_segments))) / (2 * n_orders)
    mirrored = generator.random((n_orders, n_segments)) < 0.5
    return np.argsort(np.where(mirrored, 1 - places, places), axis=1)


def _prefixes(order: NDArray[np.intp]) -> Masks:
    """Return the sets of the first 1 … n - 1 segments of an order, `(n - 1, n)`."""
    rank = np.empty(order.size, dtype=np.intp)
    rank[order] = np.arange(order.size)
    return rank[None, :] < np.arange(1, order.size)[:, None]


def _shares_of_pairs(masks: Masks, scores: Scores) -> NDArray[np.float64]:
    """Return what each pair of orders gives to each segment, `(n_pairs, n_segments, n_targets)`."""
    n_segments, n_targets = masks.shape[1], scores.shape[1]
    n_orders, rest = divmod(len(masks) - 2, n_segments - 1)
    if rest or n_orders % 2 or n_orders == 0:
        raise BadInput(f"{len(masks)} masks are not whole pairs of orders of {n_segments} segments")
    first, last = scores[1], scores[0]
    shares = np.empty((n_orders, n_segments, n_targets))
    for index in range(n_orders):
        rows = slice(2 + index * (n_segments - 1), 2 + (index + 1) * (n_segments - 1))
        chain = np.vstack([masks[1:2], masks[rows], masks[0:1]])
        joins = chain[1:] & ~chain[:-1]
        if not (joins.sum(axis=1) == 1).all() or (chain[:-1] & ~chain[1:]).any():
            raise BadInput("the masks of an order must each add one segment to the one before")
        rises = np.diff(np.vstack([first, scores[rows], last]), axis=0)
        shares[index, joins.argmax(axis=1)] = rises
    return (shares[0::2] + shares[1::2]) / 2


def _exact(masks: Masks, scores: Scores) -> NDArray[np.float64]:
    """Return the Shapley value by its definition: sum over sets S without i of |S|!(n-|S|-1)!/n! (f(S + i) - f(S))."""
    n_segments = masks.shape[1]
    sizes = masks.sum(axis=1)
    powers = 1 << np.arange(n_segments)
    row_of = np.empty(2**n_segments, dtype=np.intp)
    row_of[masks @ powers] = np.arange(len(masks))
    relevance = np.empty((n_segments, scores.shape[1]))
    for segment in range(n_segments):
        without = ~masks[:, segment]
        joined = row_of[masks[without] @ powers + powers[segment]]
        size = sizes[without]
        weight = np.exp(gammaln(size + 1) + gammaln(n_segments - size) - gammaln(n_segments + 1))
        relevance[segment] = weight @ (scores[joined] - scores[without])
    return relevance
