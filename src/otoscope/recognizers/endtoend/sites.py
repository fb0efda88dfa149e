"""Named places of an end-to-end network: what they are, what passed them, and where their rows lie in time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from otoscope.core import Activation, Attention, FrameGrid, Site
from otoscope.nets.speech_network import SpeechNetwork
from otoscope.nets.taps import WeightsTap, taps_of

GATES = (".input_gate", ".forget_gate", ".output_gate", ".cell", ".reset_gate", ".update_gate")

_DESCRIPTIONS = {
    "features": "front end",
    "logits": "CTC score of each symbol before the softmax",
    "subsampling": "3x3 convolutions that shorten the row of frames",
    "attention": "attention weights",
    "cross_attention": "weights of attention to the encoder",
    "heads": "what the attention heads bring, side by side",
    "mlp": "feed-forward part",
    "mlp_first": "first feed-forward part",
    "hidden": "units inside the feed-forward part",
    "convolution": "convolution part",
    "tokens": "embeddings of the tokens so far, one row before the first",
    "prediction": "prediction network, one row before the first token and one after each",
    "decoder": "decoder state and what it sees, one row a token",
    "layer": "recurrent layer, forward units first",
}


@contextlib.contextmanager
def recorded(network: SpeechNetwork, sites: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Fill the dict it yields with what passes each site; what passes step by step is put one after the other.

    Frames are `(n, n_frames, n_units)`, attention weights `(n, n_heads, n_queries, n_keys)`, padding included.
    """
    seen: dict[str, Tensor] = {}

    def keep(site: str, axis: int) -> Any:
        def hook(tap: Any, inputs: Any, output: Tensor) -> None:
            now = output.detach()
            seen[site] = torch.cat([seen[site], now], axis) if site in seen else now

        return hook

    handles = []
    try:
        for site in sites:
            tap = network.tap(site)
            handles.append(tap.register_forward_hook(keep(site, 2 if isinstance(tap, WeightsTap) else 1)))
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def site_names(network: SpeechNetwork) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the activation sites and of the attention sites, input first."""
    found = {name: tap for name, tap in taps_of(network).items() if not name.endswith(GATES)}
    weights = tuple(name for name, tap in found.items() if isinstance(tap, WeightsTap))
    return tuple(name for name in found if name not in weights), weights


def described(name: str, n_units: int | None) -> Site:
    """Return the site of a name."""
    last = next((part for part in reversed(name.split(".")) if not part.isdigit()), name)
    return Site(name, _DESCRIPTIONS.get(last, last), n_units)


def grid_of(name: str, grids: Mapping[str, FrameGrid]) -> FrameGrid | None:
    """Return where the rows of a site lie: the longest beginning of its name that has a grid; `None` for tokens."""
    parts = name.split(".")
    return next((grids[key] for n in range(len(parts), 0, -1) if (key := ".".join(parts[:n])) in grids), None)


def activation(name: str, values: Tensor, grids: Mapping[str, FrameGrid]) -> Activation:
    """Return what passed a site in one recording, `values` `(1, n_rows, n_units)`."""
    rows = values[0].numpy()
    grid = grid_of(name, grids)
    return Activation(described(name, rows.shape[1]), rows, grid)


def attention(name: str, values: Tensor, grids: Mapping[str, FrameGrid]) -> Attention:
    """Return attention in one recording, `values` `(1, n_heads, n_queries, n_keys)`."""
    own = grid_of(name, grids)
    to_sound = name == "decoder.attention" or name.endswith("cross_attention")
    keys = grids["encoder"] if to_sound else own
    return Attention(described(name, None), values[0].numpy(), query_grid=own, key_grid=keys)
