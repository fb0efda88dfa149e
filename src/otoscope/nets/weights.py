"""The weights of a network as bytes: a network in, a safetensors file and its hash out, and back."""

from __future__ import annotations

import hashlib
import os

import safetensors.torch
from safetensors import SafetensorError
from torch import nn

from otoscope.core import CorruptWeights


def serialized(network: nn.Module, *, half: bool = False) -> bytes:
    """Return the weights as safetensors, as float16 if `half`: the same weights give the same bytes."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(network.state_dict().items())}
    if half:
        state = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    return safetensors.torch.save(state)


def weights_sha256(network: nn.Module) -> str:
    """Return the hash that names these weights, whatever format they were stored in."""
    return hashlib.sha256(serialized(network)).hexdigest()


def give_weights(network: nn.Module, data: bytes, source: str | os.PathLike[str]) -> None:
    """Give a network the weights that `serialized` returned, in the network's own precision; `source` is for the error.

    Raises
    ------
    CorruptWeights
        The bytes are damaged, or of another network.
    """
    try:
        network.load_state_dict(safetensors.torch.load(data))
    except (SafetensorError, RuntimeError) as error:
        raise CorruptWeights(
            f"{os.fspath(source)} holds weights of another network: {str(error).splitlines()[0]}"
        ) from error
