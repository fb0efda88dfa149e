"""A sparse autoencoder: activations as sums of few out of many directions (Gao et al. 2024).

    z = TopK(W_enc (x - m) + b_enc),   x' = W_dec z + m

Of all features only the `k` largest are kept at a frame, so sparsity needs no penalty. Features that have not fired for
a while ("dead") are trained to make up what the living ones leave (their section A.2), so that few stay dead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.core.protocols import Progress

AUXILIARY = 1 / 32
"""Weight of the loss that revives dead features."""


@dataclass(frozen=True)
class SparsePlan:
    """How a sparse autoencoder is trained.

    Parameters
    ----------
    n_features, k
        Features, and how many of them are kept at a frame.
    n_steps, n_rows
        Steps of Adam, and rows each of them sees.
    learning_rate
        It falls to 0 over the last fifth of the steps.
    dead_after
        A feature is dead when it has not fired in so many steps.
    seed
        Of weights and batches.
    """

    n_features: int
    k: int = 8
    n_steps: int = 1500
    n_rows: int = 512
    learning_rate: float = 2e-3
    dead_after: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.k <= self.n_features or min(self.n_steps, self.n_rows, self.dead_after) < 1:
            raise BadInput(f"a sparse code needs 1 <= k <= n_features, steps and rows of 1 or more, got {self}")


class SparseAutoencoder(nn.Module):
    """z = TopK(W_enc x + b_enc), x' = W_dec z, for rows of mean 0; sites none, it stands outside of networks.

    Parameters
    ----------
    n_units, n_features, k
        Width of the rows, features, and how many are kept.
    """

    def __init__(self, n_units: int, n_features: int, k: int) -> None:
        super().__init__()
        self.k = k
        directions = nn.functional.normalize(torch.randn(n_features, n_units), dim=1)
        self.decoder = nn.Parameter(directions)
        self.encoder = nn.Parameter(directions.clone())
        self.bias = nn.Parameter(torch.zeros(n_features))

    def before(self, rows: Tensor) -> Tensor:
        """Return all features `(n, n_features)`, before the choice."""
        return torch.relu(rows @ self.encoder.T + self.bias)

    def chosen(self, features: Tensor, k: int) -> Tensor:
        """Return the `k` largest features of each row, and 0 for all others."""
        values, where = features.topk(k, dim=1)
        return torch.zeros_like(features).scatter(1, where, values)

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return reconstructions `(n, n_units)` and features `(n, n_features)` of rows `(n, n_units)`."""
        kept = self.chosen(self.before(rows), self.k)
        return kept @ self.decoder, kept

    def normalise(self) -> None:
        """Give every direction of the decoder length 1."""
        with torch.no_grad():
            self.decoder.copy_(nn.functional.normalize(self.decoder, dim=1))


def fit_sparse_autoencoder(
    rows: NDArray[np.float32], plan: SparsePlan, progress: Progress | None = None
) -> tuple[SparseAutoencoder, tuple[float, ...]]:
    """Train on rows `(n_rows, n_units)` of mean 0 and mean square 1.

    Returns
    -------
    The network, and the share of the variance that is left after each tenth of the steps.

    Raises
    ------
    BadInput
        There are fewer rows than features are kept, or some are not finite.
    """
    if rows.ndim != 2 or len(rows) <= plan.k or not np.isfinite(rows).all():
        raise BadInput(f"a sparse code needs more than {plan.k} finite rows, got an array of shape {rows.shape}")
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(plan.seed)
        network = SparseAutoencoder(rows.shape[1], plan.n_features, plan.k)
        optimizer = torch.optim.Adam(network.parameters(), lr=plan.learning_rate, betas=(0.9, 0.999))
        silent = torch.zeros(plan.n_features)
        left = []
        for step, batch in enumerate(_batches(torch.from_numpy(rows), plan)):
            for group in optimizer.param_groups:
                group["lr"] = plan.learning_rate * min(1.0, 5 * (1 - step / plan.n_steps))
            loss, fired = _loss(network, batch, silent > plan.dead_after)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            network.normalise()
            silent = torch.where(fired, 0.0, silent + 1)
            if (step + 1) % max(1, plan.n_steps // 10) == 0:
                left.append(_left(network, batch))
            if progress is not None:
                progress(step + 1, plan.n_steps)
    return network.eval(), tuple(left)


def _batches(rows: Tensor, plan: SparsePlan) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(plan.seed)
    for _ in range(plan.n_steps):
        yield rows[torch.randint(len(rows), (min(plan.n_rows, len(rows)),), generator=generator)]


def _loss(network: SparseAutoencoder, rows: Tensor, dead: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss, and which features fired."""
    features = network.before(rows)
    kept = network.chosen(features, network.k)
    error = rows - kept @ network.decoder
    loss = error.square().mean()
    if dead.any():
        n = min(int(dead.sum()), 4 * network.k)
        revived = network.chosen(features.masked_fill(~dead, 0.0), n) @ network.decoder
        loss = loss + AUXILIARY * (error.detach() - revived).square().mean()
    return loss, (kept > 0).any(0)


def _left(network: SparseAutoencoder, rows: Tensor) -> float:
    with torch.no_grad():
        error = rows - network(rows)[0]
    return float(error.square().sum() / rows.square().sum())
