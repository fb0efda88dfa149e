"""A run that is killed, or interrupted, goes on to the same weights and history, to the bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import training_tasks
from training_tasks import EVERYTHING, Signs, made

from otoscope.core import BadInput, CorruptWeights
from otoscope.nets.checkpoint import read_checkpoint
from otoscope.nets.training import TrainingPlan, train


def same_weights(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_kill_9_at_random_moments_changes_nothing(tmp_path):
    command = [sys.executable, training_tasks.__file__, "kill", str(tmp_path), "6"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["killed"] >= 1
    calm, rough = (torch.load(tmp_path / name / "weights.pt", weights_only=True) for name in ("calm", "rough"))
    assert same_weights(calm, rough)
    assert (tmp_path / "calm/history.json").read_text() == (tmp_path / "rough/history.json").read_text()


class Watching(Signs):
    """Presses Ctrl-C while the loss of one batch is computed."""

    def __init__(self, press_at):
        super().__init__()
        self.n_losses, self.press_at = 0, press_at

    def loss(self, network, batch):
        self.n_losses += 1
        if self.n_losses == self.press_at:
            signal.raise_signal(signal.SIGINT)
        return super().loss(network, batch)


def test_ctrl_c_ends_the_step_keeps_it_and_changes_nothing(tmp_path):
    plan = TrainingPlan(**{**EVERYTHING, "checkpoint_steps": None})
    calm, rough = made(), made()
    wanted = train(calm, Signs(), plan)
    with pytest.raises(KeyboardInterrupt):
        train(rough, Watching(3), plan, checkpoint=tmp_path / "run.pt")
    assert read_checkpoint(tmp_path / "run.pt")["epoch"][0] == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    again = made()
    assert train(again, Signs(), plan, checkpoint=tmp_path / "run.pt") == wanted
    assert same_weights(again.state_dict(), calm.state_dict())


def test_how_often_checkpoints_are_written_may_change(tmp_path):
    path = tmp_path / "run.pt"
    train(made(), Signs(), TrainingPlan(epochs=1), checkpoint=path)
    train(made(), Signs(), TrainingPlan(epochs=1, checkpoint_steps=3, checkpoint_s=None), checkpoint=path)
    with pytest.raises(BadInput, match="another precision, ema"):
        train(made(), Signs(), TrainingPlan(epochs=1, ema=0.9, precision="bfloat16"), checkpoint=path)


def test_a_checkpoint_of_another_version_is_refused(tmp_path):
    path, plan = tmp_path / "run.pt", TrainingPlan(epochs=1)
    torch.save({"plan": plan.fixed(), "network": made().state_dict()}, path)
    with pytest.raises(CorruptWeights, match="not a checkpoint of this version"):
        train(made(), Signs(), plan, checkpoint=path)


def torchrun(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [*command, training_tasks.__file__, "ddp", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_from_joint_batches(tmp_path):
    (tmp_path / "killed").mkdir()
    assert torchrun(tmp_path / "killed", STOP_AT="4").returncode != 0
    assert read_checkpoint(tmp_path / "killed/run.pt")["n_processes"] == 2
    alone = made(dropout=0.0).double()
    history = train(alone, Signs(double=True), TrainingPlan(epochs=3, learning_rate=0.02, accumulate=4))
    (tmp_path / "calm").mkdir()
    for name in ("killed", "calm"):
        done = torchrun(tmp_path / name)
        assert done.returncode == 0, done.stderr
        found = [torch.load(tmp_path / name / f"rank{rank}.pt", weights_only=True) for rank in range(2)]
        assert same_weights(found[0][0], found[1][0])
        for key, value in alone.state_dict().items():
            assert torch.allclose(found[0][0][key], value, rtol=0, atol=1e-9)
        assert found[0][1] == pytest.approx(history.train_losses, abs=1e-9)
    both = [torch.load(tmp_path / name / "rank0.pt", weights_only=True)[0] for name in ("killed", "calm")]
    assert same_weights(*both)
