"""Encoders of end-to-end recognisers: features in, frames for the output layers out, on an exact grid.

Each maps `(n, n_frames, n_features)` and the frames of each utterance to `(n, n_frames', n_units)` and the new lengths,
and says by `grids` where the frames of its parts lie. `EncoderShape.kind` names them:

=============== ==================================================================================
`dense`         `DenseEncoder`: a context window, dense layers, one recurrent layer (Hannun 2014)
`recurrent`     `RecurrentEncoder`: subsampling and recurrent layers (Amodei 2015; Graves 2013)
`pyramid`       `RecurrentEncoder` whose layers join pairs of frames (Chan 2016)
`convolution`   `ConvolutionEncoder`: convolutions over time only (Collobert 2016)
`transformer`   `AttentionEncoder` of Transformer blocks (Dong 2018)
`conformer`     `AttentionEncoder` of Conformer blocks (Gulati 2020)
=============== ==================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from otoscope.core import BadInput, FrameGrid
from otoscope.nets.conformer import ConformerBlock
from otoscope.nets.convolution import Subsampling, TimeConvolution
from otoscope.nets.masks import chunk_mask, frame_mask
from otoscope.nets.positions import SinusoidalPositions
from otoscope.nets.recurrent import Gru, Lstm, Rnn
from otoscope.nets.taps import Place
from otoscope.nets.transformer import EncoderBlock

CELLS = {"lstm": Lstm, "gru": Gru, "rnn": Rnn}


@dataclass(frozen=True)
class EncoderShape:
    """What fixes an encoder.

    Parameters
    ----------
    kind
        See this module's heading.
    n_units, n_layers
        Width (a direction, where it runs both ways) and depth.
    n_halvings
        How often the number of frames is halved before the layers.
    n_heads, kernel
        Attention heads, and frames of the convolutions.
    cell
        `lstm`, `gru` or `rnn`.
    dropout
        Share of units dropped in training.
    streaming
        Whether later frames are out of sight, beyond the end of a chunk.
    chunk, n_left
        Frames of a chunk (after the halvings), and chunks before it that attention sees; for a streaming conformer.
    """

    kind: str = "recurrent"
    n_units: int = 96
    n_layers: int = 2
    n_halvings: int = 1
    n_heads: int = 4
    kernel: int = 15
    cell: str = "lstm"
    dropout: float = 0.1
    streaming: bool = False
    chunk: int = 8
    n_left: int = 2

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(f"unknown encoder {self.kind!r}; one of {', '.join(KINDS)}")
        if self.cell not in CELLS:
            raise BadInput(f"unknown recurrent cell {self.cell!r}; one of {', '.join(CELLS)}")
        if self.streaming and self.kind not in ("recurrent", "conformer"):
            raise BadInput(f"a {self.kind} encoder sees the whole recording; recurrent and conformer ones can stream")
        if min(self.n_units, self.n_layers, self.n_halvings + 1, self.chunk, self.n_left + 1) < 1:
            raise BadInput(f"an encoder needs sizes above 0, got {self}")

    def build(self, n_features: int) -> Encoder:
        """Return the encoder, its weights drawn from torch's random state."""
        return KINDS[self.kind](n_features, self)


class Encoder(nn.Module):
    """What all encoders have; `n_units` is the width of what comes out."""

    n_units: int

    def grids(self, grid: FrameGrid) -> Mapping[str, FrameGrid]:
        """Return the grid of each part by the beginning of its sites' names; `""` is that of the output."""
        raise NotImplementedError


class DenseEncoder(Encoder):
    """A window of frames, dense layers with clipped ReLU, one recurrent layer both ways, one more dense layer.

    Deep Speech (Hannun et al. 2014, equations 1 to 5), with an LSTM in the place of its simple recurrent units. Sites:
    `dense.0` … `dense.2`, `layer`, `last`.
    """

    REACH = 4

    def __init__(self, n_features: int, shape: EncoderShape) -> None:
        super().__init__()
        self.n_units = shape.n_units
        widths = [n_features, *([shape.n_units] * 3)]
        kernels, strides = (2 * self.REACH + 1, 1, 1), (2**shape.n_halvings, 1, 1)
        self.convolutions = nn.ModuleList(
            TimeConvolution(a, b, kernel, stride=stride)
            for a, b, kernel, stride in zip(widths, widths[1:], kernels, strides, strict=False)
        )
        self.dense = nn.ModuleList(Place() for _ in kernels)
        self.norms = nn.ModuleList(nn.LayerNorm(shape.n_units) for _ in range(5))
        self.layer = CELLS[shape.cell](shape.n_units, shape.n_units, bidirectional=True)
        self.output, self.last = nn.Linear(2 * shape.n_units, shape.n_units), Place()
        self.dropout = nn.Dropout(shape.dropout)

    def grids(self, grid: FrameGrid) -> Mapping[str, FrameGrid]:
        """Return the grids; all parts share one."""
        first = self.convolutions[0]
        assert isinstance(first, TimeConvolution)
        return {"": first.grid(grid)}

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return frames `(n, n_frames', n_units)` and lengths."""
        for convolution, norm, place in zip(self.convolutions, self.norms, self.dense, strict=False):
            out, lengths = convolution(frames, lengths)
            frames = norm(out).clamp(0, 20) * frame_mask(lengths.to(out.device), out.shape[1])
            frames = self.dropout(place(frames, lengths))
        frames, _ = self.layer(frames, lengths)
        frames = self.norms[4](self.output(self.dropout(frames))).clamp(0, 20)
        return self.dropout(self.last(frames, lengths)), lengths


class RecurrentEncoder(Encoder):
    """Convolutional subsampling, then recurrent layers with layer normalisation between them.

    Deep Speech 2 (Amodei et al. 2015, section 3) and the encoder of a transducer (Graves 2013): both ways, or forwards
    where it streams. As a pyramid each layer after the first reads pairs of frames as one (Chan et al. 2016, equation
    5). Sites: `subsampling`, `layers.i`.
    """

    def __init__(self, n_features: int, shape: EncoderShape) -> None:
        super().__init__()
        ways, self.pyramid = (1 if shape.streaming else 2), shape.kind == "pyramid"
        self.n_units = ways * shape.n_units
        self.subsampling = Subsampling(
            n_features, shape.n_units, n_channels=16, n_halvings=shape.n_halvings, causal=shape.streaming
        )
        self.layers, self.norms = nn.ModuleList(), nn.ModuleList()
        n_in = shape.n_units
        for _ in range(shape.n_layers):
            self.layers.append(CELLS[shape.cell](n_in, shape.n_units, bidirectional=not shape.streaming))
            self.norms.append(nn.LayerNorm(self.n_units))
            n_in = self.n_units * (2 if self.pyramid else 1)
        self.dropout = nn.Dropout(shape.dropout)

    def grids(self, grid: FrameGrid) -> Mapping[str, FrameGrid]:
        """Return the grids; in a pyramid each layer has half the frames of the one before."""
        grid = self.subsampling.grid(grid)
        grids = {"subsampling": grid}
        for i in range(len(self.layers)):
            grid = _paired(grid) if self.pyramid and i else grid
            grids[f"layers.{i}"] = grid
        return {**grids, "": grid}

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return frames `(n, n_frames', n_units)` and lengths."""
        frames, lengths = self.subsampling(frames, lengths)
        for i, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            if self.pyramid and i:
                frames = nn.functional.pad(frames, (0, 0, 0, frames.shape[1] % 2)).unflatten(1, (-1, 2)).flatten(2)
                lengths = (lengths + 1) // 2
            out, _ = layer(self.dropout(frames), lengths)
            frames = norm(out) * frame_mask(lengths.to(out.device), out.shape[1])
        return self.dropout(frames), lengths


class ConvolutionEncoder(Encoder):
    """Convolutions over time and nothing else, the last two of kernel 1.

    Wav2Letter (Collobert, Puhrsch & Synnaeve 2016, figure 1), with layer normalisation and residual sums. Sites:
    `stages.i`.
    """

    def __init__(self, n_features: int, shape: EncoderShape) -> None:
        super().__init__()
        self.n_units = shape.n_units
        kernels = [*([shape.kernel] * (shape.n_layers + 1)), 1]
        widths = [n_features, *([shape.n_units] * len(kernels))]
        self.convolutions, self.norms = nn.ModuleList(), nn.ModuleList()
        for i, kernel in enumerate(kernels):
            stride = 2**shape.n_halvings if i == 0 else 1
            self.convolutions.append(TimeConvolution(widths[i], widths[i + 1], kernel, stride=stride))
            self.norms.append(nn.LayerNorm(shape.n_units))
        self.stages = nn.ModuleList(Place() for _ in kernels)
        self.dropout = nn.Dropout(shape.dropout)

    def grids(self, grid: FrameGrid) -> Mapping[str, FrameGrid]:
        """Return the grids: the window grows from layer to layer."""
        grids = {}
        for i, convolution in enumerate(self.convolutions):
            assert isinstance(convolution, TimeConvolution)
            grid = grids[f"stages.{i}"] = convolution.grid(grid)
        return {**grids, "": grid}

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return frames `(n, n_frames', n_units)` and lengths."""
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            out, lengths = convolution(frames, lengths)
            out = torch.relu(norm(out)) * frame_mask(lengths.to(out.device), out.shape[1])
            frames = self.stages[i](frames + self.dropout(out) if i else self.dropout(out), lengths)
        return frames, lengths


class AttentionEncoder(Encoder):
    """Subsampling, then Transformer blocks (pre-norm, absolute positions) or Conformer blocks (relative ones).

    Speech-Transformer (Dong, Xu & Xu 2018); Conformer (Gulati et al. 2020), in chunks where it streams (Zhang et al.
    2020). What the subsampling gives is normalised first, so that in small networks too it weighs as much as positions
    and blocks that are added to it. Sites: `subsampling`, `blocks.i` and those of the blocks.
    """

    def __init__(self, n_features: int, shape: EncoderShape) -> None:
        super().__init__()
        self.n_units, self.shape = shape.n_units, shape
        self.subsampling = Subsampling(
            n_features, shape.n_units, n_channels=16, n_halvings=shape.n_halvings, causal=shape.streaming
        )
        conformer = shape.kind == "conformer"
        self.first_norm = nn.LayerNorm(shape.n_units)
        self.positions = nn.Identity() if conformer else SinusoidalPositions(shape.n_units, scaled=False)
        self.dropout = nn.Dropout(shape.dropout)
        self.blocks = nn.ModuleList(self._block(shape) for _ in range(shape.n_layers))
        self.norm = nn.Identity() if conformer else nn.LayerNorm(shape.n_units)

    @staticmethod
    def _block(shape: EncoderShape) -> nn.Module:
        sizes = {"n_hidden": 4 * shape.n_units, "dropout": shape.dropout}
        if shape.kind == "transformer":
            return EncoderBlock(shape.n_units, shape.n_heads, norm="pre", **sizes)  # type: ignore[arg-type]
        return ConformerBlock(
            shape.n_units,
            shape.n_heads,
            kernel=shape.kernel,
            causal=shape.streaming,
            conv_norm="layer",
            **sizes,  # type: ignore[arg-type]
        )

    def grids(self, grid: FrameGrid) -> Mapping[str, FrameGrid]:
        """Return the grids; all parts share that of the subsampling."""
        return {"": self.subsampling.grid(grid)}

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return frames `(n, n_frames', n_units)` and lengths."""
        frames, lengths = self.subsampling(frames, lengths)
        return self.body(frames, lengths), lengths

    def body(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Run the blocks on subsampled frames; where it streams, the first frame begins a chunk."""
        mask = None
        if self.shape.streaming:
            mask = chunk_mask(frames.shape[1], self.shape.chunk, n_left=self.shape.n_left, device=frames.device)
        frames = self.dropout(self.positions(self.first_norm(frames)))
        for block in self.blocks:
            frames = block(frames, lengths, mask)
        normed: Tensor = self.norm(frames)
        return normed


def _paired(grid: FrameGrid) -> FrameGrid:
    return replace(grid, hop=2 * grid.hop, window=grid.window + grid.hop, n_frames=(grid.n_frames + 1) // 2)


KINDS: Mapping[str, type[Encoder]] = {
    "dense": DenseEncoder,
    "recurrent": RecurrentEncoder,
    "pyramid": RecurrentEncoder,
    "convolution": ConvolutionEncoder,
    "transformer": AttentionEncoder,
    "conformer": AttentionEncoder,
}
"""Encoder of each kind."""
