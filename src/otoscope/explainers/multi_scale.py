"""Many sizes at once: random groups of neighbours come and go, from single segments to long stretches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core.errors import BadInput
from otoscope.explainers.plan import Estimate, Masks, Scores, alternate_halves, check_n_masks, ends


@dataclass(frozen=True)
class MultiScale:
    """Mean, over several sizes, of what the group around a segment is worth, shared out by the size of the group.

    At each scale `s` the segments are cut into groups of `s` neighbours from a random offset, and each group is kept
    or filled by a fair coin; a mask comes with its complement. What keeping the group of segment `i` does to the
    score is divided by the group's mean size over offsets; the map is the mean over scales. Small groups place what
    is relevant, large ones find what small ones miss because its neighbours carry it too. For an additive score it is
    the mean over scales of the weights averaged with a triangular window of half-width `s`.

    It follows SPES (Fucci et al. 2024) in perturbing groups of several sizes at random and joining the
    maps, and differs from it: there the groups are SLIC superpixels of the spectrogram, cut anew for each size, here
    they are runs of the segments given, in their order (of time, then of frequency); there a mask counts by the
    Kullback-Leibler divergence of the next token, here by the score of the target in nats, with its sign; and there
    the tokens already written are explained too.

    Parameters
    ----------
    scales
        Sizes of groups, rising from 1 or more; those above half the number of segments are left out, all but the
        smallest.
    default_masks
        How many masks to aim at when nobody says; at least four for each segment are planned.
    """

    scales: tuple[int, ...] = (1, 2, 4, 8)
    default_masks: int = 128
    name: str = "multi-scale"

    def __post_init__(self) -> None:
        if not self.scales or self.scales[0] < 1 or list(self.scales) != sorted(set(self.scales)):
            raise BadInput(f"scales must rise, from 1 or more, got {self.scales}")

    def default_n_masks(self, n_segments: int) -> int:
        """Return the ends and the whole rounds of scales within `max(default_masks, 4 n_segments)`, one at least."""
        block = self._block(n_segments)
        return 2 + block * max(1, (max(self.default_masks, 4 * n_segments) - 2) // block)

    def _scales(self, n_segments: int) -> tuple[int, ...]:
        return (self.scales[0], *(s for s in self.scales[1:] if 2 * s <= n_segments))

    def _block(self, n_segments: int) -> int:
        """Return how many masks make a round: a pair for each scale."""
        return 2 * len(self._scales(n_segments))

    def plan(self, n_segments: int, *, n_masks: int, seed: int) -> Masks:
        """Return the ends, then rounds of a pair of masks for each scale, from small to large."""
        scales, block = self._scales(n_segments), self._block(n_segments)
        check_n_masks(self.name, n_segments, n_masks=n_masks, least=2 + block)
        generator = np.random.default_rng(seed)
        place = np.arange(n_segments)
        rows = [ends(n_segments)]
        for _ in range((n_masks - 2) // block):
            for scale in scales:
                group = (place + generator.integers(scale)) // scale
                kept = (generator.random(n_segments + 1) < 0.5)[group]
                rows.append(np.stack([kept, ~kept]))
        return np.vstack(rows)

    def estimate(self, masks: Masks, scores: Scores) -> Estimate:
        """Return the mean over scales, and its standard error where there are two rounds or more.

        Raises
        ------
        BadInput
            The masks are not a plan of this method.
        """
        n_segments = masks.shape[1]
        scales, block = self._scales(n_segments), self._block(n_segments)
        if (len(masks) - 2) % block or len(masks) == 2 or (masks[2::2] == masks[3::2]).any():
            raise BadInput(f"{len(masks)} masks are not whole rounds of {block} masks and complements")
        n_rounds = (len(masks) - 2) // block
        signs = np.where(masks[2::2], 1.0, -1.0).reshape(n_rounds, len(scales), n_segments)
        changes = (scores[2::2] - scores[3::2]).reshape(n_rounds, len(scales), -1)
        size = np.array([_mean_size(n_segments, scale) for scale in scales])
        of_rounds = np.einsum("rsn,rst,sn->rnt", signs, changes, 1 / size) / len(scales)
        error = of_rounds.std(axis=0, ddof=1) / np.sqrt(n_rounds) if n_rounds > 1 else None
        return Estimate(of_rounds.mean(axis=0), error)

    def halves(self, masks: Masks) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        """Return every other round; `None` with fewer than two."""
        return alternate_halves(len(masks), block=self._block(masks.shape[1]))


def _mean_size(n_segments: int, scale: int) -> NDArray[np.float64]:
    """Return how many segments the group of each has, averaged over the offsets; the groups at the ends are cut off.

    Examples
    --------
    >>> _mean_size(4, 2).tolist()
    [1.5, 2.0, 2.0, 1.5]
    """
    place = np.arange(n_segments)
    return np.maximum(0, 1 - np.abs(place[:, None] - place) / scale).sum(axis=1)
