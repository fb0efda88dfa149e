"""Bubbles: noise everywhere but in a few random places; where must one hear through? (Mandel, Yoho & Healy 2016)."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from otoscope.core.errors import BadInput
from otoscope.explainers.plan import Estimate, Masks, Scores, alternate_halves, check_n_masks, ends


@dataclass(frozen=True)
class Bubbles:
    """What hearing a segment adds to the score while little else is heard, in nats.

    Mandel, Yoho & Healy (2016) drown speech in noise with random holes in time and frequency, "bubbles", and correlate
    what is audible with whether listeners got the word, point by point over many mixtures. Here a bubble is a segment
    that is kept: take `segments="cells"` or `"superpixels"` and `fill="noise"`. A score in nats stands for right or
    wrong, so the relevance is the *slope* of the score's regression on the audibility of the segment (for two values,
    the mean score with it less the mean score without); the point-biserial correlation itself, which has no unit, is
    `correlation`. The two have the same sign and, as all segments are kept equally often, the same order.

    Unlike `leave-one-out`, it asks what is enough, not what is missed. Of an additive score the slope is the weight.

    Parameters
    ----------
    share
        Share of the masks in which a segment is kept; above 0 and at most 1/2.
    default_masks
        How many masks to aim at when nobody says; at least four for each segment are planned.
    """

    share: float = 0.2
    default_masks: int = 128
    name: str = "bubbles"

    def __post_init__(self) -> None:
        if not 0 < self.share <= 0.5:
            raise BadInput(f"share must be above 0 and at most 0.5, got {self.share:g}")

    def default_n_masks(self, n_segments: int) -> int:
        """Return `max(default_masks, 4 n_segments)`, or the least that `share` allows."""
        return max(self.default_masks, 4 * n_segments, self._least())

    def _least(self) -> int:
        return 2 + 2 * ceil(1 / self.share)

    def plan(self, n_segments: int, *, n_masks: int, seed: int) -> Masks:
        """Return the ends, then bubbles: each segment is kept equally often, when is left to chance.

        Odd and even rows are two such samples, so that both halves hear every segment.
        """
        check_n_masks(self.name, n_segments, n_masks=n_masks, least=self._least())
        generator = np.random.default_rng(seed)
        n_half = (n_masks - 2) // 2
        n_kept = max(1, round(self.share * n_half))
        halves = [generator.random((n_half, n_segments)).argsort(axis=0) < n_kept for _ in range(2)]
        return np.vstack([ends(n_segments), np.stack(halves, axis=1).reshape(-1, n_segments)])

    def estimate(self, masks: Masks, scores: Scores) -> Estimate:
        """Return the slopes, and their standard error without assuming equal spread (White 1980)."""
        kept, said = masks[2:], scores[2:] - scores[2:].mean(axis=0)
        with_it, without = _means(kept, said), _means(~kept, said)
        error = np.sqrt(_spread(kept, said, with_it) + _spread(~kept, said, without))
        return Estimate(with_it - without, error * np.sqrt(len(kept) / (len(kept) - 2)))

    def correlation(self, masks: Masks, scores: Scores) -> NDArray[np.float64]:
        """Return the point-biserial correlation of each segment with each target's score; 0 for a flat score."""
        slope = self.estimate(masks, scores).relevance
        spread = scores[2:].std(axis=0)
        return slope * masks[2:].std(axis=0)[:, None] / np.where(spread > 0, spread, 1.0)

    def halves(self, masks: Masks) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        """Return every other mask."""
        return alternate_halves(len(masks), block=1)


def _means(chosen: Masks, scores: Scores) -> NDArray[np.float64]:
    """Return the mean score of the masks chosen for each segment, `(n_segments, n_targets)`."""
    count = chosen.sum(axis=0)
    if not count.all():
        raise BadInput("a segment was kept in all random masks, or in none: ask for more masks")
    return chosen.T @ scores / count[:, None]


def _spread(chosen: Masks, scores: Scores, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the summed squared deviation of the chosen from their mean over their squared count."""
    count = chosen.sum(axis=0)[:, None]
    return np.maximum(0.0, chosen.T @ scores**2 / count - mean**2) / count
