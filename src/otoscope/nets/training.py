"""The one training loop: any network, any task; reproducible, and a run that was killed goes on to the same weights.

Everything random of an epoch is drawn from (seed, epoch), so the state after an epoch is all a checkpoint needs:
weights, optimiser, the best weights so far and the history. Determinism holds on one machine with one version of torch;
the number of threads is pinned, since sums in another order round otherwise.
"""

from __future__ import annotations

import contextlib
import copy
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.core.protocols import Progress
from otoscope.nets.checkpoint import read_checkpoint, write_checkpoint

Batch = TypeVar("Batch")
Network = nn.Module


class Task(Protocol[Batch]):
    """What is learnt."""

    def batches(self, rng: np.random.Generator) -> Sequence[Batch]:
        """Return the batches of one epoch; all randomness from `rng`."""
        ...

    def loss(self, network: Any, batch: Batch) -> Tensor:
        """Return the loss of a batch, a scalar to be made small."""
        ...

    def validate(self, network: Any) -> float:
        """Return the loss on held-out data, NaN where there is none; the network is in evaluation mode."""
        ...


@dataclass(frozen=True)
class TrainingPlan:
    """How to train.

    Parameters
    ----------
    epochs
        Most passes over the data.
    learning_rate
        Peak; it rises over the first `warmup` of all steps and falls to 0 as half a cosine (Loshchilov & Hutter 2017).
    weight_decay
        Of AdamW.
    clip_norm
        Largest norm of the gradient.
    patience
        Stop after so many epochs without a better validation loss; `None` never stops early.
    seed
        Of weights, data order, augmentation and dropout.
    n_threads
        Threads of torch while training.
    """

    epochs: int = 30
    learning_rate: float = 2e-3
    warmup: float = 0.1
    weight_decay: float = 1e-2
    clip_norm: float = 5.0
    patience: int | None = None
    seed: int = 0
    n_threads: int = 1

    def rate_at(self, done: float) -> float:
        """Return the learning rate when the share `done` of all steps is done."""
        if done < self.warmup:
            return self.learning_rate * done / self.warmup
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (done - self.warmup) / (1 - self.warmup)))


@dataclass(frozen=True)
class History:
    """Losses after each epoch, and the epoch (from 0) whose weights were kept."""

    train_losses: tuple[float, ...] = ()
    valid_losses: tuple[float, ...] = ()
    best_epoch: int = -1


@dataclass
class _State(Generic[Batch]):
    network: Network
    task: Task[Batch]
    plan: TrainingPlan
    optimizer: torch.optim.Optimizer
    history: History
    best: dict[str, Tensor]

    @property
    def stopped(self) -> bool:
        n_done, patience = len(self.history.train_losses), self.plan.patience
        return n_done >= self.plan.epochs or (patience is not None and n_done - 1 - self.history.best_epoch >= patience)


def train(
    network: Network,
    task: Task[Batch],
    plan: TrainingPlan,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> History:
    """Train a network in place; in the end it has the weights of the epoch with the lowest validation loss.

    Parameters
    ----------
    checkpoint
        File written after every epoch. If it is there already, training goes on from it.
    progress
        Called with (epochs done, all epochs).

    Raises
    ------
    BadInput
        The loss became NaN, or the checkpoint belongs to another plan or network.
    """
    with deterministic(plan.n_threads):
        optimizer = torch.optim.AdamW(network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
        state = _State(network, task, plan, optimizer, History(), {})
        if checkpoint is not None and Path(checkpoint).exists():
            _resume(state, Path(checkpoint))
        while not state.stopped:
            _epoch(state)
            if checkpoint is not None:
                write_checkpoint(Path(checkpoint), _saved(state))
            if progress is not None:
                progress(len(state.history.train_losses), plan.epochs)
    if state.best:
        network.load_state_dict(state.best)
    network.eval()
    return state.history


def _epoch(state: _State[Any]) -> None:
    plan, n_done = state.plan, len(state.history.train_losses)
    rng = np.random.default_rng((plan.seed, n_done))
    torch.manual_seed(int(rng.integers(2**62)))
    batches = state.task.batches(rng)
    if not batches:
        raise BadInput("there is nothing to train on: the task gave no batch")
    state.network.train()
    total = 0.0
    for step, batch in enumerate(batches):
        for group in state.optimizer.param_groups:
            group["lr"] = plan.rate_at((n_done + (step + 1) / len(batches)) / plan.epochs)
        state.optimizer.zero_grad()
        loss = state.task.loss(state.network, batch)
        if not torch.isfinite(loss):
            raise BadInput(f"the loss became {loss.item()} in epoch {n_done}; take a lower learning rate")
        loss.backward()
        nn.utils.clip_grad_norm_(state.network.parameters(), plan.clip_norm)
        state.optimizer.step()
        total += loss.item()
    state.network.eval()
    with torch.no_grad():
        valid_loss = float(state.task.validate(state.network))
    best = math.isnan(valid_loss) or valid_loss < min(state.history.valid_losses, default=math.inf)
    if best:
        state.best = copy.deepcopy(state.network.state_dict())
    state.history = History(
        (*state.history.train_losses, total / len(batches)),
        (*state.history.valid_losses, valid_loss),
        n_done if best else state.history.best_epoch,
    )


def _saved(state: _State[Any]) -> dict[str, Any]:
    return {
        "plan": asdict(state.plan),
        "history": asdict(state.history),
        "network": state.network.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "best": state.best,
    }


def _resume(state: _State[Any], path: Path) -> None:
    saved = read_checkpoint(path)
    if saved["plan"] != asdict(state.plan):
        differing = [name for name, value in asdict(state.plan).items() if saved["plan"].get(name) != value]
        raise BadInput(f"checkpoint {path} was written with another {', '.join(differing)}; remove it to start anew")
    try:
        state.network.load_state_dict(saved["network"])
    except RuntimeError as error:
        raise BadInput(f"checkpoint {path} is of another network: {str(error).splitlines()[0]}") from error
    state.optimizer.load_state_dict(saved["optimizer"])
    state.history, state.best = History(**saved["history"]), saved["best"]


@contextlib.contextmanager
def deterministic(n_threads: int) -> Iterator[None]:
    """Use deterministic algorithms, `n_threads` threads and a random state of our own; all restored at the end.

    New memory is not filled with NaN first, as torch would for such runs: that only helps to find faulty operations,
    and costs an eighth of the time.
    """
    memory = cast(Any, torch.utils.deterministic)
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    filled = memory.fill_uninitialized_memory
    with torch.random.fork_rng(devices=[]):
        torch.set_num_threads(n_threads)
        torch.use_deterministic_algorithms(True)
        memory.fill_uninitialized_memory = False
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(strict)
            memory.fill_uninitialized_memory = filled
