"""A multilayer perceptron over a window of frames: the acoustic model of hybrid recognisers from 1989 to 2012."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from otoscope.core import BadInput, Site
from otoscope.nets.feedforward import Mlp
from otoscope.nets.frame_classifier import FrameClassifier, spliced


@dataclass(frozen=True)
class MlpShape:
    """What fixes the network.

    Parameters
    ----------
    n_features, n_symbols
        Columns in and out.
    reach
        Frames seen on either side of the one that is scored.
    n_hidden
        Units of each hidden layer.
    activation
        Name in `otoscope.nets.activations.ACTIVATIONS`.
    dropout
        Share of hidden units dropped in training.
    """

    n_features: int
    n_symbols: int
    reach: int = 7
    n_hidden: tuple[int, ...] = (512, 512, 512, 512)
    activation: str = "relu"
    dropout: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_hidden", tuple(self.n_hidden))
        if self.reach < 0 or not self.n_hidden:
            raise BadInput(f"a perceptron needs reach >= 0 and a hidden layer at least, got {self}")


class MlpAcoustic(FrameClassifier):
    """Splice, hidden layers, scores (Bourlard & Morgan 1994; Hinton et al. 2012, figure 1, without pre-training).

    Rectified units took the place of sigmoids with Dahl, Sainath & Hinton (2013).
    """

    shape: MlpShape

    def __init__(self, shape: MlpShape) -> None:
        super().__init__(shape)
        n_in = shape.n_features * (2 * shape.reach + 1)
        sizes = (n_in, *shape.n_hidden, shape.n_symbols)
        self.mlp = Mlp(sizes, activation=shape.activation, dropout=shape.dropout)

    def body(self, frames: Tensor, lengths: Tensor, step: int) -> Tensor:
        """Score every `step`-th frame from its window."""
        window = spliced(frames, range(-self.shape.reach, self.shape.reach + 1), step)
        scores: Tensor = self.mlp(window, (lengths + step - 1) // step)
        return scores

    def inner_sites(self) -> tuple[Site, ...]:
        """Return the hidden layers."""
        what = f"hidden layer, {self.shape.activation}"
        return tuple(Site(f"mlp.hidden.{i}", what, n) for i, n in enumerate(self.shape.n_hidden))
