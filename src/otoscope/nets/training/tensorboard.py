"""TensorBoard event files of a run: loss, rate and gradient norm by step, both losses by epoch."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from otoscope.core import MissingExtra
from otoscope.nets.training.observers import Report


class EventFiles:
    """Writes one folder of event files for each network; what a killed run had written too far is struck out.

    Raises
    ------
    MissingExtra
        `tensorboard` is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtra("tensorboard", "train", "writing TensorBoard event files") from error
        self._make, self.folder = SummaryWriter, folder
        self._writers: dict[str, Any] = {}

    def resumed(self, report: Report) -> None:
        """Go on behind the steps of the checkpoint; what was written of later ones is struck out."""
        self._writer(report, purge_step=report.n_steps_done + 1)

    def stepped(self, report: Report) -> None:
        """Write a step."""
        writer = self._writer(report)
        at = report.n_steps_done
        writer.add_scalar("loss/running", report.loss, at)
        writer.add_scalar("rate", report.rate, at)
        if math.isfinite(report.gradient_norm):
            writer.add_scalar("gradient_norm", report.gradient_norm, at)

    def finished_epoch(self, report: Report) -> None:
        """Write both losses of an epoch."""
        writer, history = self._writer(report), report.history
        writer.add_scalar("loss/train", history.train_losses[-1], report.epoch)
        if math.isfinite(history.valid_losses[-1]):
            writer.add_scalar("loss/valid", history.valid_losses[-1], report.epoch)
        writer.flush()

    def _writer(self, report: Report, purge_step: int | None = None) -> Any:
        if report.name not in self._writers:
            path = str(self.folder / (report.name or "network"))
            self._writers[report.name] = self._make(path, purge_step=purge_step)
        return self._writers[report.name]
