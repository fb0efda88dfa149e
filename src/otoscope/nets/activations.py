"""Activation functions and normalisation as equations: what every network is made of, to be read.

`ACTIVATIONS` gives the same functions by name as torch's kernels, which are faster and, as tests show, equal to 1e-12
in float64, gradients included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from otoscope.core.errors import UnknownName


def sigmoid(x: Tensor) -> Tensor:
    """Return σ(x) = 1 / (1 + e⁻ˣ), in (0, 1); written so that no large number is exponentiated."""
    small = torch.exp(-x.abs())
    return torch.where(x >= 0, 1 / (1 + small), small / (1 + small))


def tanh(x: Tensor) -> Tensor:
    """Return tanh x = 2σ(2x) - 1, in (-1, 1)."""
    return 2 * sigmoid(2 * x) - 1


def relu(x: Tensor) -> Tensor:
    """Return max(0, x) (Nair & Hinton 2010)."""
    return torch.where(x > 0, x, torch.zeros_like(x))


def clipped_relu(x: Tensor, *, top: float = 20.0) -> Tensor:
    """Return min(max(0, x), top): the activation of Deep Speech (Hannun et al. 2014, section 2)."""
    return torch.where(x < top, relu(x), torch.full_like(x, top))


def gelu(x: Tensor) -> Tensor:
    """Return x Φ(x), Φ the distribution function of the standard normal (Hendrycks & Gimpel 2016)."""
    return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))


def swish(x: Tensor) -> Tensor:
    """Return x σ(x), also called SiLU (Ramachandran et al. 2017)."""
    return x * sigmoid(x)


def glu(x: Tensor) -> Tensor:
    """Return a σ(b), where a and b are the halves of the last axis: a gated linear unit (Dauphin et al. 2017)."""
    a, b = x.chunk(2, dim=-1)
    return a * sigmoid(b)


def softmax(x: Tensor) -> Tensor:
    """Return eˣⁱ / Σⱼ eˣʲ over the last axis; the largest x is taken off first, which changes nothing but overflow."""
    powers = torch.exp(x - x.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


def log_softmax(x: Tensor) -> Tensor:
    """Return xᵢ - ln Σⱼ eˣʲ over the last axis."""
    x = x - x.amax(-1, keepdim=True)
    return x - torch.log(torch.exp(x).sum(-1, keepdim=True))


def layer_norm(z: Tensor, gain: Tensor, bias: Tensor, *, epsilon: float = 1e-5) -> Tensor:
    """Return γ (z - μ) / σ + β over the last axis (Ba et al. 2016; Thickstun, equations 7-9).

    μ and σ² are the mean and the variance (divided by n) of each vector; `epsilon` is added to σ².
    """
    mean = z.mean(-1, keepdim=True)
    variance = (z - mean).square().mean(-1, keepdim=True)
    return gain * (z - mean) / torch.sqrt(variance + epsilon) + bias


def _clipped_relu(x: Tensor) -> Tensor:
    return x.clamp(0.0, 20.0)


ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "clipped_relu": _clipped_relu,
    "gelu": functional.gelu,
    "swish": functional.silu,
}
"""Torch's kernels of the element-wise functions above, by name: what the blocks use."""


def activation(name: str) -> Callable[[Tensor], Tensor]:
    """Return an activation function by name.

    Raises
    ------
    UnknownName
        There is none of that name.
    """
    if name not in ACTIVATIONS:
        raise UnknownName("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]
