"""Random weights that make a network's output depend on its input, drawn by name: the same bytes on every machine."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn

NORMS = ("layer_norm.weight", "layernorm.weight", "batch_norm.weight")


def fill(network: nn.Module, *, seed: int, gains: Mapping[str, float] | None = None) -> None:
    """Draw every trainable weight of a network anew.

    A matrix or kernel is Gaussian with variance gain² / fan-in (He et al. 2015, without the factor of the
    rectifier), so that signals keep their size from layer to layer; what scales in a normalisation is near 1, a bias
    near 0. What is fixed, as sinusoidal positions, and running statistics stay.

    Parameters
    ----------
    network
        Changed in place.
    seed
        Together with the weight's name, of the numbers drawn.
    gains
        Part of a weight's name → gain, 1 for the others; the last part that fits counts.
    """
    import torch

    gains = gains or {}
    parameters = dict(network.named_parameters())
    with torch.no_grad():
        for name, parameter in parameters.items():
            if not parameter.requires_grad:
                continue
            gain = ([1.0] + [value for part, value in gains.items() if part in name])[-1]
            parameter.copy_(torch.from_numpy(gain * _drawn(name, tuple(parameter.shape), seed)))
        for name, parameter in parameters.items():
            if name.endswith("parametrizations.weight.original0"):  # weight normalisation: the length of each kernel
                direction = parameters[name[:-1] + "1"]
                others = [axis for axis in range(direction.ndim) if parameter.shape[axis] == 1]
                parameter.copy_(direction.norm(dim=others, keepdim=True))


def _drawn(name: str, shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    drawn = np.random.default_rng((seed, zlib.crc32(name.encode()))).standard_normal(shape)
    lowered = name.lower()
    if lowered.endswith(NORMS) or name.endswith("const") or (len(shape) == 1 and lowered.endswith("weight")):
        scaled = 1 + 0.1 * drawn
    elif len(shape) < 2:
        scaled = 0.05 * drawn
    elif "embed" in lowered and len(shape) == 2:
        scaled = drawn / np.sqrt(shape[1])
    else:
        scaled = drawn / np.sqrt(np.prod(shape[1:]))
    return scaled.astype(np.float32)
