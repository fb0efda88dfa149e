"""The loss of lattice-free MMI: its gradient is that of minus the objective, whatever its parts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from otoscope.decoding.mmi import PhoneTrigrams, denominator_graph, numerator_graph, occupancies, transcript_lattice
from otoscope.nets.factorized import FactorizedNetwork, FactorizedShape
from otoscope.nets.mmi import MmiNetwork, Posteriors, mmi_loss, posteriors
from otoscope.recognizers.hybrid.phones import tied_biphones

LEXICON = {"see": [("S", "IY")], "sue": [("S", "UW")], "tea": [("T", "IY")]}
LATTICES = [transcript_lattice(words, LEXICON) for words in (["see"], ["sue", "tea"], ["tea", "see"])]
TRIGRAMS = PhoneTrigrams.of(LATTICES)
BIPHONES = tied_biphones(TRIGRAMS.counts, ("S", "T", "IY", "UW"), least=1.0)
COLUMNS = {pair: BIPHONES.columns(*pair) for pair in TRIGRAMS.pairs()}
DENOMINATOR = denominator_graph(TRIGRAMS, COLUMNS)
TRANSCRIPTS = [numerator_graph(LATTICES[1], TRIGRAMS, COLUMNS), None, np.arange(6) % 4]
N_COLUMNS = 2 * len(set(BIPHONES.units.values()))
LENGTHS = np.array([9, 7, 6])


def logits_of(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(3, 9, N_COLUMNS)).astype(np.float32)


def objective(logits: np.ndarray) -> float:
    return float(posteriors(logits, LENGTHS, TRANSCRIPTS, DENOMINATOR).objectives.sum())


def test_objectives_are_of_the_transcripts_among_all_phones() -> None:
    logits = logits_of()
    found = posteriors(logits, LENGTHS, TRANSCRIPTS, DENOMINATOR)
    assert found.usable.tolist() == [True, False, True]
    said, _ = occupancies(logits[0], TRANSCRIPTS[0])
    anything, _ = occupancies(logits[0], DENOMINATOR)
    assert found.objectives[0] == pytest.approx(said - anything, abs=0.01)
    assert found.objectives[1] == 0.0
    assert not found.said[1].any()
    assert not found.anything[1].any()
    np.testing.assert_allclose(found.said[0].sum(1), 1, atol=1e-5)
    np.testing.assert_array_equal(found.said[2, :6].argmax(1), TRANSCRIPTS[2])
    assert not found.said[2, 6:].any()


def test_the_gradient_is_that_of_minus_the_objective() -> None:
    logits, n_frames, step = logits_of(), 22, 1e-2
    leaf = torch.tensor(logits, requires_grad=True)
    auxiliary = torch.zeros(3, 9, N_COLUMNS)
    found = posteriors(logits, LENGTHS, TRANSCRIPTS, DENOMINATOR)
    loss = mmi_loss(leaf, auxiliary, found, n_frames, cross_entropy=0.0)
    counted = np.arange(9) < np.where(found.usable, LENGTHS, 0)[:, None]
    bounded = 5e-5 * np.square(logits.astype(np.float64))[counted].sum()
    assert loss.item() == pytest.approx((bounded - found.objectives.sum()) / n_frames, rel=1e-4)
    (gradient,) = torch.autograd.grad(loss, leaf)
    rng = np.random.default_rng(1)
    for _ in range(60):
        place = (int(rng.integers(3)), int(rng.integers(9)), int(rng.integers(N_COLUMNS)))
        up, down = logits.copy(), logits.copy()
        up[place] += step
        down[place] -= step
        slope = -(objective(up) - objective(down)) / (2 * step) + 1e-4 * logits[place] * counted[place[:2]]
        assert float(gradient[place]) * n_frames == pytest.approx(slope, abs=3e-3)


def test_padding_and_what_does_not_fit_change_nothing() -> None:
    logits, auxiliary = logits_of(), logits_of(3)

    def loss_and_slope(logits: np.ndarray, auxiliary: np.ndarray) -> tuple[float, torch.Tensor]:
        leaf = torch.tensor(logits, requires_grad=True)
        found = posteriors(logits, LENGTHS, TRANSCRIPTS, DENOMINATOR)
        loss = mmi_loss(leaf, torch.tensor(auxiliary), found, 15, cross_entropy=0.5)
        return loss.item(), torch.autograd.grad(loss, leaf)[0]

    loss, slope = loss_and_slope(logits, auxiliary)
    other = np.arange(9) >= np.array([9, 0, 6])[:, None]
    loud, strange = logits.copy(), auxiliary.copy()
    loud[other] = 80.0
    strange[other] *= -5.0
    again, other_slope = loss_and_slope(loud, strange)
    assert again == loss
    torch.testing.assert_close(other_slope, slope, rtol=0, atol=0)
    assert not other_slope[torch.from_numpy(other)].any()
    padded = [np.concatenate([each, np.full((3, 4, N_COLUMNS), 9, np.float32)], 1) for each in (logits, auxiliary)]
    longer, longer_slope = loss_and_slope(padded[0], padded[1])
    assert longer == pytest.approx(loss, rel=1e-6)
    torch.testing.assert_close(longer_slope[:, :9], slope)


def test_cross_entropy_pulls_the_auxiliary_output_alone() -> None:
    logits = logits_of()
    found = posteriors(logits, LENGTHS, TRANSCRIPTS, DENOMINATOR)
    leaf, auxiliary = torch.tensor(logits), torch.tensor(logits_of(2), requires_grad=True)
    loss = mmi_loss(leaf, auxiliary, found, 22, cross_entropy=0.5)
    (gradient,) = torch.autograd.grad(loss, auxiliary)
    shares = torch.softmax(auxiliary.detach(), -1) * torch.from_numpy(found.said).sum(-1, keepdim=True)
    torch.testing.assert_close(gradient, 0.5 * (shares - torch.from_numpy(found.said)) / 22, rtol=1e-4, atol=1e-6)


def test_a_perfect_network_has_nothing_to_learn() -> None:
    same = np.full((1, 4, 3), 1 / 3, np.float32)
    found = Posteriors(same, same, np.zeros(1), np.ones(1, bool))
    leaf = torch.zeros(1, 4, 3, requires_grad=True)
    (gradient,) = torch.autograd.grad(mmi_loss(leaf, torch.zeros(1, 4, 3), found, 4, cross_entropy=0.0), leaf)
    assert not gradient.any()


def test_training_keeps_bottlenecks_near_orthogonal() -> None:
    torch.manual_seed(0)
    shape = FactorizedShape(8, N_COLUMNS, channels=(2, 2), n_units=16, n_bottleneck=4, dilations=(1,), n_prefinal=4)
    network = MmiNetwork(FactorizedNetwork(shape))
    weight = network.acoustic.tdnn[0].down.weight
    with torch.no_grad():
        weight += 0.1 * torch.randn_like(weight)

    def gap() -> float:
        product = (weight @ weight.T).detach()
        product = product / product.diagonal().mean()
        return float((product - torch.eye(4)).norm())

    before = gap()
    network.train()
    for _ in range(40):
        network(torch.randn(1, 6, 8), torch.tensor([6]))
    assert gap() < 0.2 * before
    assert int(network.n_steps) == 40
