"""DeepLIFT and layer-wise relevance propagation: the score shared out layer by layer, from the output to the features.

What a symbol's score at a frame is worth to a word is not a layer's business: the word's score is one function of them
all (forward-backward sums over paths), so it is shared out by the mean slope on the straight way between the two
outputs, which for a function of one number is Rescale itself. Below the logits each layer has its rule
(`otoscope.nets.propagation`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, NotAble
from otoscope.explainers.gradients.fine_method import FineMethod, Values
from otoscope.explainers.gradients.inputs import Inputs
from otoscope.explainers.gradients.paths import slopes_between

if TYPE_CHECKING:
    from otoscope.nets.shares import Shares

OUTPUT = "logits"


@dataclass(frozen=True)
class Propagation(FineMethod):
    """Shares out the change of the score from the filled recording to this one; a subclass gives `shares`.

    Parameters
    ----------
    n_steps, most_steps
        Slopes of the score in the logits, at first, and at most.
    tolerance
        Of what they miss, as a share of the change of the score.
    """

    n_steps: int = 8
    most_steps: int = 64
    tolerance: float = 0.01

    def shares(self) -> Shares:
        """Return the rule of linear maps."""
        raise NotImplementedError

    def values(self, inputs: Inputs, *, fill: str, seed: int) -> Values:
        """Return what each feature brought, for all targets.

        Raises
        ------
        NotAble
            The recogniser is not open layer by layer, or a layer has no rule: attention, gates, recurrence.
        """
        if not callable(getattr(inputs.recognizer, "propagated", None)):
            raise NotAble(f"{inputs.recognizer.name} is not open layer by layer, as {self.name} needs it")
        filled = inputs.filled(fill, seed=seed)
        both = np.stack([inputs.values, filled])
        ends = inputs.scores(both)
        try:
            way = inputs.recognizer.propagated(
                inputs.recording, inputs.targets[0], both, shares=self.shares(), at=inputs.at, up_to=OUTPUT
            )
        except (NotAble, BadInput) as refused:
            raise NotAble(f"{self.name} cannot go through {inputs.recognizer.name}: {refused}") from refused
        outputs = replace(inputs, at=OUTPUT, values=way.here, frequencies_hz=None)
        above = self._above(outputs, way.reference, ends[0] - ends[1])
        maps = way.back(above) * (inputs.values.astype(np.float64) - filled)
        return Values(maps, ends[0], ends[1])

    def _above(self, outputs: Inputs, reference: NDArray[Any], change: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean slopes of the scores in the logits, `(n_targets, n_rows, n_symbols)`."""
        n_steps, step = self.n_steps, outputs.values.astype(np.float64) - reference
        while True:
            slopes = slopes_between(outputs, reference, n_steps)
            gaps = np.abs((slopes * step).sum((1, 2)) - change)
            if 2 * n_steps > self.most_steps or (gaps <= self.tolerance * np.abs(change)).all():
                return slopes
            n_steps *= 2


@dataclass(frozen=True)
class DeepLift(Propagation):
    """Differences from the filled recording, times Δy / Δx of every layer (Shrikumar, Greenside & Kundaje 2017).

    The rule Rescale. The map adds up to the change of the score.
    """

    name: str = "deeplift"

    def shares(self) -> Shares:
        """Return: as they are."""
        from otoscope.nets.shares import Shares

        return Shares()


@dataclass(frozen=True)
class LayerwiseRelevance(Propagation):
    """Layer-wise relevance propagation from the filled recording (Bach et al. 2015; Montavon et al. 2019).

    Zero is nothing special among natural-log mel powers, so relevance is measured against the filled recording, as in
    deep Taylor decomposition with that root point (Montavon et al. 2017, equation 4): biases take nothing and the map
    adds up to the change of the score, but for what ε takes.

    Parameters
    ----------
    rule, gamma, epsilon
        See `otoscope.nets.shares.Shares`.
    """

    rule: Literal["epsilon", "gamma", "z-plus"] = "gamma"
    gamma: float = 0.25
    epsilon: float = 0.0
    name: str = "lrp"

    def shares(self) -> Shares:
        """Return the rule that was asked for."""
        from otoscope.nets.shares import Shares

        return Shares(self.rule, epsilon=self.epsilon, gamma=self.gamma)
