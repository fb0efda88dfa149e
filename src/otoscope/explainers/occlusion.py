"""Occlusion: a window slides over the recording, and what it hides goes down in the map (Zeiler & Fergus 2014)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core.errors import BadInput
from otoscope.explainers.plan import Estimate, Masks, Scores, check_n_masks, ends


@dataclass(frozen=True)
class Occlusion:
    """Relevance of a segment = mean of f(everything) - f(all but a window) over the windows that cover it.

    Windows of 1, 2, … `widest` neighbouring segments slide in steps of one segment (Zeiler & Fergus 2014, section 4.2,
    slide one square over an image). The wider ones see what `leave-one-out` is blind to, two neighbours that carry
    the same information, and pay for it with blur. Nothing is sampled: it is exact, the same for every seed.

    Parameters
    ----------
    widest
        Segments in the widest window, neighbours in the order of the segments; 1 is `leave-one-out`.

    Examples
    --------
    >>> method = Occlusion(widest=2)
    >>> masks = method.plan(3, n_masks=7, seed=0)
    >>> masks[2:].astype(int).tolist()
    [[0, 1, 1], [1, 0, 1], [1, 1, 0], [0, 0, 1], [1, 0, 0]]
    >>> method.estimate(masks, masks @ np.array([[6.0], [0.0], [0.0]])).relevance.ravel().tolist()
    [6.0, 2.0, 0.0]
    """

    widest: int = 3
    name: str = "occlusion"

    def __post_init__(self) -> None:
        if self.widest < 1:
            raise BadInput(f"the widest window needs at least one segment, got {self.widest}")

    def default_n_masks(self, n_segments: int) -> int:
        """Return 2 for the ends and one for each window."""
        return 2 + sum(n_segments - width + 1 for width in self._widths(n_segments))

    def _widths(self, n_segments: int) -> range:
        return range(1, min(self.widest, n_segments) + 1)

    def plan(self, n_segments: int, *, n_masks: int, seed: int) -> Masks:
        """Return the ends, then all windows from narrow to wide; more masks than that are not needed."""
        check_n_masks(self.name, n_segments, n_masks=n_masks, least=self.default_n_masks(n_segments))
        place = np.arange(n_segments)
        windows = [
            (first <= place) & (place < first + width)
            for width in self._widths(n_segments)
            for first in range(n_segments - width + 1)
        ]
        return np.vstack([ends(n_segments), ~np.array(windows)])

    def estimate(self, masks: Masks, scores: Scores) -> Estimate:
        """Return the mean drops."""
        hidden = ~masks[2:]
        return Estimate(hidden.T @ (scores[0] - scores[2:]) / hidden.sum(axis=0)[:, None], exact=True)

    def halves(self, masks: Masks) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        """Return `None`: nothing is sampled."""
        return None
