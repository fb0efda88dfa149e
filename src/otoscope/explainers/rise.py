"""RISE: how the score stands, on average, in random recordings that keep a segment (Petsiuk et al. 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core.errors import BadInput
from otoscope.explainers.plan import Estimate, Masks, Scores, alternate_halves, check_n_masks, ends


@dataclass(frozen=True)
class Rise:
    """Relevance of a segment = E[score | it is kept] - E[score] (Petsiuk, Das & Saenko 2018, equation 6).

    Equation 6 weighs each mask that keeps the segment by `1 / (N E[M])`; here `E[M]` is the share of masks that did
    keep it, so that a constant added to the score changes nothing, and the mean of all masks, which all segments have
    in common, is taken off. Of an additive score with `cell = 1` that leaves `(1 - keep)` times each weight: maps of
    RISE are ordered like weights, but do not add up to f(everything) - f(nothing).

    As there (section 3.2), masks are smooth: coin tosses on a coarse grid, shifted at random and interpolated
    linearly. A segment is all there or not at all, so the smooth mask is cut at a random height, which keeps each
    segment with probability `keep` exactly. Masks come in antithetic pairs (complements for `keep = 1/2`), and the
    standard error takes a pair as one draw. The price of smoothness: neighbours of a relevant segment look relevant.

    Parameters
    ----------
    keep
        Probability with which a segment is kept; above 0 and below 1.
    cell
        Segments from one point of the coarse grid to the next, neighbours in the order of the segments; 1 for
        independent tosses.
    default_masks
        How many masks to aim at when nobody says; at least four for each segment are planned.
    """

    keep: float = 0.5
    cell: int = 2
    default_masks: int = 128
    name: str = "rise"

    def __post_init__(self) -> None:
        if not 0 < self.keep < 1:
            raise BadInput(f"keep must be above 0 and below 1, got {self.keep:g}")
        if self.cell < 1:
            raise BadInput(f"a cell needs at least one segment, got {self.cell}")

    def default_n_masks(self, n_segments: int) -> int:
        """Return `max(default_masks, 4 n_segments)`."""
        return max(self.default_masks, 4 * n_segments)

    def plan(self, n_segments: int, *, n_masks: int, seed: int) -> Masks:
        """Return the ends, then antithetic pairs of smooth random masks."""
        check_n_masks(self.name, n_segments, n_masks=n_masks, least=4)
        generator = np.random.default_rng(seed)
        n_pairs = (n_masks - 2) // 2
        tosses = generator.random((n_pairs, (n_segments - 1) // self.cell + 3))
        shifts = generator.integers(self.cell, size=n_pairs)
        heights = generator.random(n_pairs)[:, None]
        first = self._smooth(tosses < self.keep, shifts, n_segments) > heights
        second = self._smooth(tosses >= 1 - self.keep, shifts, n_segments) > 1 - heights
        return np.vstack([ends(n_segments), np.stack([first, second], axis=1).reshape(-1, n_segments)])

    def _smooth(self, grid: NDArray[np.bool_], shifts: NDArray[np.int_], n_segments: int) -> NDArray[np.float64]:
        """Return the grids `(n, n_points)`, shifted and interpolated to `(n, n_segments)` values from 0 to 1."""
        place = np.arange(n_segments) + shifts[:, None]
        point, part = place // self.cell, place % self.cell / self.cell
        left, right = (np.take_along_axis(grid, index, axis=1) for index in (point, point + 1))
        return left * (1 - part) + right * part

    def estimate(self, masks: Masks, scores: Scores) -> Estimate:
        """Return the mean score with each segment less the mean score, and its standard error.

        Raises
        ------
        BadInput
            A segment was kept in all masks, or in none.
        """
        kept, said = masks[2:], scores[2:]
        if not _tells(kept):
            raise BadInput("a segment was kept in all random masks, or in none: ask for more masks")
        share = kept / kept.mean(axis=0)
        with_it = share.T @ said / len(kept)
        relevance = with_it - said.mean(axis=0)
        n_pairs = len(kept) // 2
        if n_pairs < 2:
            return Estimate(relevance)
        return Estimate(relevance, self._error(share, said, with_it))

    def _error(self, share: NDArray[np.float64], said: Scores, with_it: Scores) -> NDArray[np.float64]:
        """Return the standard error of a ratio of means by linearization (Cochran 1977, section 2.11), pair by pair."""
        n_pairs = len(said) // 2
        errors = np.empty_like(with_it)
        for target, (score, mean) in enumerate(zip(said.T, with_it.T, strict=True)):
            pulls = share * (score[:, None] - mean) - (score - score.mean())[:, None]
            of_pairs = (pulls[0 : 2 * n_pairs : 2] + pulls[1 : 2 * n_pairs : 2]) / 2
            errors[:, target] = of_pairs.std(axis=0, ddof=1) / np.sqrt(n_pairs)
        return errors

    def halves(self, masks: Masks) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        """Return every other pair; `None` when a half could not tell some segment from the rest."""
        halves = alternate_halves(len(masks), block=2)
        return halves if halves is not None and all(_tells(masks[rows[2:]]) for rows in halves) else None


def _tells(kept: Masks) -> bool:
    """Whether each segment was sometimes kept, and sometimes not."""
    return bool(kept.any(axis=0).all() and not kept.all(axis=0).any())
