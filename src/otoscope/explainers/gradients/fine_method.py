"""What every method that looks inside shares: it needs no masks, and its fine map is summed into segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import FrameGrid, NotAble, Recognizer, Recording, Target
from otoscope.explainers.direct import DirectMethod
from otoscope.explainers.gradients.fine_map import FineMap
from otoscope.explainers.gradients.inputs import Inputs, inputs_of
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.plan import Estimate


@dataclass(frozen=True)
class FineMethod(DirectMethod):
    """Makes one `FineMap` a target; a subclass gives `values`."""

    random = False
    """Whether another seed gives another map."""

    def values(self, inputs: Inputs, *, fill: str, seed: int) -> Values:
        """Return the maps of all targets."""
        raise NotImplementedError

    def maps(
        self, recognizer: Recognizer, recording: Recording, targets: Sequence[Target], *, fill: str, seed: int
    ) -> tuple[FineMap, ...]:
        """Return the fine map of each target.

        Parameters
        ----------
        recognizer, recording, targets
            Who listens to what, and is asked about what.
        fill
            What stands for "no sound": features of the recording filled with it are the baseline.
        seed
            Of whatever is drawn.

        Raises
        ------
        NotAble
            The recogniser is not `Substituting`, or lacks what the method looks at.
        """
        inputs = inputs_of(recognizer, recording, targets, method=self.name)
        found = self.values(inputs, fill=fill, seed=seed)
        grid = found.grid or inputs.grid
        bands = inputs.frequencies_hz if found.grid is None else None
        return tuple(
            FineMap(found.maps[k], grid, bands, float(found.scores[k]), float(found.baseline_scores[k]), self.name)
            for k in range(len(targets))
        )

    def look(self, score: MaskedScores, *, fill: str, seed: int) -> Estimate:
        """Return the maps' sums over the segments."""
        maps = self.maps(score.recognizer, score.recording, score.targets, fill=fill, seed=seed)
        duration_s = score.recording.duration_s
        sums = [each.summed(score.segments, duration_s=duration_s) for each in maps]
        return Estimate(np.stack(sums, axis=1), exact=not self.random)


@dataclass(frozen=True)
class Values:
    """Maps of all targets `(n_targets, n_frames, n_units)`, their scores and baseline scores `(n_targets,)`.

    `grid` where the map does not lie on the features' own.
    """

    maps: NDArray[np.float64]
    scores: NDArray[np.float64]
    baseline_scores: NDArray[np.float64]
    grid: FrameGrid | None = None


def fine_maps(
    recognizer: Recognizer,
    recording: Recording,
    targets: Sequence[Target],
    *,
    method: str = "integrated-gradients",
    fill: str = "silence",
    seed: int = 0,
) -> tuple[FineMap, ...]:
    """Return a map of each target as fine as the features, by a method that looks inside.

    Raises
    ------
    NotAble
        The method does not look inside, or the recogniser cannot be looked into.
    """
    from otoscope.explainers import method as method_named

    chosen = method_named(method)
    if not isinstance(chosen, FineMethod):
        raise NotAble(f"{method} makes no map finer than segments; take integrated-gradients, for one")
    return chosen.maps(recognizer, recording, targets, fill=fill, seed=seed)
