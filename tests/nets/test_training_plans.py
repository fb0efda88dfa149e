"""What a plan can ask for: joint batches, averages, schedules, number formats; steps that are no numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from training_tasks import Signs, made

from otoscope.core import BadInput
from otoscope.nets.training import Report, TrainingPlan, observed, train
from otoscope.nets.training.averaging import Kept, MovingAverage, mean_weights
from otoscope.nets.training.precision import moved
from otoscope.nets.training.schedules import rate


class Joint(Signs):
    """Whole epochs as one batch of unequal halves, or as one joint batch."""

    def __init__(self, parts):
        super().__init__(noise=0.0, double=True)
        self.parts = parts

    def batches(self, rng):
        cuts = np.array_split(np.arange(7), [5]) if self.parts == 2 else [np.arange(7)]
        return [self.batch(cut, rng) for cut in cuts]


def test_accumulated_batches_make_the_step_of_the_joint_batch():
    """The loss is a mean over frames, the weight their number: exact also where the halves are unequal."""
    found = []
    for parts in (1, 2):
        network = made(dropout=0.0).double()
        train(network, Joint(parts), TrainingPlan(epochs=3, learning_rate=0.02, accumulate=parts))
        found.append(network.state_dict())
    for name, value in found[0].items():
        assert torch.allclose(value, found[1][name], rtol=0, atol=1e-12)


class Steps:
    """Writes down what a run tells."""

    def __init__(self):
        self.rates, self.norms, self.done, self.epochs = [], [], [], []

    def resumed(self, report):
        raise AssertionError("nothing was resumed")

    def stepped(self, report: Report):
        self.rates.append(report.rate)
        self.norms.append(report.gradient_norm)
        self.done.append(report.done)

    def finished_epoch(self, report):
        self.epochs.append(report.history)


def test_observers_are_told_of_every_step_and_epoch():
    inner, outer = Steps(), Steps()
    plan = TrainingPlan(epochs=2, learning_rate=0.01, warmup=0.5, schedule="constant", accumulate=2)
    with observed(outer):
        history = train(made(), Signs(), plan, observers=[inner])
    n_steps = len(outer.rates)
    assert outer.rates == inner.rates == pytest.approx([0.01 * min(1, 2 * done) for done in outer.done])
    assert outer.done == sorted(outer.done)
    assert outer.done[-1] == 1.0
    assert all(math.isfinite(norm) and norm > 0 for norm in outer.norms)
    assert outer.epochs[-1] == history
    train(made(), Signs(), TrainingPlan(epochs=1))
    assert len(outer.rates) == n_steps


def test_schedules_are_the_published_ones():
    warmup, steps = 0.04, np.arange(1, 101)
    noam = [min(step**-0.5, step * 4**-1.5) for step in steps]
    found = [rate("noam", step / 100, warmup=warmup) for step in steps]
    assert found == pytest.approx([value / max(noam) for value in noam])
    assert [rate("cosine", done, warmup=0.0) for done in (0.0, 0.5, 1.0)] == pytest.approx([1.0, 0.5, 0.0])
    losses = [4.0, 3.0, 3.0, 3.5, 2.0, 1.999]
    assert [rate("newbob", 0.5, warmup=0.0, valid_losses=losses[:n]) for n in range(7)] == [
        1,
        1,
        1,
        0.5,
        0.25,
        0.25,
        0.125,
    ]


def test_the_mean_of_the_best_or_last_epochs_is_kept():
    network = nn.Linear(1, 1, bias=False)
    for of, wanted in (("best", {1, 3}), ("last", {3, 4})):
        kept = Kept(2, of)
        for epoch, loss in enumerate([3.0, 1.0, 2.5, 2.0, 2.2]):
            nn.init.constant_(network.weight, epoch)
            kept.offer(epoch, loss, network)
        assert {epoch for epoch, _, _ in kept.entries} == wanted
        assert kept.mean()["weight"].item() == sum(wanted) / 2
    counters = [{"n": torch.tensor(1), "w": torch.tensor(1.0)}, {"n": torch.tensor(2), "w": torch.tensor(4.0)}]
    assert mean_weights(counters) == {"n": torch.tensor(2), "w": torch.tensor(2.5)}


def test_a_run_keeps_the_mean_of_its_last_epochs():
    seen = []

    class Watching(Signs):
        def validate(self, network):
            seen.append({name: value.clone() for name, value in network.state_dict().items()})
            return super().validate(network)

    network = made()
    train(network, Watching(), TrainingPlan(epochs=4, learning_rate=0.02, average=3, average_of="last"))
    for name, value in network.state_dict().items():
        wanted = torch.stack([weights[name].double() for weights in seen[-3:]]).mean(0)
        assert torch.allclose(value, wanted.float())


def test_a_moving_average_follows_its_recursion_and_is_what_is_kept():
    network, wanted = nn.Linear(1, 1, bias=False), None
    nn.init.constant_(network.weight, 1.0)
    average, wanted = MovingAverage(network, 0.5), 1.0
    for step in range(1, 40):
        nn.init.constant_(network.weight, step)
        average.update(network)
        decay = min(0.5, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay) * step
    assert average.weights["weight"].item() == pytest.approx(wanted, rel=1e-6)
    with average.inside(network):
        assert network.weight.item() == average.weights["weight"].item()
    assert network.weight.item() == 39
    plain, averaged = made(), made()
    train(plain, Signs(), TrainingPlan(epochs=1, learning_rate=0.02))
    train(averaged, Signs(), TrainingPlan(epochs=1, learning_rate=0.02, ema=0.99))
    start = made().head.weight
    assert (averaged.head.weight - start).norm() < (plain.head.weight - start).norm()


def test_bfloat16_runs_and_learns_nearly_the_same():
    losses = []
    for precision in ("float32", "bfloat16"):
        plan = TrainingPlan(epochs=4, learning_rate=0.02, precision=precision)
        losses.append(train(made(), Signs(), plan).train_losses)
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], abs=0.05)
    with pytest.raises(BadInput, match="'float16' needs a GPU"):
        train(made(), Signs(), TrainingPlan(precision="float16"))


class Sometimes(Signs):
    """One batch in three has a loss that is no number."""

    def __init__(self, bad):
        super().__init__()
        self.bad, self.n = bad, 0

    def loss(self, network, batch):
        self.n += torch.is_grad_enabled()
        return super().loss(network, batch) * (self.bad if torch.is_grad_enabled() and self.n % 3 == 0 else 1.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_steps_that_are_no_numbers_are_left_out_or_end_the_run(bad):
    network = made()
    history = train(network, Sometimes(bad), TrainingPlan(epochs=3, learning_rate=0.02, skip_nonfinite=1))
    assert all(math.isfinite(loss) for loss in history.train_losses)
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())
    with pytest.raises(BadInput, match=r"loss became (nan|inf) in epoch 0; take a lower learning rate"):
        train(made(), Sometimes(bad), TrainingPlan(epochs=3, learning_rate=0.02))


def test_a_plan_that_cannot_be_is_refused():
    for wrong, says in (
        ({"schedule": "cosin"}, "schedule is 'cosin'; one of cosine, noam"),
        ({"epochs": 0}, "must be 1 or more"),
        ({"ema": 1.0}, "between 0 and 1"),
        ({"learning_rate": 0.0}, "learning_rate > 0"),
        ({"precision": "int8"}, "precision is 'int8'"),
    ):
        with pytest.raises(BadInput, match=says):
            TrainingPlan(**wrong)
    with pytest.raises(BadInput, match="device 'tpu' is not here"):
        train(made(), Signs(), TrainingPlan(device="tpu"))


def test_batches_of_any_shape_move_to_a_device():
    from otoscope.recognizers.ctc.training import CtcBatch

    meta, x = torch.device("meta"), torch.zeros(2)
    batch = {"a": (x, [x, 3]), "b": CtcBatch(x, x, x, x)}
    found = moved(batch, meta)
    assert found["a"][0].device == found["a"][1][0].device == found["b"].labels.device == meta
    assert found["a"][1][1] == 3
    assert moved(x, torch.device("cpu")) is x
