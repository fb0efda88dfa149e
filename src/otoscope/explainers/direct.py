"""Methods that ask their own questions instead of planning masks, and the one way to get relevance from either kind."""

from __future__ import annotations

from dataclasses import dataclass

from otoscope.core.errors import BadInput, NotAble
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.plan import Estimate, Masks, Method, Scores, ends


@dataclass(frozen=True)
class DirectMethod:
    """A method that asks its own questions instead of planning masks: by slopes, or step by step.

    It is a `Method` whose plan is the two ends; its relevance comes from `look`.
    """

    name: str = ""

    def default_n_masks(self, n_segments: int) -> int:
        """Return 2: the ends."""
        return 2

    def plan(self, n_segments: int, *, n_masks: int, seed: int) -> Masks:
        """Return the ends."""
        if n_segments < 1:
            raise BadInput(f"{self.name} needs at least one segment to explain")
        return ends(n_segments)

    def estimate(self, masks: Masks, scores: Scores) -> Estimate:
        """Refuse: the scores of masked recordings are not what this method goes by."""
        raise NotAble(f"{self.name} asks its own questions; use otoscope.explainers.direct.estimate_of")

    def halves(self, masks: Masks) -> None:
        """Return `None`: there are no halves of what is not sampled from masks."""

    def look(self, score: MaskedScores, *, fill: str, seed: int) -> Estimate:
        """Return the relevance of the segments for the targets of `score`."""
        raise NotImplementedError


def estimate_of(method: Method, score: MaskedScores, masks: Masks, *, fill: str, seed: int) -> Estimate:
    """Return what a method of either kind says: of the scores of its masks, or by its own questions."""
    if isinstance(method, DirectMethod):
        return method.look(score, fill=fill, seed=seed)
    return method.estimate(masks, score(masks, fill=fill))
