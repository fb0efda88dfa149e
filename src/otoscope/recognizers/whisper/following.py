"""One pass of the decoder along given tokens: its states, where cross-attention looked, and what passed the sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from otoscope.core import Site
from otoscope.recognizers.checkpoints.places import Place, Places, recorded
from otoscope.recognizers.whisper.network import Heard
from otoscope.recognizers.whisper.parts import Parts


@dataclass(frozen=True)
class Followed:
    """What the decoder did along `n_given` tokens in one window.

    Parameters
    ----------
    hidden
        `(n_given, n_units)` last states: row `i` decides on token `i + 1`.
    looked
        For each layer asked for, `(n_heads, n_given, n_frames)` weights of cross-attention.
    seen
        What passed each site asked for, `(1, n_given, n_units)`; attention weights `(1, n_heads, n_given, n_keys)`.
    """

    hidden: Tensor
    looked: dict[int, Tensor]
    seen: dict[str, Tensor]


def follow(
    parts: Parts, heard: Heard, given: Sequence[int], *, layers: Sequence[int] = (), sites: Sequence[str] = ()
) -> Followed:
    """Let one window's decoder follow tokens.

    Where weights of attention exist (`attention="eager"`), those that were used are returned; else they are computed
    from the queries and keys that passed.

    Parameters
    ----------
    heard
        One window.
    given
        All tokens that the decoder takes in.
    layers
        Of which cross-attention is wanted.
    sites
        Of the decoder.
    """
    eager = parts.attention == "eager"
    weights = {layer: f"decoder.{layer}.cross_attention" for layer in layers} if eager else {}
    asking = Places([] if eager else [_queries(parts, layer) for layer in layers])
    wanted = list(dict.fromkeys([*sites, *weights.values()]))
    with torch.no_grad(), recorded(parts.places, wanted) as seen, recorded(asking, list(asking.by_name)) as asked:
        hidden = parts.network.forced(heard, given)
        if "logits" in sites:
            parts.network.logits(hidden)
    looked = {layer: seen[name][0] for layer, name in weights.items()}
    looked |= {layer: _weights(parts, layer, heard, asked[f"queries.{layer}"]) for layer in layers if not eager}
    return Followed(hidden[0], looked, {name: seen[name] for name in sites})


def _queries(parts: Parts, layer: int) -> Place:
    return Place(Site(f"queries.{layer}"), parts.network.decoder.layers[layer].encoder_attn.q_proj)


def _weights(parts: Parts, layer: int, heard: Heard, queries: Tensor) -> Tensor:
    """Return softmax(queries · keys / sqrt(n_units)), `(n_heads, n_queries, n_frames)`."""
    module: Any = parts.network.decoder.layers[layer].encoder_attn
    parted = (queries * module.scaling).view(queries.shape[1], module.num_heads, module.head_dim).transpose(0, 1)
    return torch.softmax(parted @ heard.layers[layer].keys[0].transpose(1, 2), -1)
