"""Maps from slopes along the way from no sound to the recording: they share out the whole score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.explainers.gradients.fine_method import FineMethod, Values
from otoscope.explainers.gradients.inputs import Inputs

FILLS = ("silence", "mean", "noise")


@dataclass(frozen=True)
class IntegratedGradients(FineMethod):
    """(x - x') times the mean slope on the straight way from x' to x (Sundararajan, Taly & Yan 2017, equation 1).

    The integral is taken by Gauss and Legendre's rule. The number of steps is doubled until what the map adds up to is
    within `tolerance` of the change of the score, or `most_steps` are reached; the gap that is left stands in the map.

    Parameters
    ----------
    n_steps, most_steps
        At first, and at most.
    tolerance
        Share of the change of the score.
    """

    n_steps: int = 32
    most_steps: int = 128
    tolerance: float = 0.02
    name: str = "integrated-gradients"

    def values(self, inputs: Inputs, *, fill: str, seed: int) -> Values:
        """Return the integral for all targets."""
        filled = inputs.filled(fill, seed=seed)
        ends = inputs.scores(np.stack([inputs.values, filled]))
        change = ends[0] - ends[1]
        n_steps = self.n_steps
        while True:
            maps = integral(inputs, filled, n_steps)
            gaps = np.abs(maps.sum((1, 2)) - change)
            if 2 * n_steps > self.most_steps or (gaps <= self.tolerance * np.abs(change)).all():
                return Values(maps, ends[0], ends[1])
            n_steps *= 2


def integral(inputs: Inputs, filled: NDArray[np.float32], n_steps: int) -> NDArray[np.float64]:
    """Return the integrated gradients `(n_targets, n_rows, n_units)` from `filled` to the recording."""
    return slopes_between(inputs, filled, n_steps) * (inputs.values.astype(np.float64) - filled)


def slopes_between(inputs: Inputs, filled: NDArray[np.float32], n_steps: int) -> NDArray[np.float64]:
    """Return the mean slopes `(n_targets, n_rows, n_units)` on the straight way from `filled` to the recording."""
    nodes, weights = np.polynomial.legendre.leggauss(n_steps)
    difference = inputs.values.astype(np.float64) - filled
    values = [filled + (node + 1) / 2 * difference for node in nodes]
    slopes, _ = inputs.mean_slopes(values, (weights / 2).tolist())
    return slopes


@dataclass(frozen=True)
class ExpectedGradients(FineMethod):
    """Integrated gradients from many baselines, one slope each (Erion et al. 2021, equation 4; GradientSHAP).

    Baselines are the recording filled with silence, with noise of its mean spectrum and with noise of its quietest
    frames, in turn and by several seeds; places on the way are spread evenly, each drawn within its own stretch.

    Parameters
    ----------
    n_samples
        Slopes taken.
    n_baselines
        Filled recordings, a multiple of three.
    """

    n_samples: int = 48
    n_baselines: int = 6
    name: str = "expected-gradients"
    random = True

    def values(self, inputs: Inputs, *, fill: str, seed: int) -> Values:
        """Return the expectation for all targets; the baseline score is the mean over the baselines."""
        generator = np.random.default_rng([seed, 0xE6])
        kinds = [(FILLS[i % 3], 1000 * seed + i // 3) for i in range(self.n_baselines)]
        baselines = [inputs.filled(kind, seed=own) for kind, own in kinds]
        chosen = [i % self.n_baselines for i in range(self.n_samples)]
        places = (generator.permutation(self.n_samples) + generator.random(self.n_samples)) / self.n_samples
        differences = [inputs.values.astype(np.float64) - baselines[i] for i in chosen]
        values = [baselines[i] + a * d for i, a, d in zip(chosen, places, differences, strict=True)]
        maps, _ = inputs.mean_slopes(values, [1 / self.n_samples] * self.n_samples, differences)
        ends = inputs.scores(np.stack([inputs.values, *baselines]))
        return Values(maps, ends[0], ends[1:].mean(0))
