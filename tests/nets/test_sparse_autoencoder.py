"""Sparse autoencoders on rows whose directions are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from otoscope.core import BadInput
from otoscope.nets.sparse_autoencoder import SparseAutoencoder, SparsePlan, fit_sparse_autoencoder


def known_rows(n_rows=4000, n_units=16, n_directions=24, k=2, seed=0):
    rng = np.random.default_rng(seed)
    directions = rng.standard_normal((n_directions, n_units))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    strengths = np.zeros((n_rows, n_directions))
    for row in strengths:
        row[rng.choice(n_directions, k, replace=False)] = rng.uniform(1, 2, k)
    rows = strengths @ directions
    return (rows / rows.std()).astype(np.float32), directions


def test_the_directions_that_rows_are_made_of_are_found():
    rows, directions = known_rows()
    plan = SparsePlan(n_features=32, k=2, n_steps=1200, n_rows=256, learning_rate=5e-3, dead_after=50)
    network, left = fit_sparse_autoencoder(rows - rows.mean(0), plan)
    nearest = np.abs(directions @ network.decoder.detach().numpy().T).max(1)
    assert (nearest > 0.9).mean() > 0.7
    random = np.random.default_rng(1).standard_normal((32, 16))
    random /= np.linalg.norm(random, axis=1, keepdims=True)
    assert (np.abs(directions @ random.T).max(1) > 0.9).mean() < 0.1
    assert left[-1] < 0.15
    assert left[-1] < left[0]


def test_k_features_are_kept_and_directions_have_length_one():
    rows, _ = known_rows(500)
    network, _ = fit_sparse_autoencoder(rows, SparsePlan(20, 3, n_steps=20))
    _, features = network(torch.from_numpy(rows))
    assert int((features > 0).sum(1).max()) <= 3
    assert np.allclose(network.decoder.detach().norm(dim=1), 1.0, atol=1e-5)


def test_only_the_largest_are_chosen():
    network = SparseAutoencoder(2, 4, 2)
    chosen = network.chosen(torch.tensor([[1.0, 4.0, 3.0, 2.0]]), 2)
    assert chosen.tolist() == [[0.0, 4.0, 3.0, 0.0]]


def test_the_same_seed_gives_the_same_weights_and_leaves_the_state_of_torch():
    rows, _ = known_rows(300)
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    first, second = (fit_sparse_autoencoder(rows, SparsePlan(12, 2, n_steps=5, seed=3))[0] for _ in range(2))
    other, _ = fit_sparse_autoencoder(rows, SparsePlan(12, 2, n_steps=5, seed=4))
    assert torch.equal(first.decoder, second.decoder)
    assert not torch.equal(first.decoder, other.decoder)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_progress_is_told():
    told = []
    rows, _ = known_rows(100)
    fit_sparse_autoencoder(rows, SparsePlan(8, 2, n_steps=3), lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_what_cannot_be_is_refused():
    with pytest.raises(BadInput, match="1 <= k <= n_features"):
        SparsePlan(4, 5)
    with pytest.raises(BadInput, match="finite rows"):
        fit_sparse_autoencoder(np.full((20, 3), np.nan, np.float32), SparsePlan(8, 2))
    with pytest.raises(BadInput, match="more than 2 finite rows"):
        fit_sparse_autoencoder(np.zeros((2, 3), np.float32), SparsePlan(8, 2))
