"""Long short-term memories over frames: the acoustic model of hybrid recognisers around 2014."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from otoscope.core import BadInput, Site
from otoscope.nets.frame_classifier import FrameClassifier
from otoscope.nets.recurrent import Lstm


@dataclass(frozen=True)
class LstmShape:
    """What fixes the network.

    Parameters
    ----------
    n_features, n_symbols
        Columns in and out.
    n_units, n_layers
        Units a direction, and layers.
    bidirectional
        Whether each layer also runs backwards (Graves, Jaitly & Mohamed 2013).
    dropout
        Share of units dropped in training, after each layer.
    """

    n_features: int
    n_symbols: int
    n_units: int = 256
    n_layers: int = 3
    bidirectional: bool = True
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if min(self.n_units, self.n_layers) < 1:
            raise BadInput(f"a recurrent network needs units and layers, got {self}")


class LstmAcoustic(FrameClassifier):
    """LSTM layers with a layer norm behind each, and a linear map (Graves et al. 2013; Sak, Senior & Beaufays 2014)."""

    shape: LstmShape

    def __init__(self, shape: LstmShape) -> None:
        super().__init__(shape)
        n_out = shape.n_units * (2 if shape.bidirectional else 1)
        widths = [shape.n_features] + [n_out] * (shape.n_layers - 1)
        self.lstm = nn.ModuleList(Lstm(n, shape.n_units, bidirectional=shape.bidirectional) for n in widths)
        self.norms = nn.ModuleList(nn.LayerNorm(n_out) for _ in widths)
        self.dropout, self.head = nn.Dropout(shape.dropout), nn.Linear(n_out, shape.n_symbols)

    def body(self, frames: Tensor, lengths: Tensor, step: int) -> Tensor:
        """Score every `step`-th frame; the memory runs over all of them."""
        for layer, norm in zip(self.lstm, self.norms, strict=True):
            frames = self.dropout(norm(layer(frames, lengths)[0]))
        scores: Tensor = self.head(frames[:, ::step])
        return scores

    def inner_sites(self) -> tuple[Site, ...]:
        """Return the layers."""
        shape = self.shape
        what = "long short-term memory" + (", both ways; forward units first" if shape.bidirectional else "")
        n_out = shape.n_units * (2 if shape.bidirectional else 1)
        return tuple(Site(f"lstm.{i}", what, n_out) for i in range(shape.n_layers))
