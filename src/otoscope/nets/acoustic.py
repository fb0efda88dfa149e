"""A small acoustic model: features → convolutions → bidirectional LSTMs → a score for every symbol at every frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from otoscope.core import BadInput, FrameGrid, Site
from otoscope.nets.masks import frame_mask
from otoscope.nets.taps import Tap


@dataclass(frozen=True)
class AcousticShape:
    """What fixes the network.

    Parameters
    ----------
    n_features, n_symbols
        Columns in and out.
    channels
        Output channels of each 3×3 convolution (time × frequency).
    time_strides
        Step in time of each convolution; their product is the number of feature frames for one output frame.
    n_units, n_layers
        Units a direction and layers of the LSTM (Graves & Schmidhuber 2005).
    dropout
        Share of units dropped after each layer in training.
    """

    n_features: int
    n_symbols: int
    channels: tuple[int, ...] = (16, 32)
    time_strides: tuple[int, ...] = (2, 1)
    n_units: int = 96
    n_layers: int = 2
    dropout: float = 0.2

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", tuple(self.channels))
        object.__setattr__(self, "time_strides", tuple(self.time_strides))
        if len(self.channels) != len(self.time_strides) or not self.channels:
            raise BadInput(f"{len(self.channels)} convolutions have {len(self.time_strides)} time strides")
        if min(self.n_features, self.n_symbols - 1, self.n_units, self.n_layers, *self.time_strides) < 1:
            raise BadInput(f"an acoustic model needs sizes above 0 and two symbols, got {self}")


class Convolution(nn.Module):
    """3×3 convolution over time and frequency (stride 2 in frequency), ReLU and layer normalisation of each frame."""

    def __init__(self, n_in: int, n_out: int, height: int, time_stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, stride=(time_stride, 2), padding=1)
        self.time_stride, self.n_in, self.height = time_stride, n_in, height
        self.height_out = (height - 1) // 2 + 1
        self.n_units = n_out * self.height_out
        self.norm = nn.LayerNorm(self.n_units)

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Map `(n, n_frames, n_in * height)` to `(n, n_frames', n_units)`, with the new lengths; padding is zero."""
        n, n_frames, _ = frames.shape
        image = frames.reshape(n, n_frames, self.n_in, self.height).transpose(1, 2)
        out = torch.relu(self.conv(image)).transpose(1, 2).flatten(2)
        lengths = (lengths - 1) // self.time_stride + 1
        return self.norm(out) * frame_mask(lengths, out.shape[1]), lengths


class BidirectionalLstm(nn.Module):
    """One bidirectional LSTM layer that never sees the padding, and layer normalisation of each frame."""

    def __init__(self, n_in: int, n_units: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(n_in, n_units, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(2 * n_units)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Map `(n, n_frames, n_in)` to `(n, n_frames, 2 * n_units)`; padding is zero."""
        packed = nn.utils.rnn.pack_padded_sequence(frames, lengths.cpu(), batch_first=True, enforce_sorted=False)
        out, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=frames.shape[1])
        return self.norm(out) * frame_mask(lengths, frames.shape[1])


class AcousticModel(nn.Module):
    """Log-mel features to symbol scores, with a named `Tap` after every stage: the names are the public site names."""

    mean: Tensor
    scale: Tensor

    def __init__(self, shape: AcousticShape) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", torch.zeros(shape.n_features))
        self.register_buffer("scale", torch.ones(shape.n_features))
        n_in, height, self.convolutions = 1, shape.n_features, nn.ModuleList()
        for n_out, stride in zip(shape.channels, shape.time_strides, strict=True):
            self.convolutions.append(Convolution(n_in, n_out, height, stride))
            n_in, height = n_out, (height - 1) // 2 + 1
        widths = [n_in * height] + [2 * shape.n_units] * shape.n_layers
        self.encoder = nn.ModuleList(BidirectionalLstm(width, shape.n_units) for width in widths[:-1])
        self.dropout = nn.Dropout(shape.dropout)
        self.head = nn.Linear(widths[-1], shape.n_symbols)
        self.taps = nn.ModuleDict({_key(site.name): Tap() for site in self.sites()})

    def sites(self) -> tuple[Site, ...]:
        """Return the named places, input first."""
        return tuple(self._sites())

    def _sites(self) -> Iterator[Site]:
        yield Site("features", "natural-log mel power", self.shape.n_features)
        height = self.shape.n_features
        for i, n_channels in enumerate(self.shape.channels):
            height = (height - 1) // 2 + 1
            yield Site(f"conv.{i}", "3x3 convolution, ReLU, layer norm; channel-major", n_channels * height)
        for i in range(self.shape.n_layers):
            yield Site(f"encoder.{i}", "bidirectional LSTM, layer norm; forward units first", 2 * self.shape.n_units)
        yield Site("logits", "score of each symbol before the softmax", self.shape.n_symbols)

    def tap(self, site: str) -> nn.Module:
        """Return the identity module at a site.

        Raises
        ------
        BadInput
            There is no such site; the message names those there are.
        """
        if _key(site) not in self.taps:
            raise BadInput(f"no site {site!r} in the network; it has {', '.join(s.name for s in self.sites())}")
        return self.taps[_key(site)]

    def grids(self, grid: FrameGrid) -> dict[str, FrameGrid]:
        """Return where the frames of every site lie, given the grid of the features.

        The window is what the convolutions see; an LSTM carries context from the whole utterance.
        """
        grids = {"features": grid}
        for i, stride in enumerate(self.shape.time_strides):
            grid = grids[f"conv.{i}"] = grid.conv(3, stride=stride, padding=1)
        return grids | {site.name: grid for site in self.sites() if site.name not in grids}

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits `(n, n_frames', n_symbols)` and the frames each utterance has, `(n,)`.

        Parameters
        ----------
        features
            `(n, n_frames, n_features)`; what lies behind an utterance's own frames does not matter.
        lengths
            `(n,)` int64 frames of each utterance, on the CPU.
        """
        features = self.tap("features")(features, lengths)
        x = (features - self.mean) / self.scale * frame_mask(lengths, features.shape[1])
        for i, convolution in enumerate(self.convolutions):
            x, lengths = convolution(x, lengths)
            x = self.dropout(self.tap(f"conv.{i}")(x, lengths))
        for i, layer in enumerate(self.encoder):
            x = self.dropout(self.tap(f"encoder.{i}")(layer(x, lengths), lengths))
        return self.tap("logits")(self.head(x), lengths), lengths


def _key(site: str) -> str:
    return site.replace(".", "_")
