"""Small tasks for the tests of the training loop; also run as a program by those that need processes of their own."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from otoscope.nets.batching import LazyBatches, bucketed
from otoscope.nets.recurrent import Lstm
from otoscope.nets.training import TrainingPlan, train

EVERYTHING = {
    "epochs": 3,
    "learning_rate": 0.02,
    "accumulate": 2,
    "ema": 0.9,
    "average": 2,
    "checkpoint_steps": 1,
    "schedule": "newbob",
}


class Tagger(nn.Module):
    """An LSTM with dropout that says the sign of a running sum."""

    def __init__(self, dropout=0.3):
        super().__init__()
        self.lstm, self.dropout, self.head = Lstm(2, 6), nn.Dropout(dropout), nn.Linear(6, 1)

    def forward(self, x, lengths):
        return self.head(self.dropout(self.lstm(x, lengths)[0]))[..., 0]


class Signs:
    """Rows of 3 to 12 frames; each batch draws noise, so that every generator counts."""

    def __init__(self, noise=0.1, n=48, double=False):
        rng = np.random.default_rng(5)
        dtype = np.float64 if double else np.float32
        self.rows = [rng.standard_normal((int(rng.integers(3, 13)), 2)).astype(dtype) for _ in range(n)]
        self.noise = noise

    def batches(self, rng):
        groups = bucketed([len(row) for row in self.rows], most=30, rng=rng, pool=12)
        return LazyBatches(groups, self.batch, seed=int(rng.integers(2**32)))

    def batch(self, chosen, rng):
        lengths = torch.tensor([len(self.rows[i]) for i in chosen])
        x = torch.zeros(len(chosen), int(lengths.max()), 2, dtype=torch.from_numpy(self.rows[0]).dtype)
        wanted = torch.zeros(x.shape[:2], dtype=x.dtype)
        for k, i in enumerate(chosen):
            row = torch.from_numpy(
                self.rows[i] + (self.noise * rng.standard_normal(self.rows[i].shape)).astype(x.numpy().dtype)
            )
            x[k, : len(row)] = row
            wanted[k, : len(row)] = (row.sum(1).cumsum(0) > 0).to(x.dtype)
        return x, lengths, wanted

    def weight(self, batch):
        return float(batch[1].sum())

    def loss(self, network, batch):
        x, lengths, wanted = batch
        real = torch.arange(x.shape[1])[None] < lengths[:, None]
        return nn.functional.binary_cross_entropy_with_logits(network(x, lengths)[real], wanted[real])

    def validate(self, network):
        return float(self.loss(network, self.batch(range(8), np.random.default_rng(0))))


def made(**kwargs):
    torch.manual_seed(0)
    return Tagger(**kwargs)


def run(folder: Path, plan: TrainingPlan) -> None:
    """Train into a folder, and leave weights and history there."""
    network = made()
    history = train(network, Signs(), plan, checkpoint=folder / "run.pt")
    torch.save(network.state_dict(), folder / "weights.pt")
    (folder / "history.json").write_text(json.dumps([history.train_losses, history.valid_losses, history.best_epoch]))


def killed_again_and_again(folder: Path, n_kills: int) -> None:
    """Run once undisturbed, and once in processes that are killed at random moments; print how many were killed."""
    plan, (calm, rough) = TrainingPlan(**EVERYTHING), (folder / "calm", folder / "rough")
    calm.mkdir()
    rough.mkdir()
    torch.optim.AdamW(made().parameters()).step()  # loads what each child would load anew
    began = time.monotonic()
    _in_child(lambda: run(calm, plan))
    whole_s, draw, n_killed, n_within = time.monotonic() - began, random.Random(3), 0, 0
    while not (rough / "history.json").exists():
        after_s = draw.uniform(0, whole_s / 2) if n_killed < n_kills else None
        n_killed += _in_child(lambda: run(rough, plan), kill_after_s=after_s)
        if (rough / "run.pt").exists():
            n_within += bool(torch.load(rough / "run.pt", weights_only=True)["epoch"][0])
    print(json.dumps({"killed": n_killed, "within": n_within}))


def _in_child(work, kill_after_s=None) -> bool:
    """Do some work in a forked process; return whether it was killed before it was done."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status) != 0:
        raise SystemExit("the child failed")
    return os.WIFSIGNALED(status)


def several_processes(folder: Path) -> None:
    """Train as one of the processes that torchrun started; process 0 leaves the weights."""
    network = made(dropout=0.0).double()
    if os.environ["RANK"] != "0":
        with torch.no_grad():
            network.head.weight.zero_()
    plan = TrainingPlan(epochs=3, learning_rate=0.02, accumulate=2, checkpoint_steps=1)
    stop_at = int(os.environ.get("STOP_AT", "0"))

    class Stopping:
        def resumed(self, report):
            pass

        def stepped(self, report):
            if report.n_steps_done == stop_at:
                os._exit(9)

        def finished_epoch(self, report):
            pass

    history = train(network, Signs(double=True), plan, checkpoint=folder / "run.pt", observers=[Stopping()])
    torch.save((network.state_dict(), history.train_losses), folder / f"rank{os.environ['RANK']}.pt")


if __name__ == "__main__":
    torch.set_num_threads(1)
    what, where = sys.argv[1], Path(sys.argv[2])
    if what == "kill":
        killed_again_and_again(where, int(sys.argv[3]))
    else:
        several_processes(where)
