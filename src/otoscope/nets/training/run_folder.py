"""A run's folder: what is needed to repeat it, how it went, and a log; written by an observer while it goes on.

run.json              command line, seed, options, corpus with hashes, package versions, commit, machine
plan-NAME.json        how the network NAME was trained
history-NAME.csv      an epoch a line; .json holds the same
train.log             one line for every beginning, epoch and continuation, with the time
tensorboard/NAME/     event files, where asked for
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from otoscope.core import CannotWrite
from otoscope.io.writing import make_folder, write_text
from otoscope.nets.training.observers import Report
from otoscope.nets.training.tensorboard import EventFiles

DEFAULT_NAME = "network"


class RunFolder:
    """Writes what a run tells into a folder; see this module's beginning.

    Parameters
    ----------
    folder
        Made if it is not there.
    tensorboard
        Whether to write event files; needs the extra `train`.

    Raises
    ------
    CannotWrite
        The folder cannot be made or written to.
    MissingExtra
        Event files are asked for, and `tensorboard` is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str], *, tensorboard: bool = False) -> None:
        self.folder = make_folder(folder)
        self.events = EventFiles(self.folder / "tensorboard") if tensorboard else None
        self._planned: set[str] = set()

    def describe(self, description: Mapping[str, Any]) -> None:
        """Write `run.json`; what an earlier part of the run had written stays in it as `"before"`."""
        path, before = self.folder / "run.json", []
        if path.is_file():
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
                before = [*found.pop("before", []), found]
            except (ValueError, AttributeError):
                before = []
        write_text(path, json.dumps({**description, "before": before}, indent=1, default=str) + "\n")

    def log(self, line: str) -> None:
        """Add a line with the time to `train.log`."""
        now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        try:
            with (self.folder / "train.log").open("a", encoding="utf-8") as file:
                file.write(f"{now} {line}\n")
        except OSError as error:
            raise CannotWrite(f"cannot write {self.folder / 'train.log'}: {error.strerror}") from error

    def resumed(self, report: Report) -> None:
        """Log where the run goes on."""
        self.log(f"{_name(report)}: goes on in epoch {report.epoch} after {report.step} steps")
        if self.events is not None:
            self.events.resumed(report)

    def stepped(self, report: Report) -> None:
        """Write the plan once, and the step into the event files."""
        self._plan(report)
        if self.events is not None:
            self.events.stepped(report)

    def finished_epoch(self, report: Report) -> None:
        """Write the history, and a line of the log."""
        self._plan(report)
        history, name = report.history, _name(report)
        rows = zip(history.train_losses, history.valid_losses, strict=True)
        lines = [f"{epoch},{train!r},{valid!r}" for epoch, (train, valid) in enumerate(rows)]
        write_text(self.folder / f"history-{name}.csv", "\n".join(["epoch,train_loss,valid_loss", *lines]) + "\n")
        write_text(self.folder / f"history-{name}.json", json.dumps(asdict(history), indent=1) + "\n")
        train, valid = history.train_losses[-1], history.valid_losses[-1]
        best = ", the best so far" if history.best_epoch == len(history.train_losses) - 1 else ""
        self.log(f"{name}: epoch {report.epoch - 1} over, train {train:.5g}, valid {valid:.5g}{best}")
        if self.events is not None:
            self.events.finished_epoch(report)

    def _plan(self, report: Report) -> None:
        name = _name(report)
        if name not in self._planned:
            self._planned.add(name)
            write_text(self.folder / f"plan-{name}.json", json.dumps(asdict(report.plan), indent=1) + "\n")
            self.log(f"{name}: {report.plan.epochs} epochs of {report.n_steps} steps")


def _name(report: Report) -> str:
    return report.name or DEFAULT_NAME
