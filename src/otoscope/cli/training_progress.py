"""The progress bar of a training run on stderr: a bar for each network with loss, rate and remaining time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from otoscope.core.protocols import Progress

if TYPE_CHECKING:
    from otoscope.nets.training.observers import Report

_UNITS = 10_000
"""Parts of a network's bar."""


class TrainingBars:
    """A bar for the preset's own stages, and one for each network that is being trained (an `Observer`)."""

    def __init__(self, label: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[what]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self.bars = Progress(*columns, console=Console(stderr=True), transient=True)
        self.label, self.tasks = label, dict[str, Any]()

    def __call__(self, done: int, total: int) -> None:
        """Show how far the preset is."""
        self._show(self.label, done, total, f"{done} of {total}")

    def resumed(self, report: Report) -> None:
        """Show where a network goes on."""
        self.stepped(report)

    def stepped(self, report: Report) -> None:
        """Show epoch, loss and rate."""
        losses = report.history.train_losses
        loss = losses[-1] if losses and report.step == 0 else report.loss
        epoch = min(report.epoch + 1, report.plan.epochs)
        what = f"epoch {epoch}/{report.plan.epochs}, loss {loss:.4g}, rate {report.rate:.2g}"
        if report.history.valid_losses:
            what += f", valid {report.history.valid_losses[-1]:.4g}"
        self._show(report.name or "network", round(report.done * _UNITS), _UNITS, what)

    def finished_epoch(self, report: Report) -> None:
        """Show the validation loss."""
        self.stepped(report)

    def _show(self, name: str, done: int, total: int, what: str) -> None:
        if name not in self.tasks:
            self.tasks[name] = self.bars.add_task(name, total=total, what=what)
        self.bars.update(self.tasks[name], completed=done, total=total, what=what)


def leads() -> bool:
    """Whether this is the process that tells; `torchrun` starts several."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def training_bar(label: str) -> Iterator[Progress | None]:
    """Show bars while a preset is trained; yield its progress callback, or `None` where nobody is watching."""
    if not sys.stderr.isatty() or not leads():
        yield None
        return
    from otoscope.nets.training.observers import observed

    bars = TrainingBars(label)
    with bars.bars, observed(bars):
        yield bars
