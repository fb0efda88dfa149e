"""Keeping what layers hold at chosen epochs while a network learns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput

Snapshot = Mapping[str, NDArray[Any]]
"""Layer → what it held, `(n_rows, n_units)`; the rows of all layers are the same inputs."""


class EpochReport(Protocol):
    """What a training loop tells after an epoch; `otoscope.nets.training.Report` is one."""

    @property
    def epoch(self) -> int:
        """How many epochs are over."""
        ...


class Recorder:
    """Looks at a network when chosen epochs are over: an observer of `otoscope.nets.training.train`.

    Parameters
    ----------
    look
        Returns what each layer holds now on the same inputs every time; it must change nothing. The network is in
        evaluation mode when it is called.
    epochs
        When to look: numbers of epochs that are over. 0 is before training: call `begin` then.

    Attributes
    ----------
    snapshots
        Epoch → what was seen.
    """

    def __init__(self, look: Callable[[], Snapshot], *, epochs: Iterable[int]) -> None:
        self.look, self.epochs = look, frozenset(epochs)
        self.snapshots: dict[int, Snapshot] = {}

    def begin(self) -> None:
        """Look before training, where epoch 0 was chosen."""
        self._look_at(0)

    def resumed(self, report: EpochReport) -> None:
        """Nothing is lost: what was seen before stays."""

    def stepped(self, report: EpochReport) -> None:
        """Steps are not looked at."""

    def finished_epoch(self, report: EpochReport) -> None:
        """Look, if this is one of the chosen epochs."""
        self._look_at(report.epoch)

    def _look_at(self, epoch: int) -> None:
        if epoch in self.epochs:
            self.snapshots[epoch] = {name: np.array(values) for name, values in self.look().items()}


def chosen_epochs(epochs: int, *, n: int = 40) -> tuple[int, ...]:
    """Return 0, about `n` numbers of epochs that are even on a logarithmic scale, and the last.

    Examples
    --------
    >>> chosen_epochs(100, n=5)
    (0, 1, 3, 10, 32, 100)
    """
    if epochs < 1 or n < 2:
        raise BadInput(f"at least one epoch and two looks are needed, got {epochs} and {n}")
    return (0, *(int(e) for e in np.unique(np.round(np.geomspace(1, epochs, n)).astype(int))))
