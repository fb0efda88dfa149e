"""Averages of weights: over the best or last epochs, and over all steps with falling memory."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Weights = dict[str, Tensor]


def mean_weights(snapshots: Sequence[Weights]) -> Weights:
    """Return the mean of several states of one network; of one, that one. Counters come from the last.

    Averaging over epochs: Polyak & Juditsky (1992); Vaswani et al. (2017), section 6.1.
    """
    if len(snapshots) == 1:
        return snapshots[0]
    return {
        name: torch.stack([each[name].double() for each in snapshots]).mean(0).to(value.dtype)
        if value.is_floating_point()
        else value
        for name, value in snapshots[-1].items()
    }


class Kept:
    """The weights after the `n` epochs that are best on held-out data, or the last `n`.

    `entries` are (epoch, validation loss, weights) in the order of the epochs. Without held-out data the last count as
    the best; of two equally good ones the earlier does.
    """

    def __init__(self, n: int, of: str) -> None:
        self.n, self.of = n, of
        self.entries: list[tuple[int, float, Weights]] = []

    def offer(self, epoch: int, valid_loss: float, network: nn.Module) -> None:
        """Keep a copy of the weights if they are among those to be kept."""
        places = sorted([*(entry[:2] for entry in self.entries), (epoch, valid_loss)], key=self._rank)[: self.n]
        if (epoch, valid_loss) in places:
            entries = [*self.entries, (epoch, valid_loss, copy.deepcopy(network.state_dict()))]
            self.entries = [entry for entry in entries if entry[0] in {place[0] for place in places}]

    def _rank(self, place: tuple[int, float]) -> tuple[float, int]:
        epoch, valid_loss = place
        if self.of == "last" or math.isnan(valid_loss):
            return -math.inf, -epoch
        return valid_loss, epoch

    def mean(self) -> Weights:
        """Return the mean of what is kept."""
        return mean_weights([weights for _, _, weights in self.entries])


class MovingAverage:
    """w̄ ← d w̄ + (1 - d) w after every step; d rises from 0.1 to `decay`, so that the first steps are soon forgotten.

    d = min(decay, (1 + s) / (10 + s)) after s steps, as TensorFlow's `ExponentialMovingAverage` has it.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay, self.n_steps = decay, 0
        self.weights: Weights = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the weights after a step."""
        self.n_steps += 1
        decay = min(self.decay, (1 + self.n_steps) / (10 + self.n_steps))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1 - decay)
            else:
                self.weights[name].copy_(value)

    @contextlib.contextmanager
    def inside(self, network: nn.Module) -> Iterator[None]:
        """Lend the network the averaged weights."""
        own = {name: value.detach().clone() for name, value in network.state_dict().items()}
        network.load_state_dict(self.weights)
        try:
            yield
        finally:
            network.load_state_dict(own)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint needs."""
        return {"n_steps": self.n_steps, "weights": self.weights}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self.n_steps = state["n_steps"]
        for name, value in state["weights"].items():
            self.weights[name].copy_(value)
