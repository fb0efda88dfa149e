"""What is learnt, how, and how it went: plain data and one protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from torch import Tensor

from otoscope.core import BadInput
from otoscope.nets.training.schedules import SCHEDULES, ScheduleName, rate

Batch = TypeVar("Batch")
Precision = Literal["float32", "bfloat16", "float16"]
_FREE = ("checkpoint_s", "checkpoint_steps")
"""Fields that may change between two parts of a run: they do not change its outcome."""


class Task(Protocol[Batch]):
    """What is learnt.

    A task may also have `weight(batch) -> float`, what a batch counts (labels, frames) where several make one step:
    with the mean over labels as the loss and their number as the weight, the step is that of one joint batch.
    """

    def batches(self, rng: np.random.Generator) -> Sequence[Batch]:
        """Return the batches of one epoch; all randomness from `rng`.

        They may be made when they are asked for, one after the other; see `otoscope.nets.batching.LazyBatches`.
        """
        ...

    def loss(self, network: Any, batch: Batch) -> Tensor:
        """Return the loss of a batch, a scalar to be made small; the batch lies on the network's device."""
        ...

    def validate(self, network: Any) -> float:
        """Return the loss on held-out data, NaN where there is none; the network is in evaluation mode.

        Its batches are the task's own: move them with `moved(batch, device_of(network))`.
        """
        ...


@dataclass(frozen=True)
class TrainingPlan:
    """How to train.

    Parameters
    ----------
    epochs
        Most passes over the data.
    learning_rate
        Peak.
    warmup
        Share of all steps over which the rate rises to its peak.
    weight_decay, betas
        Of AdamW (Loshchilov & Hutter 2019).
    clip_norm
        Largest norm of the gradient (Pascanu et al. 2013).
    patience
        Stop after so many epochs without a better validation loss; `None` never stops early.
    seed
        Of weights, data order, augmentation and dropout.
    n_threads
        Threads of torch while training.
    schedule
        How the rate falls after the warm-up: `cosine`, `noam`, `constant`, or `newbob` (halved whenever the validation
        loss has not fallen); see `otoscope.nets.training.schedules`.
    accumulate
        Batches that make one step.
    precision
        `float32`; `bfloat16` where torch thinks it safe (autocast); `float16` with a loss scale, on a GPU only.
    device
        `cpu`, `cuda`, or `auto`: the GPU where there is one.
    average, average_of
        The weights kept in the end are the mean of those after so many epochs: those `best` on held-out data, or the
        `last` ones.
    ema
        Decay of an exponential moving average of the weights, which is then validated and kept; `None`: none.
    skip_nonfinite
        Steps in a row whose loss or gradient is no number that are left out before training gives up.
    checkpoint_s, checkpoint_steps
        Write a checkpoint also within an epoch: after so many seconds, after so many steps (`None`: not).
    """

    epochs: int = 30
    learning_rate: float = 2e-3
    warmup: float = 0.1
    weight_decay: float = 1e-2
    clip_norm: float = 5.0
    patience: int | None = None
    seed: int = 0
    n_threads: int = 1
    schedule: ScheduleName = "cosine"
    betas: tuple[float, float] = (0.9, 0.999)
    accumulate: int = 1
    precision: Precision = "float32"
    device: str = "cpu"
    average: int = 1
    average_of: Literal["best", "last"] = "best"
    ema: float | None = None
    skip_nonfinite: int = 0
    checkpoint_s: float | None = 300.0
    checkpoint_steps: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "betas", tuple(self.betas))
        if min(self.epochs, self.accumulate, self.average, self.n_threads) < 1 or self.skip_nonfinite < 0:
            raise BadInput(f"epochs, accumulate, average and n_threads must be 1 or more, got {self}")
        if not (self.learning_rate > 0 and self.clip_norm > 0 and 0 <= self.warmup < 1):
            raise BadInput(f"a plan needs learning_rate > 0, clip_norm > 0 and 0 <= warmup < 1, got {self}")
        for name, value, allowed in (
            ("schedule", self.schedule, tuple(SCHEDULES)),
            ("precision", self.precision, ("float32", "bfloat16", "float16")),
            ("average_of", self.average_of, ("best", "last")),
        ):
            if value not in allowed:
                raise BadInput(f"{name} is {value!r}; one of {', '.join(allowed)}")
        if self.ema is not None and not 0 < self.ema < 1:
            raise BadInput(f"the moving average decays by a factor between 0 and 1, got ema={self.ema}")

    def rate_at(self, done: float, valid_losses: Sequence[float] = ()) -> float:
        """Return the learning rate when the share `done` of all steps is done, after these validation losses."""
        return self.learning_rate * rate(self.schedule, done, warmup=self.warmup, valid_losses=valid_losses)

    def fixed(self) -> dict[str, Any]:
        """Return what must not change between two parts of one run."""
        return {name: value for name, value in asdict(self).items() if name not in _FREE}


@dataclass(frozen=True)
class History:
    """Losses after each epoch, and the epoch (from 0) that was best on held-out data, or the last."""

    train_losses: tuple[float, ...] = ()
    valid_losses: tuple[float, ...] = ()
    best_epoch: int = -1
