"""Maps from slopes at, or near, the recording itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otoscope.explainers.gradients.fine_method import FineMethod, Values
from otoscope.explainers.gradients.inputs import Inputs


@dataclass(frozen=True)
class Saliency(FineMethod):
    """|d score / d feature| (Simonyan, Vedaldi & Zisserman 2014, section 3). Never negative, shares out no score."""

    name: str = "saliency"

    def values(self, inputs: Inputs, *, fill: str, seed: int) -> Values:
        """Return the size of each slope."""
        filled = inputs.filled(fill, seed=seed)
        slopes, scores = inputs.mean_slopes([inputs.values], [1.0])
        return Values(np.abs(slopes), scores[0], inputs.scores(filled[None])[0])


@dataclass(frozen=True)
class InputTimesGradient(FineMethod):
    """(x - x') · d score / d x (Shrikumar, Greenside & Kundaje 2017; Ancona et al. 2018, table 1).

    x' are the features of the filled recording: of log power, zero is nothing special.
    """

    name: str = "input-x-gradient"

    def values(self, inputs: Inputs, *, fill: str, seed: int) -> Values:
        """Return each slope times what the fill changes."""
        filled = inputs.filled(fill, seed=seed)
        slopes, scores = inputs.mean_slopes([inputs.values], [1.0], [inputs.values - filled])
        return Values(slopes, scores[0], inputs.scores(filled[None])[0])


@dataclass(frozen=True)
class SmoothGrad(FineMethod):
    """Size of the mean slope under noise (Smilkov et al. 2017, section 3).

    Parameters
    ----------
    n_samples
        Noisy copies.
    spread
        Standard deviation of the noise, as a share of the features' range.
    """

    n_samples: int = 16
    spread: float = 0.1
    name: str = "smooth-grad"
    random = True

    def values(self, inputs: Inputs, *, fill: str, seed: int) -> Values:
        """Return the size of the mean slope."""
        generator = np.random.default_rng([seed, 0x5307])
        sigma = self.spread * float(np.ptp(inputs.values))
        noisy = [inputs.values + sigma * generator.standard_normal(inputs.values.shape) for _ in range(self.n_samples)]
        slopes, _ = inputs.mean_slopes(noisy, [1 / self.n_samples] * self.n_samples)
        ends = inputs.scores(np.stack([inputs.values, inputs.filled(fill, seed=seed)]))
        return Values(np.abs(slopes), ends[0], ends[1])
