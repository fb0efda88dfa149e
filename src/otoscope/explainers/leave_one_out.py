"""Leave one out: the drop of the score when one segment is filled (occlusion, Zeiler & Fergus 2014, 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.explainers.plan import Estimate, Masks, Scores, check_n_masks, ends


@dataclass(frozen=True)
class LeaveOneOut:
    """Relevance of a segment = f(everything) - f(everything but it).

    Takes `n_segments + 2` evaluations and is exact, but blind where two segments carry the same information: each is
    worth nothing while the other is there.

    Examples
    --------
    >>> method = LeaveOneOut()
    >>> masks = method.plan(2, n_masks=4, seed=0)
    >>> method.estimate(masks, masks @ np.array([[3.0], [-1.0]])).relevance.ravel().tolist()
    [3.0, -1.0]
    """

    name: str = "leave-one-out"

    def default_n_masks(self, n_segments: int) -> int:
        """Return `n_segments + 2`."""
        return n_segments + 2

    def plan(self, n_segments: int, *, n_masks: int, seed: int) -> Masks:
        """Return the ends, then one row for each segment left out; more masks than that are not needed."""
        check_n_masks(self.name, n_segments, n_masks=n_masks, least=n_segments + 2)
        return np.vstack([ends(n_segments), ~np.eye(n_segments, dtype=bool)])

    def estimate(self, masks: Masks, scores: Scores) -> Estimate:
        """Return the drops."""
        return Estimate(scores[0] - scores[2:], exact=True)

    def halves(self, masks: Masks) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        """Return `None`: nothing is sampled."""
        return None
