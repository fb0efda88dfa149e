"""Listening again along a known text: how likely each token is, and where all heads of cross-attention look for it.

What calibrations and doubts are made of. Sound may be changed between listenings; the text stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import BadInput, NotRecorded
from otoscope.recognizers.checkpoints.attention import HIDDEN, weights_tap
from otoscope.recognizers.whisper.network import Heard
from otoscope.recognizers.whisper.parts import Parts
from otoscope.recognizers.whisper.windows import Sound, log_mels


@dataclass(frozen=True, eq=False)
class Again:
    """One window heard along a known text.

    Parameters
    ----------
    log_probs
        `(n_tokens + 1,)` of each token, given the sound and the tokens before it, and of the end; nats, among all
        tokens.
    attention
        `(n_layers, n_heads, n_tokens + 1, n_frames)` float32: where each was looked for; `None` where not asked for.
    """

    log_probs: NDArray[np.float64]
    attention: NDArray[np.float32] | None = None


def hear_again(
    parts: Parts,
    sounds: Sequence[Sound] | Heard,
    prefix: Sequence[int],
    tokens: Sequence[int],
    *,
    attention: bool = False,
) -> list[Again]:
    """Return how each window sounds along the same text.

    Parameters
    ----------
    sounds
        Windows, as `windows.hear_windows` takes them.
    prefix
        What the decoder is given, prompt and special tokens.
    tokens
        The text, times included where they were written.
    attention
        Whether the weights of cross-attention are wanted.

    Raises
    ------
    NotRecorded
        Attention is wanted of a checkpoint opened with `attention="sdpa"`.
    BadInput
        Prefix and text do not fit the decoder.
    """
    n_context = parts.network.n_context
    if len(prefix) + len(tokens) > n_context:
        raise BadInput(f"{len(prefix)} given and {len(tokens)} written tokens; the decoder takes {n_context}")
    if attention and parts.attention != "eager":
        raise NotRecorded(f"{parts.name} did not record cross-attention: {HIDDEN}")
    given, first = [*prefix, *tokens], len(prefix) - 1
    with torch.no_grad():
        heard = sounds if isinstance(sounds, Heard) else parts.network.encode(log_mels(parts, sounds))
        with _looking(parts if attention else None) as seen:
            hidden = parts.network.forced(heard, given)[:, first:]
        found = torch.log_softmax(parts.network.logits(hidden).float(), dim=-1).double()
        wanted = torch.tensor([*tokens, parts.tokens.end])
        log_probs = found.gather(2, wanted.expand(heard.n, -1)[..., None])[..., 0].numpy()
    looked = [None] * heard.n
    if attention:
        looked = list(torch.stack([w[:, :, first:] for w in seen], dim=1).numpy())
    return [Again(own, look) for own, look in zip(log_probs, looked, strict=True)]


@contextmanager
def _looking(parts: Parts | None) -> Iterator[list[Tensor]]:
    """Collect the weights of every decoder layer's cross-attention while the context is open."""
    seen: list[Tensor] = []
    handles: list[Any] = []
    try:
        for layer in parts.network.decoder.layers if parts is not None else ():
            tap = weights_tap(layer.encoder_attn)
            handles.append(tap.register_forward_hook(lambda _, __, weights: seen.append(weights.detach())))
        yield seen
    finally:
        for handle in handles:
            handle.remove()
