"""Multi-head attention that knows how far apart frames are, not where they stand (Dai et al. 2019)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from otoscope.nets.attention import MultiHeadAttention
from otoscope.nets.positions import by_distance, relative_sinusoids


class RelativeMultiHeadAttention(MultiHeadAttention):
    """Attention with scores ((q + u)·k + (q + v)·(W r_{i-j})) / √dₖ: Transformer-XL, as the Conformer uses it.

    Dai et al. (2019), section 3.3, the four terms of A^rel; r are sinusoids of the distance, u and v are learnt for
    each head. The last query stands where the last key does, so that queries may be the end of a longer row of keys
    (streaming).
    """

    def __init__(self, n_units: int, n_heads: int, dropout: float = 0.0) -> None:
        super().__init__(n_units, n_heads, dropout)
        self.distance = nn.Linear(n_units, n_units, bias=False)
        nn.init.xavier_uniform_(self.distance.weight)
        self.content_bias = nn.Parameter(torch.zeros(n_heads, 1, n_units // n_heads))
        self.distance_bias = nn.Parameter(torch.zeros(n_heads, 1, n_units // n_heads))

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """Return the scores of every head, `(n, n_heads, n_queries, n_keys)`."""
        rows = relative_sinusoids(query.shape[-2], key.shape[-2], self.n_units, device=query.device)
        distances = self.split(self.distance(rows.to(query.dtype))[None])
        content = (query + self.content_bias) @ key.transpose(-2, -1)
        place = (query + self.distance_bias) @ distances.transpose(-2, -1)
        return (content + by_distance(place, key.shape[-2])) / math.sqrt(query.shape[-1])
