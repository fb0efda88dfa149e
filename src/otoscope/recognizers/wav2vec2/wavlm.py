"""WavLM's attention with its weights in sight: transformers hands the heads' mean on, this has each of them.

transformers calls `torch.nn.functional.multi_head_attention_forward` there; this does the same steps in the same order,
to the last bit, and lets weights and heads pass a tap.
"""

from __future__ import annotations

import functools
import math
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from otoscope.nets.taps import Tap
from otoscope.recognizers.checkpoints.attention import tapped

OWN = "torch_multi_head_self_attention"
"""The method of transformers' `WavLMAttention` that another function takes the place of."""

_heads: WeakKeyDictionary[nn.Module, Tap] = WeakKeyDictionary()


def open_wavlm(network: nn.Module) -> None:
    """Let every attention module of a WavLM compute by `wavlm_attention`; the weights and the output stay the same."""
    for module in network.modules():
        if hasattr(module, OWN):
            setattr(module, OWN, functools.partial(wavlm_attention, module))


def heads_tap(attention: nn.Module) -> Tap:
    """Return the tap that the heads of an attention module pass, side by side."""
    if (tap := _heads.get(attention)) is None:
        tap = _heads[attention] = Tap()
    return tap


def wavlm_attention(
    module: Any, hidden_states: Tensor, attention_mask: None, gated_position_bias: Tensor
) -> tuple[Tensor, Tensor]:
    """Attention with a gated relative position bias (Chen et al. 2022, equations 6 to 9).

    Parameters
    ----------
    module
        The `WavLMAttention`.
    hidden_states
        `(n, n_frames, n_units)`.
    attention_mask
        Must be `None`: only utterances of one length go through together.
    gated_position_bias
        `(n * n_heads, n_frames, n_frames)`, added to the products of queries and keys.

    Returns
    -------
    tuple
        `(n, n_frames, n_units)`, and the weights of each head `(n, n_heads, n_frames, n_frames)`.
    """
    rows = hidden_states.transpose(0, 1)
    n_frames, n, n_units = rows.shape
    n_heads = module.num_heads

    def split(projected: Tensor) -> Tensor:
        return projected.view(n_frames, n * n_heads, n_units // n_heads).transpose(0, 1)

    query, key, value = (split(each(rows)) for each in (module.q_proj, module.k_proj, module.v_proj))
    scaled = query * math.sqrt(1.0 / float(n_units // n_heads))
    weights = nn.functional.softmax(torch.baddbmm(gated_position_bias, scaled, key.transpose(-2, -1)), dim=-1)
    shown = tapped(module, weights.view(n, n_heads, n_frames, n_frames))
    heads = torch.bmm(shown.reshape(weights.shape), value).transpose(0, 1).reshape(n_frames, n, n_units)
    heads = heads_tap(module)(heads.transpose(0, 1), torch.full((n,), n_frames)).transpose(0, 1)
    output = nn.functional.linear(heads.reshape(n_frames * n, n_units), module.out_proj.weight, module.out_proj.bias)
    return output.view(n_frames, n, n_units).transpose(0, 1), shown
