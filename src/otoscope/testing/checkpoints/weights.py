"""Random weights that make a network's output depend on its input, drawn by name: the same bytes on every machine."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor, nn

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


def order_times(rows: Tensor, positions: Tensor) -> None:
    """Let the embeddings of time tokens begin as the encoder's positions at these times, quick waves before slow ones.

    Parameters
    ----------
    rows
        Embeddings of 0.00 s, 0.02 s, …, `(n_times, n_units)`, changed in place.
    positions
        Sines and cosines of the encoder, `(n_times - 1, n_units)`.
    """
    import torch

    n_waves = positions.shape[1] // 2
    weights = (1 / (1 + torch.arange(n_waves) / 8)).repeat(2)
    values = torch.cat([positions, positions[-1:]]) * weights
    with torch.no_grad():
        rows.copy_(values / values.norm(dim=1, keepdim=True))


def look_nearby(encoder: Any, *, offsets: Sequence[Sequence[int]], sharpness: float = 2.3) -> None:
    """Let the heads of Whisper's encoder begin by looking a few positions back or ahead, as time-delay networks do.

    Its positions are sines and cosines; turned by ω δ, those of position t are those of t + δ, and their product with
    all others is greatest there (Vaswani et al. 2017, section 3.5). A network that begins so learns what is local at
    once instead of finding it first.

    Parameters
    ----------
    encoder
        transformers' `WhisperEncoder`, changed in place.
    offsets
        For each layer, that of every head, in positions of 20 ms.
    sharpness
        Scale of queries and keys.
    """
    import torch

    n_units, config = encoder.embed_positions.embedding_dim, encoder.config
    n_waves = n_units // 2
    omega = torch.exp(-math.log(10000) / (n_waves - 1) * torch.arange(n_waves))
    n_own = n_units // config.encoder_attention_heads
    rows = torch.arange(n_own // 2)
    kept = torch.cat([rows, n_waves + rows])  # where positions are read, nothing else is written
    with torch.no_grad():
        encoder.conv2.weight[kept], encoder.conv2.bias[kept] = 0.0, -10.0  # gelu(-10) is 0
        for layer, ahead in zip(encoder.layers, offsets, strict=True):
            query, key = torch.zeros(n_units, n_units), torch.zeros(n_units, n_units)
            for head, offset in enumerate(ahead):
                sines, cosines = head * n_own + rows, head * n_own + n_own // 2 + rows
                turned = omega[rows] * offset
                query[sines, rows], query[sines, n_waves + rows] = turned.cos(), turned.sin()
                query[cosines, n_waves + rows], query[cosines, rows] = turned.cos(), -turned.sin()
                key[sines, rows] = key[cosines, n_waves + rows] = 1.0
            for writer in (layer.self_attn.out_proj, layer.fc2):
                writer.weight[kept], writer.bias[kept] = 0.0, 0.0
            layer.self_attn.q_proj.weight.copy_(sharpness * query)
            layer.self_attn.k_proj.weight.copy_(sharpness * key)
            layer.self_attn.q_proj.bias.zero_()
