"""A time-delay network that looks far back and hardly ahead: for listening while speech goes on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.nets.masks import frame_mask


@dataclass(frozen=True)
class CausalTdnnShape:
    """What fixes the network.

    Parameters
    ----------
    n_features, n_symbols
        Columns in and out.
    reach
        Frames that the first layer sees on either side.
    n_units
        Width of the layers.
    offsets
        Of each further layer: which frames it sees, relative to its own.
    dropout
        Share of what each layer adds that is dropped in training.
    """

    n_features: int
    n_symbols: int
    reach: int = 3
    n_units: int = 256
    offsets: tuple[tuple[int, ...], ...] = ((-3, 0, 3), (-6, -3, 0), (-12, -6, 0), (-18, -9, 0), (-24, -12, 0))
    dropout: float = 0.05

    def __post_init__(self) -> None:
        object.__setattr__(self, "offsets", tuple(tuple(own) for own in self.offsets))
        if min(self.n_features, self.n_symbols - 1, self.n_units, len(self.offsets)) < 1 or self.reach < 0:
            raise BadInput(f"a time-delay network needs features, two symbols, units and layers, got {self}")

    @property
    def look_ahead(self) -> int:
        """Frames after a frame that can change its scores."""
        return self.reach + sum(max(0, *own) for own in self.offsets)

    @property
    def look_back(self) -> int:
        """Frames before a frame that can change its scores, features apart."""
        return self.reach + sum(max(0, *(-offset for offset in own)) for own in self.offsets)


class CausalTdnnLayer(nn.Module):
    """x + V ReLU(W [n(x)[t + o] for each offset o] + b), n a layer norm; zero outside the utterance."""

    def __init__(self, n_units: int, offsets: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        self.offsets = offsets
        self.norm, self.splice = nn.LayerNorm(n_units), nn.Linear(len(offsets) * n_units, n_units)
        self.add, self.dropout = nn.Linear(n_units, n_units), nn.Dropout(dropout)

    def forward(self, frames: Tensor, mask: Tensor, step: int) -> Tensor:
        """Map `(n, n_frames, n_units)` to the same shape; the rows hold every `step`-th frame of the utterance."""
        own = self.norm(frames) * mask
        seen = torch.cat([moved(own, offset // step) for offset in self.offsets], dim=-1)
        return frames + self.dropout(self.add(torch.relu(self.splice(seen))))


def moved(frames: Tensor, offset: int) -> Tensor:
    """Return `(n, n_frames, n_units)` whose row t is row t + offset, zeros where there is none."""
    n_frames = frames.shape[1]
    if abs(offset) >= n_frames:
        return torch.zeros_like(frames)
    if offset > 0:
        return nn.functional.pad(frames[:, offset:], (0, 0, 0, offset))
    return nn.functional.pad(frames[:, : n_frames + offset], (0, 0, -offset, 0))


class CausalTdnn(nn.Module):
    """Dilated convolutions (Waibel et al. 1989; Peddinti et al. 2015), each added to its input, most of them causal.

    `mean` and `scale` are the features' own, measured in the training data. Offsets that are multiples of three let
    every third frame be scored alone, at a third of the cost, to the same scores.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, shape: CausalTdnnShape) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", torch.zeros(shape.n_features))
        self.register_buffer("scale", torch.ones(shape.n_features))
        self.widen = nn.Linear((2 * shape.reach + 1) * shape.n_features, shape.n_units)
        self.layers = nn.ModuleList(CausalTdnnLayer(shape.n_units, own, shape.dropout) for own in shape.offsets)
        self.norm, self.head = nn.LayerNorm(shape.n_units), nn.Linear(shape.n_units, shape.n_symbols)

    def forward(self, features: Tensor, lengths: Tensor, *, step: int = 1, phase: int = 0) -> Tensor:
        """Return logits of frames phase, phase + step, phase + 2 step …, `(n, n_scored, n_symbols)`.

        Parameters
        ----------
        features
            `(n, n_frames, n_features)`; what lies behind an utterance's own frames does not matter.
        lengths
            `(n,)` frames of each utterance.
        step, phase
            Which frames to score.

        Raises
        ------
        BadInput
            An offset is no multiple of the step.
        """
        if any(offset % step for own in self.shape.offsets for offset in own):
            raise BadInput(f"offsets {self.shape.offsets} are no multiples of {step}; score every frame")
        reach, n_frames = self.shape.reach, features.shape[1]
        normal = (features - self.mean) / self.scale * frame_mask(lengths, n_frames)
        windows = nn.functional.pad(normal, (0, 0, reach, reach)).unfold(1, 2 * reach + 1, 1)[:, phase::step]
        x = torch.relu(self.widen(windows.transpose(2, 3).flatten(2)))
        n_scored = torch.div(lengths - phase + step - 1, step, rounding_mode="floor").clamp(min=0)
        mask = frame_mask(n_scored, x.shape[1])
        for layer in self.layers:
            x = layer(x, mask, step)
        scores: Tensor = self.head(self.norm(x))
        return scores
