"""The loop itself: epochs, steps, checkpoints.

Everything random of an epoch is drawn from (seed, epoch), and a checkpoint within it keeps where the generators stood.
Determinism holds on one machine with one version of torch; the number of threads is pinned, since sums in another order
round otherwise.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from otoscope.core import BadInput
from otoscope.core.protocols import Progress
from otoscope.nets.training.determinism import deterministic
from otoscope.nets.training.distributed import joined
from otoscope.nets.training.interrupts import Interrupts, deferred
from otoscope.nets.training.observers import Observer, Report, watching
from otoscope.nets.training.plan import Batch, History, Task, TrainingPlan
from otoscope.nets.training.precision import device_named, moved
from otoscope.nets.training.state import Run


def train(
    network: nn.Module,
    task: Task[Batch],
    plan: TrainingPlan,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    observers: Sequence[Observer] = (),
) -> History:
    """Train a network in place; in the end it has the weights of the epoch with the lowest validation loss.

    Started by `torchrun`, several processes share every step; see `otoscope.nets.training.distributed`.

    Parameters
    ----------
    checkpoint
        File written after every epoch, and within epochs as the plan says. If it is there already, training goes on
        from it, to the same weights as if it had never stopped.
    progress
        Called with (epochs done, all epochs).
    observers
        Told of every step and epoch, besides those of `observed` blocks around.

    Raises
    ------
    BadInput
        The loss or its gradient became NaN or infinite, or the checkpoint belongs to another plan or network.
    CorruptWeights
        The checkpoint cannot be read.
    CannotWrite
        The checkpoint cannot be written.
    KeyboardInterrupt
        Ctrl-C was pressed; the step was ended, and a checkpoint written, before.
    """
    device = device_named(plan.device)
    with joined(device) as world, deterministic(plan.n_threads, device=device.type), deferred() as interrupts:
        run = Run(network, task, plan, world)
        path = None if checkpoint is None else Path(checkpoint)
        loop = _Loop(run, path, interrupts, (*watching(), *observers) if world.leads else ())
        if path is not None and world.same(path.exists()):
            run.resume(path)
            loop.goes_on = True
        while not run.stopped:
            loop.epoch()
            if progress is not None and world.leads:
                progress(run.epoch, plan.epochs)
    if run.kept.entries:
        network.load_state_dict(run.kept.mean())
    network.eval()
    return run.history


class _Loop:
    """One run, where its checkpoints go, and who is told."""

    def __init__(self, run: Run, path: Path | None, interrupts: Interrupts, observers: Sequence[Observer]) -> None:
        self.run, self.path, self.interrupts, self.observers = run, path, interrupts, observers
        self.saved_at, self.rate, self.goes_on = time.monotonic(), 0.0, False

    def epoch(self) -> None:
        """Train for one epoch, or for what is left of it; validate; write the checkpoint."""
        run = self.run
        rng = np.random.default_rng((run.plan.seed, run.epoch))
        torch.manual_seed(int(rng.integers(2**62)) + run.world.rank)
        batches = run.task.batches(rng)
        if not batches:
            raise BadInput("there is nothing to train on: the task gave no batch")
        run.restore_generators(rng)
        run.network.train()
        n_steps = math.ceil(len(batches) / (run.plan.accumulate * run.world.size))
        if self.goes_on:
            self.goes_on = False
            self.tell("resumed", self.report(n_steps, math.nan))
        for group in _shares(batches, run):
            self.rate = run.plan.rate_at(
                (run.epoch + (run.step + 1) / n_steps) / run.plan.epochs, run.history.valid_losses
            )
            norm = self.step(group)
            run.step += 1
            self.tell("stepped", self.report(n_steps, norm))
            self.pause(rng, last=run.step == n_steps)
        self.close(n_steps)

    def step(self, group: Sequence[Any]) -> float:
        """Change the weights by the gradient of the batches' joint loss; return its norm before clipping."""
        run = self.run
        for parameters in run.optimizer.param_groups:
            parameters["lr"] = self.rate
        run.optimizer.zero_grad()
        losses, total_weight = self.backward(group)
        if run.mixed.scaler.is_enabled():
            run.mixed.unscale(run.optimizer)
        run.world.sum_gradients(run.parameters)
        if total_weight is not None:
            for parameter in run.parameters:
                if parameter.grad is not None:
                    parameter.grad /= total_weight
        norm = float(nn.utils.clip_grad_norm_(run.parameters, run.plan.clip_norm))
        scaled = run.mixed.scaler.is_enabled() and math.isfinite(losses[0])
        if not scaled and not self.usable(losses[0], norm):
            return norm
        run.mixed.step(run.optimizer)
        if run.ema is not None:
            run.ema.update(run.network)
        run.loss_sum, run.n_batches, run.n_skipped = run.loss_sum + losses[0], run.n_batches + int(losses[1]), 0
        return norm

    def backward(self, group: Sequence[Any]) -> tuple[list[float], float | None]:
        """Add the gradients of all batches; return the losses' sum and number over all processes, and their weight.

        The weight is `None` where one batch makes the step: its gradient is used as it is.
        """
        run = self.run
        weigh = getattr(run.task, "weight", lambda batch: 1.0)
        alone = len(group) == 1 and run.world.size == 1
        loss_sum = weight_sum = 0.0
        for batch in group:
            weight = 1.0 if alone else float(weigh(batch))
            with run.mixed.forward():
                loss = run.task.loss(run.network, batch if run.device.type == "cpu" else moved(batch, run.device))
            loss_sum, weight_sum = loss_sum + loss.item(), weight_sum + weight
            run.mixed.backward(loss if alone else loss * weight)
        sums = run.world.sums([loss_sum, float(len(group)), weight_sum])
        return sums[:2], None if alone else sums[2]

    def usable(self, loss: float, norm: float) -> bool:
        """Whether the step may be made; a loss or gradient that is no number leaves it out, or ends the run."""
        run = self.run
        if math.isfinite(loss) and math.isfinite(norm):
            return True
        run.n_skipped += 1
        if run.n_skipped > run.plan.skip_nonfinite:
            what = f"loss became {loss}" if not math.isfinite(loss) else f"gradient's norm became {norm}"
            raise BadInput(f"the {what} in epoch {run.epoch}; take a lower learning rate")
        return False

    def pause(self, rng: np.random.Generator, *, last: bool) -> None:
        """Write a checkpoint within the epoch where one is due, or Ctrl-C was pressed; then stop."""
        run, plan = self.run, self.run.plan
        due = plan.checkpoint_steps is not None and run.step % plan.checkpoint_steps == 0
        late = plan.checkpoint_s is not None and time.monotonic() - self.saved_at >= plan.checkpoint_s
        asked, due = run.world.same((self.interrupts.asked, (due or late) and not last))
        if self.path is not None and (asked or due):
            run.save(self.path, rng)
            self.saved_at = time.monotonic()
        if asked:
            raise KeyboardInterrupt

    def close(self, n_steps: int) -> None:
        """Validate, keep the weights if they are to be kept, write the checkpoint."""
        run = self.run
        run.network.eval()
        run.world.share_state(run.network)
        with contextlib.nullcontext() if run.ema is None else run.ema.inside(run.network):
            valid_loss = math.nan
            if run.world.leads:
                with torch.no_grad():
                    valid_loss = float(run.task.validate(run.network))
            valid_loss = run.world.same(valid_loss)
            run.kept.offer(run.epoch, valid_loss, run.network)
        run.close_epoch(valid_loss)
        if self.path is not None:
            run.save(self.path)
            self.saved_at = time.monotonic()
        self.tell("finished_epoch", self.report(n_steps, math.nan))

    def report(self, n_steps: int, norm: float) -> Report:
        """Return where the run stands."""
        run, name = self.run, "" if self.path is None else self.path.stem
        loss = run.loss_sum / run.n_batches if run.n_batches else math.nan
        return Report(name, run.epoch, run.step, n_steps, loss, self.rate, norm, run.history, run.plan)

    def tell(self, what: str, report: Report) -> None:
        """Tell every observer."""
        for observer in self.observers:
            getattr(observer, what)(report)


def _shares(batches: Sequence[Any], run: Run) -> Iterator[list[Any]]:
    """Yield this process's batches of each step that is left; none where the others take the last ones."""
    together = run.plan.accumulate * run.world.size
    steps = [range(first, min(first + together, len(batches))) for first in range(0, len(batches), together)]
    own = [list(step)[run.world.rank :: run.world.size] for step in steps[run.step :]]
    wanted = [index for step in own for index in step]
    made = iter(batches.iterate(wanted)) if hasattr(batches, "iterate") else (batches[index] for index in wanted)
    for step in own:
        yield [next(made) for _ in step]
