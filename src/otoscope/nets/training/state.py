"""Everything a run is at one moment, as a checkpoint keeps it: nothing else decides how it goes on."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from otoscope.core import BadInput, CorruptWeights
from otoscope.nets.checkpoint import read_checkpoint, write_checkpoint
from otoscope.nets.training.averaging import Kept, MovingAverage
from otoscope.nets.training.distributed import World
from otoscope.nets.training.plan import History, Task, TrainingPlan
from otoscope.nets.training.precision import Mixed, device_named


class Run:
    """A network in training: weights, optimiser, generators, the place in the epoch, running sums, history.

    An epoch begins with a generator made from (seed, epoch), from which the task draws its batches and torch its seed.
    Within an epoch, `begun` epochs are over, `step` steps done, and `generators` says where the generators stood.
    """

    def __init__(self, network: nn.Module, task: Task[Any], plan: TrainingPlan, world: World) -> None:
        self.network, self.task, self.plan, self.world = network, task, plan, world
        self.device = device_named(plan.device)
        network.to(self.device)
        world.share_state(network)
        self.parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=plan.learning_rate, betas=plan.betas, weight_decay=plan.weight_decay
        )
        self.mixed = Mixed(plan.precision, self.device)
        self.ema = None if plan.ema is None else MovingAverage(network, plan.ema)
        self.kept = Kept(plan.average, plan.average_of)
        self.history = History()
        self.step, self.loss_sum, self.n_batches, self.n_skipped = 0, 0.0, 0, 0
        self.generators: list[dict[str, Any]] | None = None

    @property
    def epoch(self) -> int:
        """The epoch that goes on, from 0: so many are over."""
        return len(self.history.train_losses)

    @property
    def stopped(self) -> bool:
        """Whether all epochs are over, or patience is."""
        patience = self.plan.patience
        return self.epoch >= self.plan.epochs or (
            patience is not None and self.epoch - 1 - self.history.best_epoch >= patience
        )

    def close_epoch(self, valid_loss: float) -> None:
        """Write the epoch into the history and begin the next."""
        self.history = History(
            (*self.history.train_losses, self.loss_sum / max(1, self.n_batches)),
            (*self.history.valid_losses, valid_loss),
            self.epoch if self._improved(valid_loss) else self.history.best_epoch,
        )
        self.step, self.loss_sum, self.n_batches, self.generators = 0, 0.0, 0, None

    def _improved(self, valid_loss: float) -> bool:
        before = self.history.valid_losses
        return valid_loss != valid_loss or not before or valid_loss < min(before)

    def save(self, path: Path, rng: np.random.Generator | None = None) -> None:
        """Write a checkpoint, within an epoch together with its generator `rng`; only process 0 writes."""
        generators = None if rng is None else self.world.all(_generators(rng, self.device))
        if self.world.leads:
            write_checkpoint(path, self._saved(generators))

    def _saved(self, generators: list[dict[str, Any]] | None) -> dict[str, Any]:
        return {
            "plan": self.plan.fixed(),
            "n_processes": self.world.size,
            "history": asdict(self.history),
            "epoch": [self.step, self.loss_sum, self.n_batches, self.n_skipped],
            "generators": generators,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scale": self.mixed.scaler.state_dict(),
            "ema": None if self.ema is None else self.ema.state(),
            "kept": self.kept.entries,
        }

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises
        ------
        BadInput
            It belongs to another plan, network or number of processes.
        CorruptWeights
            It cannot be read.
        """
        saved = self.world.same(read_checkpoint(path) if self.world.leads else None)
        now = self.plan.fixed() | {"n_processes": self.world.size}
        before = saved["plan"] | {"n_processes": saved.get("n_processes", 1)}
        differing = [name for name in now if before.get(name) != now[name]]
        if differing:
            raise BadInput(
                f"checkpoint {path} was written with another {', '.join(differing)}; remove it to start anew"
            )
        try:
            self._restore(saved)
        except RuntimeError as error:
            raise BadInput(f"checkpoint {path} is of another network: {str(error).splitlines()[0]}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptWeights(f"{path} is not a checkpoint of this version; remove it to start anew") from error

    def _restore(self, saved: dict[str, Any]) -> None:
        self.network.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.mixed.scaler.load_state_dict(saved["scale"])
        if self.ema is not None:
            self.ema.restore(saved["ema"])
        self.kept.entries = [(epoch, loss, weights) for epoch, loss, weights in saved["kept"]]
        self.history = History(**saved["history"])
        self.step, self.loss_sum, self.n_batches, self.n_skipped = saved["epoch"]
        self.generators = saved["generators"]

    def restore_generators(self, rng: np.random.Generator) -> None:
        """Bring torch's generators and the epoch's own to where they stood; nothing at the beginning of an epoch."""
        if self.generators is None:
            return
        saved = self.generators[self.world.rank]
        rng.bit_generator.state = json.loads(saved["numpy"])
        torch.set_rng_state(saved["torch"])
        if saved["cuda"] is not None:
            torch.cuda.set_rng_state(saved["cuda"], self.device)


def _generators(rng: np.random.Generator, device: torch.device) -> dict[str, Any]:
    cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return {"numpy": json.dumps(rng.bit_generator.state), "torch": torch.get_rng_state(), "cuda": cuda}
