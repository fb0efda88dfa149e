"""Several processes train one network on shares of every step, as `torchrun` starts them.

Each process takes its share of the batches of a step; gradients are summed over all, weighted as one joint batch would
weigh them, and every process makes the same step. Process 0 writes, validates and tells.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True)
class World:
    """Which process this is (`rank`, from 0) of how many (`size`)."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes and tells."""
        return self.rank == 0

    def sums(self, values: list[float]) -> list[float]:
        """Return the sums of some numbers over all processes."""
        if self.size == 1:
            return values
        total = torch.tensor(values, dtype=torch.float64)
        return self._reduced(total).tolist()

    def sum_gradients(self, parameters: list[nn.Parameter]) -> None:
        """Replace each gradient by its sum over all processes, in one message; none counts as zero."""
        if self.size == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = self._reduced(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def same(self, value: Any) -> Any:
        """Return what process 0 has."""
        if self.size == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]

    def all(self, value: Any) -> list[Any]:
        """Return what every process has, by rank."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        distributed.all_gather_object(found, value)
        return found

    def share_state(self, network: nn.Module) -> None:
        """Give every process the weights and buffers of process 0."""
        if self.size > 1:
            for value in network.state_dict().values():
                distributed.broadcast(value, src=0)

    def _reduced(self, values: Tensor) -> Tensor:
        if distributed.get_backend() == "nccl":
            values = values.cuda()
        distributed.all_reduce(values)
        return values


def this_process() -> World:
    """Return which process this is, by what `torchrun` put into the environment."""
    return World(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[World]:
    """Join the processes that `torchrun` started (NCCL between GPUs, gloo between CPUs), and leave them at the end."""
    world = this_process()
    if world.size == 1:
        yield world
        return
    begun = not distributed.is_initialized()
    if begun:
        if device.type == "cuda":
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield world
    finally:
        if begun:
            distributed.destroy_process_group()
