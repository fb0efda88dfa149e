"""Networks that score every frame: padding, sampled frames, reach, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from otoscope.core import BadInput, FrameGrid
from otoscope.nets.frame_classifier import FrameClassifier
from otoscope.recognizers.hybrid.networks import NETWORKS, network_of

SHAPES = {
    "mlp": {"reach": 2, "n_hidden": (10, 9)},
    "tdnn": {"reach": 1, "n_units": 10, "dilations": (3, 6), "n_prefinal": 7},
    "lstm": {"n_units": 5, "n_layers": 2},
}


@pytest.fixture(params=sorted(SHAPES))
def network(request: pytest.FixtureRequest) -> FrameClassifier:
    torch.manual_seed(0)
    made: FrameClassifier = network_of(request.param, {"n_features": 6, "n_symbols": 4, **SHAPES[request.param]})
    made.scale.copy_(torch.rand(6) + 0.5)
    return made.double().eval()


def test_padding_and_neighbours_in_the_batch_change_nothing(network: FrameClassifier) -> None:
    lengths = torch.tensor([31, 17, 1, 30])
    features = torch.randn(4, 34, 6, dtype=torch.float64)
    together, n_out = network(features, lengths)
    assert n_out.tolist() == lengths.tolist()
    features[1, 17:] = torch.nan
    for row, n, logits in zip(features, lengths.tolist(), together, strict=True):
        alone, _ = network(row[None, :n], torch.tensor([n]))
        torch.testing.assert_close(alone[0], logits[:n])
    again, _ = network(features, lengths)
    torch.testing.assert_close(again[1, :17], together[1, :17])


def test_sampled_frames_score_as_among_all(network: FrameClassifier) -> None:
    lengths = torch.tensor([31, 17, 2])
    features = torch.randn(3, 31, 6, dtype=torch.float64)
    every, _ = network(features, lengths)
    third, n_out = network(features, lengths, step=3)
    assert n_out.tolist() == [11, 6, 1]
    for k, n in enumerate(n_out.tolist()):
        torch.testing.assert_close(third[k, :n], every[k, ::3][:n])


def test_level_does_not_matter_and_scale_does(network: FrameClassifier) -> None:
    features, lengths = torch.randn(1, 20, 6, dtype=torch.float64), torch.tensor([20])
    before, _ = network(features, lengths)
    torch.testing.assert_close(network(features + torch.arange(6.0), lengths)[0], before)
    network.scale *= 2
    torch.testing.assert_close(network(2 * features, lengths)[0], before)


def test_every_site_has_a_tap_and_the_grid_of_the_features(network: FrameClassifier) -> None:
    grid = FrameGrid(16000, -120, 160, 400, 20)
    assert list(network.grids(grid)) == [site.name for site in network.sites()]
    assert set(network.grids(grid).values()) == {grid}
    for site in network.sites():
        assert network.tap(site.name) is not None


@pytest.mark.parametrize(("kind", "reach"), [("mlp", 2), ("tdnn", 10)])
def test_a_score_sees_as_far_as_it_says(kind: str, reach: int) -> None:
    torch.manual_seed(0)
    network = network_of(kind, {"n_features": 6, "n_symbols": 4, **SHAPES[kind]}).double().eval()
    features = torch.randn(1, 60, 6, dtype=torch.float64)
    changed = features.clone()
    changed[0, 30, 0] += 1
    changed[0, 0, 0] -= 1
    differs = ((network(features, torch.tensor([60]))[0] - network(changed, torch.tensor([60]))[0]).abs() > 1e-9).any(
        -1
    )
    frames = np.flatnonzero(differs[0, 15:].numpy()) + 15
    assert (frames.min(), frames.max()) == (30 - reach, 30 + reach)
    if kind == "tdnn":
        assert network.reach == reach


def test_shapes_that_make_no_network_are_refused() -> None:
    assert {"factorized-tdnn", "lstm", "mlp", "tdnn"} <= set(NETWORKS)
    usual = {"n_features": 6, "n_symbols": 4}
    for kind, wrong in (("mlp", {"n_hidden": ()}), ("tdnn", {"dilations": ()}), ("lstm", {"n_layers": 0})):
        with pytest.raises(BadInput, match="needs"):
            network_of(kind, usual | wrong)
    with pytest.raises(BadInput, match="not the shape of a lstm"):
        network_of("lstm", usual | {"width": 3})
    with pytest.raises(BadInput, match="no multiples of 2"):
        network_of("tdnn", usual | SHAPES["tdnn"])(torch.zeros(1, 5, 6), torch.tensor([5]), step=2)
