"""KernelSHAP: Shapley values as a weighted regression that is forced to be complete."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

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
class KernelShap:
    """Least squares fit of an additive model under the Shapley kernel (Lundberg & Lee 2017, theorem 2).

    Masks of `k` segments carry the weight `(n - 1) / (C(n, k) k (n - k))`. They are *drawn* by that weight, so each
    drawn mask counts once, and come in pairs with their complement (Covert & Lee 2021, section 4). Sizes are spread
    over the sample in proportion instead of drawn, and within a size the segments take turns. The sum is constrained to
    f(everything) - f(nothing) (Covert & Lee 2021, equation 7), not merely pulled there by a large weight.

    Parameters
    ----------
    default_masks
        How many masks to aim at when nobody says; at least four for each segment are planned.
    """

    default_masks: int = 128
    name: str = "kernel-shap"

    def default_n_masks(self, n_segments: int) -> int:
        """Return the whole enumeration where that is small, else `max(default_masks, 4 n_segments)`."""
        if 2**n_segments <= self.default_masks:
            return 2**n_segments
        return max(self.default_masks, 4 * n_segments)

    def plan(self, n_segments: int, *, n_masks: int, seed: int) -> Masks:
        """Return the ends, then pairs of a mask and its complement."""
        if n_segments > 0 and 2**n_segments <= n_masks:
            return all_masks(n_segments)
        least = min(2 + 2 * n_segments, 2 ** max(n_segments, 1))
        check_n_masks(self.name, n_segments, n_masks=n_masks, least=least)
        drawn = _draw(n_segments, (n_masks - 2) // 2, seed=seed)
        pairs = np.stack([drawn, ~drawn], axis=1).reshape(-1, n_segments)
        return np.vstack([ends(n_segments), pairs])

    def estimate(self, masks: Masks, scores: Scores) -> Estimate:
        """Return the constrained fit and, for a sample, its standard error."""
        if masks.shape[1] == 1:
            return Estimate(scores[:1] - scores[1:2], exact=True)
        if enumerates(masks):
            relevance, _ = _constrained_fit(masks[2:], scores[2:], _kernel(masks[2:]), ends=scores[:2])
            return Estimate(relevance, exact=True)
        return Estimate(*_constrained_fit(masks[2:], scores[2:], np.ones(len(masks) - 2), ends=scores[:2]))

    def halves(self, masks: Masks) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        """Return every other pair; `None` for an enumeration or when a half could not be fitted."""
        if enumerates(masks) or (len(masks) - 2) // 2 < masks.shape[1]:
            return None
        return alternate_halves(len(masks), block=2)


def _kernel(masks: Masks) -> NDArray[np.float64]:
    n_segments = masks.shape[1]
    size = masks.sum(axis=1)
    log_choose = gammaln(n_segments + 1) - gammaln(size + 1) - gammaln(n_segments - size + 1)
    return (n_segments - 1) / (np.exp(log_choose) * size * (n_segments - size))


def _draw(n_segments: int, n_pairs: int, *, seed: int) -> Masks:
    """Draw `n_pairs` masks whose sizes follow the kernel, summed over all masks of a size: `1 / (k (n - k))`."""
    generator = np.random.default_rng(seed)
    size = np.arange(1, n_segments)
    share = 1.0 / (size * (n_segments - size))
    edges = np.cumsum(share / share.sum())
    sizes = size[np.searchsorted(edges, (np.arange(n_pairs) + generator.random()) / n_pairs).clip(max=n_segments - 2)]
    masks = np.zeros((n_pairs, n_segments), dtype=bool)
    turns = np.empty(0, dtype=np.intp)
    for row, k in enumerate(sizes):
        if turns.size < k:
            turns = np.append(turns, _next_turns(turns, n_segments, generator))
        masks[row, turns[:k]] = True
        turns = turns[k:]
    return masks[generator.permutation(n_pairs)]


def _next_turns(left: NDArray[np.intp], n_segments: int, generator: np.random.Generator) -> NDArray[np.intp]:
    """Return all segments in random order, those still `left` over last, so that no mask takes one twice."""
    order = generator.permutation(n_segments)
    return np.append(order[~np.isin(order, left)], order[np.isin(order, left)])


def _constrained_fit(
    masks: Masks, scores: Scores, weights: NDArray[np.float64], *, ends: Scores
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Minimise `sum_S w_S (f(nothing) + sum_{i in S} phi_i - f(S))^2` with `sum phi = f(everything) - f(nothing)`.

    With `phi = total / n + U beta`, `U` an orthonormal basis of the rows that sum to 0, the constraint falls away.
    """
    n_segments = masks.shape[1]
    total = ends[0] - ends[1]
    basis = np.linalg.qr(np.column_stack([np.ones(n_segments), np.eye(n_segments)[:, 1:]]))[0][:, 1:]
    root = np.sqrt(weights)[:, None]
    design = root * (masks @ basis)
    flat = masks.mean(axis=1)[:, None] * total
    wanted = root * (scores - ends[1] - flat)
    beta, _, rank, _ = np.linalg.lstsq(design, wanted, rcond=None)
    relevance = total / n_segments + basis @ beta
    lever = basis @ np.linalg.pinv(design.T @ design) @ design.T
    return relevance, _paired_error(lever, wanted - design @ beta, rank=int(rank))


def _paired_error(
    lever: NDArray[np.float64], residual: NDArray[np.float64], *, rank: int
) -> NDArray[np.float64] | None:
    """Return the sandwich standard error (White 1980) with a mask and its complement as one draw.

    What the two have in common (interactions of two segments, above all) cancels in the fit, and so it must here.
    """
    n_pairs = residual.shape[0] // 2
    if n_pairs <= rank:
        return None
    pulls = lever[:, :, None] * residual[None, :, :]
    of_pairs = pulls[:, 0::2] + pulls[:, 1::2]
    return np.sqrt(n_pairs / (n_pairs - rank) * (of_pairs**2).sum(axis=1))
