"""Attention as in "Attention Is All You Need" (Vaswani et al. 2017), with Thickstun's equations beside it.

Thickstun, "The Transformer Model in Equations", numbers them: queries, keys and values (1), weights (2), the heads'
sum (3). A mask is boolean, True where a query may look at a key.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.nets.masks import causal_mask
from otoscope.nets.taps import Place, WeightsTap


def attention_weights(scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return softmax over the keys that may be seen; a query that may see none gets zeros and no gradient.

    Parameters
    ----------
    scores
        `(…, n_queries, n_keys)`.
    mask
        Boolean, broadcast to `scores`.
    """
    if mask is None:
        return torch.softmax(scores, dim=-1)
    weights = torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), dim=-1)
    return weights.masked_fill(~mask, 0.0)


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return softmax(Q Kᵀ / √dₖ) V and the weights (Vaswani et al. 2017, equation 1; Thickstun, equation 2).

    Parameters
    ----------
    query, key, value
        `(…, n_queries, d_k)`, `(…, n_keys, d_k)`, `(…, n_keys, d_v)`.
    mask
        Boolean, broadcast to `(…, n_queries, n_keys)`.

    Returns
    -------
    Output `(…, n_queries, d_v)` and weights `(…, n_queries, n_keys)`, rows summing to one.
    """
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    weights = attention_weights(scores, mask)
    return weights @ value, weights


def masked_attention(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Return causal self-attention: position i sees positions 0 … i (Vaswani et al. 2017, section 3.2.3)."""
    return scaled_dot_product_attention(query, key, value, causal_mask(query.shape[-2], device=query.device))


class MultiHeadAttention(nn.Module):
    """Concat(head₁ … head_h) Wᴼ, headᵢ = Attention(Q Wᵢᵠ, K Wᵢᴷ, V Wᵢⱽ) (Vaswani et al. 2017, section 3.2.2).

    Thickstun's equations 1 to 3, with biases as in torch. Sites: the weights at this module's own name, what the heads
    bring, before Wᴼ, at `heads`.

    Parameters
    ----------
    n_units
        Width in and out; a multiple of `n_heads`.
    n_heads
        Heads, each of `n_units / n_heads` units.
    dropout
        Share of the weights dropped in training, after the softmax.
    """

    def __init__(self, n_units: int, n_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if n_heads < 1 or n_units % n_heads:
            raise BadInput(f"{n_units} units cannot be shared by {n_heads} heads; take a divisor")
        self.n_units, self.n_heads = n_units, n_heads
        self.query = nn.Linear(n_units, n_units)
        self.key = nn.Linear(n_units, n_units)
        self.value = nn.Linear(n_units, n_units)
        self.output = nn.Linear(n_units, n_units)
        self.dropout = nn.Dropout(dropout)
        self.tap, self.heads = WeightsTap(), Place()
        for projection in (self.query, self.key, self.value, self.output):
            nn.init.xavier_uniform_(projection.weight)
            nn.init.zeros_(projection.bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None = None,
        *,
        lengths: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Attend.

        Parameters
        ----------
        query, key, value
            `(n, n_queries, n_units)`, `(n, n_keys, n_units)` twice.
        mask
            Boolean `(n or 1, n_queries or 1, n_keys)`: what may be seen, padding included; see `otoscope.nets.masks`.
        lengths
            How many queries and how many keys of each utterance are real, `(n,)` each: only told to hooks.

        Returns
        -------
        Output `(n, n_queries, n_units)` and weights `(n, n_heads, n_queries, n_keys)`, before dropout.
        """
        q, k, v = self.split(self.query(query)), self.split(self.key(key)), self.split(self.value(value))
        weights = attention_weights(self.scores(q, k), None if mask is None else mask.unsqueeze(1))
        n_real = _all_of(weights) if lengths is None else lengths
        weights = self.tap(weights, *n_real)
        heads = (self.dropout(weights) @ v).transpose(1, 2).flatten(2)
        return self.output(self.heads(heads, n_real[0])), weights

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """Return Q Kᵀ / √dₖ of every head, `(n, n_heads, n_queries, n_keys)`."""
        return query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])

    def split(self, projected: Tensor) -> Tensor:
        """Return `(n, n_heads, n_frames, n_units / n_heads)` of `(n, n_frames, n_units)`."""
        return projected.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)


def _all_of(weights: Tensor) -> tuple[Tensor, Tensor]:
    n, _, n_queries, n_keys = weights.shape
    return torch.full((n,), n_queries), torch.full((n,), n_keys)
