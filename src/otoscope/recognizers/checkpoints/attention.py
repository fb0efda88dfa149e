"""Attention of transformers networks whose weights can be looked at and changed.

transformers looks its attention functions up by name. Ours computes what its "eager" one does, in the same order and to
the last bit, and lets the weights pass a tap on their way to the values. Under "sdpa" they never exist.
"""

from __future__ import annotations

from typing import Any, Literal, get_args
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.nets.taps import WeightsTap

AttentionKind = Literal["eager", "sdpa"]
"""How a checkpoint's attention is computed: step by step, or fused by torch."""

TAPPED = "otoscope_tapped"
"""Name of our attention function among those of transformers."""

HIDDEN = 'attention="sdpa" computes no attention weights; open the checkpoint with attention="eager"'
"""Why attention weights are missing under sdpa, and the remedy."""

_taps: WeakKeyDictionary[nn.Module, WeightsTap] = WeakKeyDictionary()


PLAIN = "otoscope_plain"
"""Name of our attention function that keeps no weights."""


def implementation_of(attention: str, *, exact: bool = True) -> str:
    """Return the name to give to transformers as `attn_implementation`; ours is made known to it where it is wanted.

    Unless `exact`, "sdpa" is computed by three products, which is faster in 16-bit numbers than torch's fused one.

    Raises
    ------
    BadInput
        There is no such kind of attention.
    """
    if attention not in get_args(AttentionKind):
        raise BadInput(f"attention must be one of {', '.join(get_args(AttentionKind))}, got {attention!r}")
    if attention == "sdpa" and exact:
        return "sdpa"
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, eager_mask
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    name, function = (PLAIN, plain_attention) if attention == "sdpa" else (TAPPED, tapped_attention)
    ALL_ATTENTION_FUNCTIONS.register(name, function)
    ALL_MASK_ATTENTION_FUNCTIONS.register(name, eager_mask)
    return name


def weights_tap(attention: nn.Module) -> WeightsTap:
    """Return the tap that the weights of an attention module pass; it is no child of the module."""
    if (tap := _taps.get(attention)) is None:
        tap = _taps[attention] = WeightsTap()
    return tap


def tapped(attention: nn.Module, weights: Tensor) -> Tensor:
    """Let attention weights `(n, n_heads, n_queries, n_keys)` pass the tap of their module."""
    n, _, n_queries, n_keys = weights.shape
    passed: Tensor = weights_tap(attention)(weights, torch.full((n,), n_queries), torch.full((n,), n_keys))
    return passed


def tapped_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    position_bias: Tensor | None = None,
    **others: Any,
) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention (Vaswani et al. 2017, equation 1), as transformers' "eager" functions compute it.

    Parameters
    ----------
    module
        The attention module that asks; its tap sees the weights.
    query, key, value
        `(n, n_heads, n_frames, n_units)`.
    attention_mask, position_bias
        Added to the products of queries and keys.
    scaling
        Factor on those products; 1 / sqrt(n_units) where there is none.
    dropout
        Share of weights dropped, in training only.
    others
        What other attention functions of transformers take.

    Returns
    -------
    tuple
        What the heads bring `(n, n_queries, n_heads, n_units)`, and the weights.
    """
    scaling = query.size(-1) ** -0.5 if scaling is None else scaling
    scores = torch.matmul(query, key.transpose(2, 3)) * scaling
    if position_bias is not None:
        scores = scores + position_bias
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = nn.functional.softmax(scores, dim=-1)
    weights = nn.functional.dropout(weights, p=dropout, training=module.training)
    weights = tapped(module, weights)
    return torch.matmul(weights, value).transpose(1, 2).contiguous(), weights


def plain_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    position_bias: Tensor | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """As `tapped_attention`, but queries are scaled before their products, and the weights are kept from everybody."""
    scaling = query.size(-1) ** -0.5 if scaling is None else scaling
    scores = torch.matmul(query * scaling, key.transpose(2, 3))
    for added in (position_bias, attention_mask):
        scores = scores if added is None else scores + added
    return torch.matmul(nn.functional.softmax(scores, dim=-1), value).transpose(1, 2).contiguous(), None
