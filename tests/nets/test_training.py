"""The training loop: reproducible, resumable to the same weights, and it leaves torch as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from otoscope.core import BadInput, CorruptWeights
from otoscope.nets.training import TrainingPlan, train


class Regression:
    """Learn y = x w with dropout; the loss on held-out data can be given by hand."""

    def __init__(self, valid_losses=None, fail_at=None):
        self.valid_losses, self.fail_at, self.n_epochs = valid_losses, fail_at, 0

    def batches(self, rng):
        self.n_epochs += 1
        x = torch.from_numpy(rng.normal(size=(4, 8, 3))).float()
        return [(b, b @ torch.tensor([1.0, -2.0, 0.5])) for b in x]

    def loss(self, network, batch):
        if self.fail_at is not None and self.n_epochs > self.fail_at:
            raise KeyboardInterrupt
        return (network(batch[0]).squeeze(-1) - batch[1]).square().mean()

    def validate(self, network):
        if self.valid_losses is not None:
            return self.valid_losses[self.n_epochs - 1]
        x = torch.eye(3)
        return float((network(x).squeeze(-1) - torch.tensor([1.0, -2.0, 0.5])).square().mean())


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.2), nn.ReLU(), nn.Linear(8, 1))


def weights(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def test_the_same_seed_gives_the_same_weights_whatever_torch_drew_before():
    found = []
    for seed in (0, 0, 1):
        net = network()
        torch.manual_seed(len(found))
        history = train(net, Regression(), TrainingPlan(epochs=5, seed=seed, learning_rate=0.02))
        found.append(weights(net))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert history.valid_losses[-1] < history.valid_losses[0]


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path):
    plan, undisturbed = TrainingPlan(epochs=6, learning_rate=0.02), network()
    expected = train(undisturbed, Regression(), plan)
    with pytest.raises(KeyboardInterrupt):
        train(network(), Regression(fail_at=3), plan, checkpoint=tmp_path / "run.pt")
    resumed = network(seed=9)
    seen = []
    history = train(
        resumed, Regression(), plan, checkpoint=tmp_path / "run.pt", progress=lambda done, total: seen.append(done)
    )
    assert torch.equal(weights(resumed), weights(undisturbed))
    assert history == expected
    assert seen == [4, 5, 6]


def test_the_best_epoch_is_kept_and_patience_ends_the_run():
    kept = {}

    class Watching(Regression):
        def validate(self, net):
            kept[self.n_epochs - 1] = weights(net).clone()
            return super().validate(net)

    net = network()
    history = train(net, Watching([3.0, 1.0, 2.0, 2.0, 0.5]), TrainingPlan(epochs=5, patience=2, learning_rate=0.02))
    assert history.valid_losses == (3.0, 1.0, 2.0, 2.0)
    assert history.best_epoch == 1
    assert torch.equal(weights(net), kept[1])


def test_without_held_out_data_the_last_epoch_is_kept():
    history = train(network(), Regression([float("nan")] * 3), TrainingPlan(epochs=3))
    assert history.best_epoch == 2


def test_torch_is_left_as_it_was():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    train(network(), Regression(), TrainingPlan(epochs=1, n_threads=threads + 1))
    torch.manual_seed(5)
    with pytest.raises(KeyboardInterrupt):
        train(nn.Linear(3, 1), Regression(fail_at=0), TrainingPlan(epochs=1, n_threads=threads + 1))
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory == filled
    torch.manual_seed(5)
    train(nn.Sequential(nn.Linear(3, 1)), Regression(), TrainingPlan(epochs=1))
    net_draws = torch.rand(3)
    torch.manual_seed(5)
    nn.Linear(3, 1)
    assert torch.equal(net_draws, torch.rand(3))
    assert expected.shape == (3,)


def test_learning_rate_rises_and_falls():
    plan = TrainingPlan(learning_rate=1.0, warmup=0.2)
    assert [plan.rate_at(x) for x in (0.1, 0.2, 1.0)] == pytest.approx([0.5, 1.0, 0.0])


def test_what_cannot_go_on_says_why(tmp_path):
    path = tmp_path / "run.pt"
    train(network(), Regression(), TrainingPlan(epochs=1), checkpoint=path)
    with pytest.raises(BadInput, match="written with another epochs, seed"):
        train(network(), Regression(), TrainingPlan(epochs=2, seed=1), checkpoint=path)
    with pytest.raises(BadInput, match="of another network"):
        train(nn.Linear(3, 1), Regression(), TrainingPlan(epochs=1), checkpoint=path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(CorruptWeights, match="not a readable checkpoint"):
        train(network(), Regression(), TrainingPlan(epochs=1), checkpoint=path)

    class Broken(Regression):
        def loss(self, net, batch):
            return super().loss(net, batch) * np.nan

    with pytest.raises(BadInput, match="loss became nan in epoch 0"):
        train(network(), Broken(), TrainingPlan(epochs=1))
