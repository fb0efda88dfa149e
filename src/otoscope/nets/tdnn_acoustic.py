"""A time-delay network: dilated convolutions over time, each layer seeing further than the one below."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from otoscope.core import BadInput, Site
from otoscope.nets.frame_classifier import FrameClassifier, spliced
from otoscope.nets.masks import frame_mask
from otoscope.nets.taps import Place, Tap


@dataclass(frozen=True)
class TdnnShape:
    """What fixes the network.

    Parameters
    ----------
    n_features, n_symbols
        Columns in and out.
    reach
        Frames that the first layer sees on either side.
    n_units
        Width of the layers.
    dilations
        Of each further layer: it sees the frames so far before and behind, and the one between.
    n_prefinal
        Units of the last hidden layer.
    dropout
        Share of what each layer adds that is dropped in training.
    """

    n_features: int
    n_symbols: int
    reach: int = 2
    n_units: int = 384
    dilations: tuple[int, ...] = (3, 3, 3, 3, 6, 6)
    n_prefinal: int = 256
    dropout: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "dilations", tuple(self.dilations))
        if min((self.reach, *self.dilations)) < 0 or min(self.n_units, self.n_prefinal, len(self.dilations)) < 1:
            raise BadInput(f"a time-delay network needs layers, sizes above 0 and no negative dilation, got {self}")


class TdnnAcousticLayer(nn.Module):
    """x + ReLU(W [n(x)[t - d], n(x)[t], n(x)[t + d]] + b), n a layer norm. Site: this module's own name."""

    def __init__(self, n_units: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm, self.linear = nn.LayerNorm(n_units), nn.Linear(3 * n_units, n_units)
        self.dropout, self.tap = nn.Dropout(dropout), Tap()

    def forward(self, frames: Tensor, lengths: Tensor, step: int = 1) -> Tensor:
        """Map `(n, n_frames, n_units)` to the same shape; the row holds every `step`-th frame of the utterance."""
        d, mask = self.dilation // step, frame_mask(lengths.to(frames.device), frames.shape[1])
        own = self.norm(frames) * mask
        found = self.dropout(torch.relu(self.linear(spliced(own, (-d, 0, d)))))
        out: Tensor = self.tap((frames + found) * mask, lengths)
        return out


class TdnnAcoustic(FrameClassifier):
    """Dilated convolutions (Waibel et al. 1989; Peddinti et al. 2015), each added to its input (He et al. 2016).

    Peddinti et al. let the upper layers see every third frame only, since neighbours tell nearly the same. So does
    this network, by dilations that are multiples of three: then every third frame can be scored by itself, at a third
    of the cost, to the same scores.
    """

    shape: TdnnShape

    def __init__(self, shape: TdnnShape) -> None:
        super().__init__(shape)
        n_units = shape.n_units
        self.widen = nn.Linear((2 * shape.reach + 1) * shape.n_features, n_units)
        self.tdnn = nn.ModuleList(TdnnAcousticLayer(n_units, d, shape.dropout) for d in shape.dilations)
        self.norm, self.narrow = nn.LayerNorm(n_units), nn.Linear(n_units, shape.n_prefinal)
        self.prefinal, self.head = Place(), nn.Linear(shape.n_prefinal, shape.n_symbols)

    def body(self, frames: Tensor, lengths: Tensor, step: int) -> Tensor:
        """Score every `step`-th frame.

        Raises
        ------
        BadInput
            A dilation is no multiple of the step.
        """
        if any(dilation % step for dilation in self.shape.dilations):
            raise BadInput(f"dilations {self.shape.dilations} are no multiples of {step}; score every frame")
        n_scored = (lengths + step - 1) // step
        x = torch.relu(self.widen(spliced(frames, range(-self.shape.reach, self.shape.reach + 1), step)))
        x = x * frame_mask(n_scored.to(x.device), x.shape[1])
        for layer in self.tdnn:
            x = layer(x, n_scored, step)
        scores: Tensor = self.head(self.prefinal(torch.relu(self.narrow(self.norm(x))), n_scored))
        return scores

    def inner_sites(self) -> tuple[Site, ...]:
        """Return the layers."""
        what = "layer norm, dilated convolution, ReLU, added to its input"
        layers = [Site(f"tdnn.{i}", what, self.shape.n_units) for i in range(len(self.shape.dilations))]
        return (*layers, Site("prefinal", "layer norm, linear map, ReLU", self.shape.n_prefinal))

    @property
    def reach(self) -> int:
        """Frames on either side that can change a score, the mean over the utterance apart."""
        return self.shape.reach + sum(self.shape.dilations)
