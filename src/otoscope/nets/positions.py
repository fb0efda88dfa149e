"""Where a frame stands: sinusoids for absolute and relative positions (Vaswani et al. 2017; Dai et al. 2019)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from otoscope.core import BadInput


def sinusoids(positions: Tensor, n_units: int) -> Tensor:
    """Return PE(p, 2i) = sin(p / 10000^(2i/d)), PE(p, 2i+1) = cos(p / 10000^(2i/d)), `(n_positions, n_units)`.

    Vaswani et al. (2017), section 3.5. Positions may be negative.

    Raises
    ------
    BadInput
        `n_units` is odd.
    """
    if n_units < 2 or n_units % 2:
        raise BadInput(f"sinusoidal positions need an even number of units, got {n_units}")
    rates = torch.exp(torch.arange(0, n_units, 2, device=positions.device) * (-math.log(10000.0) / n_units))
    angles = positions.to(rates.dtype)[:, None] * rates
    return torch.stack([torch.sin(angles), torch.cos(angles)], dim=-1).flatten(-2)


class SinusoidalPositions(nn.Module):
    """√d x + PE: scales frames or embeddings and adds where each stands (Vaswani et al. 2017, sections 3.4, 3.5)."""

    def __init__(self, n_units: int, dropout: float = 0.0, *, scaled: bool = True) -> None:
        super().__init__()
        self.scale = math.sqrt(n_units) if scaled else 1.0
        self.dropout = nn.Dropout(dropout)

    def forward(self, frames: Tensor, first: int = 0) -> Tensor:
        """Map `(n, n_frames, n_units)` to the same shape; `first` is the position of the first frame."""
        at = torch.arange(first, first + frames.shape[1], device=frames.device)
        added: Tensor = self.dropout(frames * self.scale + sinusoids(at, frames.shape[2]).to(frames.dtype))
        return added


def relative_sinusoids(n_queries: int, n_keys: int, n_units: int, *, device: torch.device | None = None) -> Tensor:
    """Return sinusoids of all distances from a key to a query, `n_keys - 1` down to `1 - n_queries`.

    The last query stands where the last key does (Dai et al. 2019, section 3.3).
    """
    return sinusoids(torch.arange(n_keys - 1, -n_queries, -1, device=device), n_units)


def by_distance(scores: Tensor, n_keys: int) -> Tensor:
    """Turn scores of distances into scores of keys: `(…, n_queries, n_queries + n_keys - 1)` to `(…, n_keys)`.

    Key j of query i stands in column n_queries - 1 - i + j: each row is read one column left of the one above.
    One column of padding and a new way to cut the same numbers into rows does that (Dai et al. 2019, appendix B).
    """
    n_queries, n_distances = scores.shape[-2:]
    padded = nn.functional.pad(scores, (1, 0)).flatten(-2)
    return padded[..., n_queries:].unflatten(-1, (n_queries, n_distances))[..., :n_keys]
