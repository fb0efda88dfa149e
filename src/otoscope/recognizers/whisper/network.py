"""Whisper's network step by step: encode windows, then feed tokens to a decoder that remembers keys and values.

The weights and modules are those of transformers, called one by one, so whatever is hooked to a module is seen and
changed in search, scoring and tracing alike. Keys and values of the sound are computed once for a window; those of the
tokens go into memory laid out beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from transformers import EncoderDecoderCache, WhisperForConditionalGeneration

FIRST_ROOM = 48
"""Tokens for which there is room at first; it doubles when it is full."""


@dataclass(frozen=True)
class _Layer:
    keys: Tensor
    values: Tensor


@dataclass(frozen=True)
class Heard:
    """Encoded windows `states` `(n, n_frames, n_units)`, and their keys and values for each decoder layer."""

    states: Tensor
    layers: tuple[_Layer, ...]

    @property
    def n(self) -> int:
        """Number of windows."""
        return int(self.states.shape[0])

    def rows(self, index: Sequence[int]) -> Heard:
        """Return the windows at these places, which may be the same more than once."""
        if list(index) == list(range(self.n)):
            return self
        at = torch.tensor(index)
        return Heard(self.states[at], tuple(_Layer(layer.keys[at], layer.values[at]) for layer in self.layers))


class _Memory:
    """Keys and values of the tokens so far, for each layer, in place."""

    def __init__(self, n_layers: int, room: int | None) -> None:
        self.room = room
        self.kept: list[tuple[Tensor, Tensor] | None] = [None] * n_layers
        self.n_tokens = 0

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Put new keys and values behind the others of a layer and return them all."""
        if self.room is None:
            return keys, values
        first, last = self.n_tokens, self.n_tokens + keys.shape[2]
        kept = self.kept[layer]
        if kept is None or kept[0].shape[2] < last:
            kept = self.kept[layer] = self._larger(kept, keys, last)
        for whole, new in zip(kept, (keys, values), strict=True):
            whole[:, :, first:last] = new
        return kept[0][:, :, :last], kept[1][:, :, :last]

    def _larger(self, kept: tuple[Tensor, Tensor] | None, like: Tensor, least: int) -> tuple[Tensor, Tensor]:
        n, n_heads, _, n_units = like.shape
        room = max(least, self.room or 0) if kept is None else max(least, 2 * kept[0].shape[2])
        made = (like.new_empty(n, n_heads, room, n_units), like.new_empty(n, n_heads, room, n_units))
        for new, old in zip(made, kept or (), strict=False):
            new[:, :, : self.n_tokens] = old[:, :, : self.n_tokens]
        return made

    def reorder(self, order: Tensor) -> None:
        """Let each row go on from another."""
        for kept in self.kept:
            for whole in kept or ():
                whole[:, :, : self.n_tokens] = whole[order, :, : self.n_tokens]


class _Cache(EncoderDecoderCache):
    """What transformers' decoder layers ask for keys and values: those of the sound are there already."""

    def __init__(self, heard: Heard, memory: _Memory) -> None:
        self.is_updated = dict.fromkeys(range(len(heard.layers)), True)
        self.cross_attention_cache = cast(Any, heard)
        self.self_attention_cache = cast(Any, memory)


class Session:
    """A decoder in the middle of its text: rows of tokens of equal length, one a hypothesis."""

    def __init__(self, network: Network, heard: Heard, *, room: int | None = FIRST_ROOM) -> None:
        self.network, self.heard = network, heard
        self.memory = _Memory(len(heard.layers), room)
        self._cache = _Cache(heard, self.memory)

    def feed(self, tokens: Tensor) -> Tensor:
        """Take further tokens `(n_rows, n_tokens)` in and return the last states `(n_rows, n_tokens, n_units)`."""
        decoder, first = self.network.decoder, self.memory.n_tokens
        n_new = tokens.shape[1]
        hidden = decoder.embed_tokens(tokens) + decoder.embed_positions(tokens, past_key_values_length=first)
        mask = None if n_new == 1 else _causal(n_new, first, hidden)
        for layer in decoder.layers:
            hidden = layer(hidden, mask, self.heard.states, past_key_values=self._cache, use_cache=True)
        self.memory.n_tokens += n_new
        normed: Tensor = decoder.layer_norm(hidden)
        return normed

    def reorder(self, order: Sequence[int]) -> None:
        """Let each row go on from the row of this number."""
        if list(order) != list(range(len(order))):
            self.memory.reorder(torch.tensor(order))


def _causal(n_new: int, n_before: int, like: Tensor) -> Tensor:
    """Return what is added so that no token sees a later one, `(1, 1, n_new, n_before + n_new)`."""
    hidden = torch.ones(n_new, n_before + n_new, dtype=torch.bool).tril(n_before).logical_not()
    mask = torch.zeros(1, 1, n_new, n_before + n_new, dtype=like.dtype)
    return mask.masked_fill_(hidden, torch.finfo(like.dtype).min)


class Network:
    """The encoder and decoder of a checkpoint.

    Parameters
    ----------
    model
        As transformers opens it; nothing of it is trained here.
    """

    def __init__(self, model: WhisperForConditionalGeneration) -> None:
        self.model = model.eval().requires_grad_(False)
        self.encoder: Any = model.model.encoder
        self.decoder: Any = model.model.decoder
        self.config: Any = model.config

    @property
    def n_context(self) -> int:
        """Most tokens the decoder takes, those it is given included."""
        return int(self.config.max_target_positions)

    def encode(self, log_mel: Tensor) -> Heard:
        """Return what windows of log-mel frames `(n, n_frames, n_mels)` sound like to the decoder."""
        return self.remembered(self.encoder(log_mel.transpose(1, 2).contiguous()).last_hidden_state)

    def remembered(self, states: Tensor) -> Heard:
        """Return encoded windows `(n, n_frames, n_units)` with their keys and values."""
        n = states.shape[0]

        def parted(values: Tensor, attention: Any) -> Tensor:
            return values.view(n, -1, attention.num_heads, attention.head_dim).transpose(1, 2).contiguous()

        layers = []
        for layer in self.decoder.layers:
            attention = layer.encoder_attn
            keys, values = attention.k_proj(states), attention.v_proj(states)
            layers.append(_Layer(parted(keys, attention), parted(values, attention)))
        return Heard(states, tuple(layers))

    def logits(self, hidden: Tensor) -> Tensor:
        """Return scores of every token behind decoder states `(n, n_units)` or `(n, n_rows, n_units)`."""
        scores: Tensor = self.model.proj_out(hidden if hidden.ndim == 3 else hidden[:, None])
        return scores if hidden.ndim == 3 else scores[:, 0]

    def forced(self, heard: Heard, tokens: Sequence[int] | Tensor) -> Tensor:
        """Return decoder states `(n, n_tokens, n_units)` along given tokens, differentiable.

        The tokens are the same for all windows, or `(n, n_tokens)`.
        """
        rows = tokens if isinstance(tokens, Tensor) else torch.tensor([list(tokens)]).expand(heard.n, -1)
        return Session(self, heard, room=None).feed(rows)
