"""Grad-CAM: what a convolution heard, weighted by how much the score wants each of its units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otoscope.core import NotAble
from otoscope.explainers.gradients.fine_method import FineMethod, Values
from otoscope.explainers.gradients.inputs import Inputs


@dataclass(frozen=True)
class GradCam(FineMethod):
    """relu(Σ_u mean_t(d score / d A_tu) A_tu) at a convolution (Selvaraju et al. 2017, equations 1 and 2).

    Time is the only axis of place: every unit of the site is a channel. One value a frame, never negative.

    Parameters
    ----------
    site
        Where; by default the last site whose name speaks of a convolution.
    """

    site: str | None = None
    name: str = "grad-cam"

    def values(self, inputs: Inputs, *, fill: str, seed: int) -> Values:
        """Return the weighted sum of the units at each frame."""
        site = self.site or self._last_convolution(inputs)
        activation = inputs.recognizer.trace(inputs.recording, record=[site]).activations[site]
        if activation.grid is None:
            raise NotAble(f"{site} has no frames; grad-cam needs a site that sound passes")
        found = inputs.recognizer.score_at(
            inputs.recording, inputs.targets, activation.values[None], at=site, slopes=True
        )
        weights = found.slopes[0].mean(1, keepdims=True)
        maps = np.maximum(0.0, (weights * activation.values).sum(2, keepdims=True)).astype(np.float64)
        baseline = inputs.scores(inputs.filled(fill, seed=seed)[None])[0]
        return Values(maps, found.scores[0], baseline, activation.grid)

    def _last_convolution(self, inputs: Inputs) -> str:
        sites = inputs.recognizer.sites() if hasattr(inputs.recognizer, "sites") else ()
        names = [site.name for site in sites if "conv" in site.name or "front_end" in site.name]
        if not names:
            raise NotAble(f"{inputs.recognizer.name} has no convolution to look at; take integrated-gradients")
        return names[-1]
