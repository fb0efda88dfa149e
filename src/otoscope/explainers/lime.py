"""LIME: a locally weighted ridge regression on which segments are kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.explainers.plan import Estimate, Masks, Scores, alternate_halves, check_n_masks, ends


@dataclass(frozen=True)
class Lime:
    """Slopes of a linear model fitted near the whole recording (Ribeiro et al. 2016, equation 2).

    Each segment is kept with probability 1/2. A mask that keeps a share `q` of the segments lies at cosine distance
    `d = 1 - sqrt(q)` from the whole recording and weighs `exp(-d^2 / width^2)`. The intercept is free and not
    penalised, so the slopes need not add up to f(everything) - f(nothing).

    Parameters
    ----------
    width
        Kernel width; 0.25 as the method's authors use for images.
    ridge
        Penalty on squared slopes, added to the diagonal of the normal equations.
    default_masks
        How many masks to aim at when nobody says; at least four for each segment are planned.
    """

    width: float = 0.25
    ridge: float = 0.1
    default_masks: int = 128
    name: str = "lime"

    def default_n_masks(self, n_segments: int) -> int:
        """Return `max(default_masks, 4 n_segments)`."""
        return max(self.default_masks, 4 * n_segments)

    def plan(self, n_segments: int, *, n_masks: int, seed: int) -> Masks:
        """Return the ends, then fair coin tosses."""
        check_n_masks(self.name, n_segments, n_masks=n_masks, least=4)
        tosses = np.random.default_rng(seed).random((n_masks - 2, n_segments)) < 0.5
        return np.vstack([ends(n_segments), tosses])

    def weights(self, masks: Masks) -> NDArray[np.float64]:
        """Return the kernel weight of each mask, `(n_masks,)`."""
        distance = 1 - np.sqrt(masks.mean(axis=1))
        return np.exp(-(distance**2) / self.width**2)

    def estimate(self, masks: Masks, scores: Scores) -> Estimate:
        """Return the slopes, and their standard error under the fitted noise."""
        weights = self.weights(masks)
        share = weights / weights.sum()
        design = masks - share @ masks
        wanted = scores - share @ scores
        gram = design.T @ (weights[:, None] * design) + self.ridge * np.eye(masks.shape[1])
        inverse = np.linalg.inv(gram)
        relevance = inverse @ (design.T @ (weights[:, None] * wanted))
        return Estimate(relevance, self._error(masks, scores, relevance, inverse))

    def _error(
        self, masks: Masks, scores: Scores, relevance: NDArray[np.float64], inverse: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        """Return the sandwich standard error (White 1980): the weights are a choice of place, not of precision."""
        freedom = len(masks) - masks.shape[1] - 1
        if freedom <= 0:
            return None
        weights = self.weights(masks)
        share = weights / weights.sum()
        design = masks - share @ masks
        residual = scores - share @ scores - design @ relevance
        lever = inverse @ (weights[:, None] * design).T
        return np.sqrt(len(masks) / freedom * (lever**2) @ residual**2)

    def halves(self, masks: Masks) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        """Return every other mask."""
        return alternate_halves(len(masks), block=1)
