"""The factorised network: padding, times, taps, and what keeps its bottlenecks semi-orthogonal."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from otoscope.core import BadInput, FrameGrid
from otoscope.nets.factorized import FactorizedNetwork, FactorizedShape
from otoscope.nets.hooks import edited, recorded

SHAPE = FactorizedShape(16, 10, channels=(3, 4), n_units=24, n_bottleneck=6, dilations=(0, 1, 2), n_prefinal=8)


@pytest.fixture
def network() -> FactorizedNetwork:
    torch.manual_seed(0)
    net = FactorizedNetwork(SHAPE).double().eval()
    torch.nn.init.normal_(net.head.weight)
    return net


def test_padding_and_neighbours_in_the_batch_change_nothing(network: FactorizedNetwork) -> None:
    lengths = torch.tensor([31, 17, 1, 30])
    features = torch.randn(4, 34, 16, dtype=torch.float64)
    together, n_out = network(features, lengths)
    assert n_out.tolist() == [11, 6, 1, 10]
    for row, n, k, logits in zip(features, lengths, n_out, together, strict=True):
        alone, _ = network(row[None, :n], torch.tensor([n]))
        torch.testing.assert_close(alone[0], logits[:k])


def test_every_site_has_its_grid_and_width(network: FactorizedNetwork) -> None:
    grid = FrameGrid(16000, -120, 160, 400, 31)
    names = [site.name for site in network.sites()]
    with recorded(network, names) as seen:
        network(torch.randn(1, 31, 16, dtype=torch.float64), torch.tensor([31]))
    grids = network.grids(grid)
    assert list(grids) == names
    for site in network.sites():
        assert seen[site.name].shape[2] == site.n_units
        assert seen[site.name].shape[1] >= grids[site.name].n_frames
    assert grids["logits"].n_frames == 11
    assert grids["logits"].times_s()[1] - grids["logits"].times_s()[0] == pytest.approx(0.03)
    assert grids["logits"].times_s()[0] == pytest.approx(grid.times_s()[1])


def test_a_score_sees_no_further_than_its_reach(network: FactorizedNetwork) -> None:
    features = torch.randn(1, 90, 16, dtype=torch.float64)
    changed = features.clone()
    changed[0, 45] += 1
    changed[0, 0] -= 1
    before, after = (network(x, torch.tensor([90]))[0] for x in (features, changed))
    differs = ((before - after).abs() > 1e-9).any(-1)[0].numpy()
    frames = np.flatnonzero(differs[8:]) + 8
    assert frames.min() >= 15 - network.reach
    assert frames.max() <= 15 + network.reach


def test_an_edit_at_a_tap_takes_effect(network: FactorizedNetwork) -> None:
    features, lengths = torch.randn(1, 12, 16, dtype=torch.float64), torch.tensor([12])
    plain, _ = network(features, lengths)
    for site in ("conv.0", "tdnn.1", "prefinal"):
        with edited(network, {site: lambda values: values * 0}):
            assert not torch.equal(network(features, lengths)[0], plain)
    assert torch.equal(network(features, lengths)[0], plain)


def test_steps_lead_to_semi_orthogonality(network: FactorizedNetwork) -> None:
    layer = network.tdnn[1]
    with torch.no_grad():
        layer.down.weight += 0.05 * torch.randn_like(layer.down.weight)

    def distance() -> float:
        product = layer.down.weight @ layer.down.weight.T
        size = torch.trace(product @ product.T) / torch.trace(product)
        return torch.linalg.norm(product / size - torch.eye(6, dtype=torch.float64)).item()

    first = distance()
    for _ in range(30):
        network.make_orthogonal()
    assert distance() < 0.05 * first


def test_a_microphones_constant_colour_makes_no_difference(network: FactorizedNetwork) -> None:
    features, lengths = torch.randn(1, 20, 16, dtype=torch.float64), torch.tensor([20])
    coloured = features + torch.randn(16, dtype=torch.float64)
    torch.testing.assert_close(network(features, lengths)[0], network(coloured, lengths)[0])


def test_shapes_that_cannot_be_are_refused() -> None:
    with pytest.raises(BadInput, match="sizes above 0"):
        FactorizedShape(16, 10, dilations=())


@pytest.mark.parametrize("wanted", [slice(0, 3), slice(12, 15), slice(8, 30), slice(28, 40), slice(0, 60)])
def test_scores_of_a_part_are_those_of_the_whole(network: FactorizedNetwork, wanted: slice) -> None:
    lengths = torch.tensor([100, 88, 37])
    features = torch.randn(3, 101, 16, dtype=torch.float64)
    whole, n_out = network(features, lengths)
    found = network.within(features, lengths, wanted)
    for row, own, n in zip(found, whole, n_out.tolist(), strict=True):
        n_wanted = max(0, min(wanted.stop, n) - wanted.start)
        torch.testing.assert_close(row[:n_wanted], own[wanted.start : wanted.start + n_wanted])
