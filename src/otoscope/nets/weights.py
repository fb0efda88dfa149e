"""The weights of a network as bytes: a network in, a safetensors file and its hash out, and back."""

from __future__ import annotations

import copy
import hashlib
import math
import os
from collections.abc import Collection
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from otoscope.core import BadInput, CorruptWeights


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


def shuffled(network: Any, *, seed: int, share: float = 1.0, fixed: Collection[str] = ()) -> Any:
    """Return a copy of a network that has forgotten what it learnt; the network itself stays as it is.

    Every weight tensor of a layer keeps its values and loses their order, so that activations keep about their size
    (cascading randomisation from the output down, Adebayo et al. 2018, section 3.1, with weights permuted rather than
    redrawn). Buffers, such as the running means of a normalisation, stay; weights that layers share stay shared.

    Parameters
    ----------
    network
        An `nn.Module`, layers named from the input to the output.
    seed
        Of the permutations.
    share
        Which share of the layers with weights is shuffled, at least one, counted from the output.
    fixed
        Names of weights that were never learnt, such as a table of sinusoids: they stay.

    Raises
    ------
    BadInput
        `share` is not above 0 and at most 1, the network has no weights, or none of a name in `fixed`.

    Examples
    --------
    >>> a = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    >>> b = shuffled(a, seed=0, share=0.5)
    >>> torch.equal(a[0].weight, b[0].weight), torch.equal(a[1].weight, b[1].weight)
    (True, False)
    """
    if not 0 < share <= 1:
        raise BadInput(f"share of layers must be above 0 and at most 1, got {share}")
    other = copy.deepcopy(network)
    named = dict(other.named_parameters())
    if unknown := sorted(set(fixed) - set(named)):
        raise BadInput(f"the network has no weights named {', '.join(unknown)}")
    done = {id(named[name]) for name in fixed}
    layers = [
        own
        for layer in other.modules()
        if (own := [weight for weight in layer.parameters(recurse=False) if id(weight) not in done])
    ]
    if not layers:
        raise BadInput("the network has no weights to shuffle")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for own in layers[-max(1, math.ceil(share * len(layers))) :]:
            for weight in own:
                if id(weight) not in done:
                    order = torch.randperm(weight.numel(), generator=generator)
                    weight.copy_(weight.flatten()[order].reshape(weight.shape))
                    done.add(id(weight))
    return other
