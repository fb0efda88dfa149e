"""What a run tells while it goes on, and to whom: progress bars, logs, event files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from otoscope.nets.training.plan import History, TrainingPlan


@dataclass(frozen=True)
class Report:
    """Where a run stands.

    Parameters
    ----------
    name
        Which network: the stem of its checkpoint's file name, or empty.
    epoch, step, n_steps
        Epoch from 0, steps done in it, and all of its steps.
    loss
        Mean training loss of the epoch so far.
    rate, gradient_norm
        Learning rate, and norm of the gradient before clipping, of the last step.
    history
        The epochs that are over.
    plan
        How it is trained.
    """

    name: str
    epoch: int
    step: int
    n_steps: int
    loss: float
    rate: float
    gradient_norm: float
    history: History
    plan: TrainingPlan

    @property
    def done(self) -> float:
        """Share of all planned steps that is done."""
        return (self.epoch + self.step / self.n_steps) / self.plan.epochs

    @property
    def n_steps_done(self) -> int:
        """Steps since the run began, if all epochs have as many."""
        return self.epoch * self.n_steps + self.step


class Observer(Protocol):
    """Is told of a run; must not change it."""

    def resumed(self, report: Report) -> None:
        """A run goes on from a checkpoint."""
        ...

    def stepped(self, report: Report) -> None:
        """A step is over."""
        ...

    def finished_epoch(self, report: Report) -> None:
        """An epoch is over, validation included: `report.history` has it."""
        ...


_WATCHING: ContextVar[tuple[Observer, ...]] = ContextVar("observers", default=())


@contextlib.contextmanager
def observed(*observers: Observer) -> Iterator[None]:
    """Tell these observers of every run that goes on inside the `with` block, however deep it is started."""
    token = _WATCHING.set((*_WATCHING.get(), *observers))
    try:
        yield
    finally:
        _WATCHING.reset(token)


def watching() -> tuple[Observer, ...]:
    """Return the observers of the `with` blocks around."""
    return _WATCHING.get()
