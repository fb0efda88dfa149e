"""Layers that look at one frame at a time: the perceptron, the Transformer's feed-forward part, the bottleneck."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.nets.activations import activation
from otoscope.nets.taps import Place, Tap


class Mlp(nn.Module):
    """h₀ = x, hₖ = f(Wₖ hₖ₋₁ + bₖ), y = Wₙ hₙ₋₁ + bₙ: the multilayer perceptron (Rumelhart et al. 1986).

    Sites: `hidden.0`, `hidden.1`, … after the activation, and the output at this module's own name.

    Parameters
    ----------
    sizes
        Units of input, hidden layers and output.
    activation
        Name in `otoscope.nets.activations.ACTIVATIONS`.
    dropout
        Share of hidden units dropped in training.
    """

    def __init__(self, sizes: Sequence[int], *, activation: str = "relu", dropout: float = 0.0) -> None:
        super().__init__()
        if len(sizes) < 2 or min(sizes) < 1:
            raise BadInput(f"a perceptron needs the units of input and output, each 1 or more, got {tuple(sizes)}")
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.hidden = nn.ModuleList(Place() for _ in sizes[1:-1])
        self.activation, self.dropout, self.tap = _function(activation), nn.Dropout(dropout), Tap()

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map `(n, n_frames, sizes[0])` to `(n, n_frames, sizes[-1])`; `lengths` `(n,)` is only told to hooks."""
        n_real = real_lengths(frames, lengths)
        for layer, place in zip(self.layers[:-1], self.hidden, strict=True):
            frames = self.dropout(place(self.activation(layer(frames)), n_real))
        out: Tensor = self.tap(self.layers[-1](frames), n_real)
        return out


class FeedForward(nn.Module):
    """f(x W₁ + b₁) W₂ + b₂ (Vaswani et al. 2017, equation 2; Thickstun, equation 5).

    Sites: `hidden` after the activation, and the output at this module's own name.
    """

    def __init__(self, n_units: int, n_hidden: int, *, activation: str = "relu", dropout: float = 0.0) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(n_units, n_hidden), nn.Linear(n_hidden, n_units)
        self.activation, self.dropout = _function(activation), nn.Dropout(dropout)
        self.hidden, self.tap = Place(), Tap()

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map `(n, n_frames, n_units)` to the same shape; `lengths` `(n,)` is only told to hooks."""
        n_real = real_lengths(frames, lengths)
        hidden = self.hidden(self.activation(self.inner(frames)), n_real)
        out: Tensor = self.tap(self.outer(self.dropout(hidden)), n_real)
        return out


class Bottleneck(nn.Module):
    """f(W V x + b) with V of few rows: all that goes on must pass `n_narrow` numbers.

    The narrow layer is linear, as in factorised networks (Sainath et al. 2013; Povey et al. 2018); what passes it are
    bottleneck features (Grézl et al. 2007), at the site `narrow`.
    """

    def __init__(self, n_in: int, n_narrow: int, n_out: int, *, activation: str = "relu") -> None:
        super().__init__()
        self.down, self.up = nn.Linear(n_in, n_narrow, bias=False), nn.Linear(n_narrow, n_out)
        self.activation, self.narrow, self.tap = _function(activation), Place(), Tap()

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map `(n, n_frames, n_in)` to `(n, n_frames, n_out)`."""
        n_real = real_lengths(frames, lengths)
        narrow = self.narrow(self.down(frames), n_real)
        out: Tensor = self.tap(self.activation(self.up(narrow)), n_real)
        return out


def real_lengths(frames: Tensor, lengths: Tensor | None) -> Tensor:
    """Return `lengths`, or, where there are none, that all frames of `(n, n_frames, …)` are real."""
    return torch.full((frames.shape[0],), frames.shape[1]) if lengths is None else lengths


_function = activation
