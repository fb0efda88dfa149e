"""Number formats and devices: automatic mixed precision (Micikevicius et al. 2018), and batches on the right device."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.core import BadInput


def device_named(name: str) -> torch.device:
    """Return the device that a plan names.

    Raises
    ------
    BadInput
        There is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu" or (name.split(":")[0] == "cuda" and torch.cuda.is_available()):
        return torch.device(name)
    raise BadInput(f"device {name!r} is not here; take 'cpu', or 'auto' for a GPU where there is one")


def device_of(network: nn.Module) -> torch.device:
    """Return the device of a network's weights."""
    return next((parameter.device for parameter in network.parameters()), torch.device("cpu"))


def moved(batch: Any, device: torch.device) -> Any:
    """Return a batch with all its tensors on a device: tensors, and data classes, tuples, lists and dicts of them."""
    if isinstance(batch, Tensor):
        return batch if batch.device == device else batch.to(device, non_blocking=True)
    if dataclasses.is_dataclass(batch) and not isinstance(batch, type):
        return dataclasses.replace(
            batch, **{f.name: moved(getattr(batch, f.name), device) for f in dataclasses.fields(batch) if f.init}
        )
    if isinstance(batch, dict):
        return {key: moved(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(moved(value, device) for value in batch))
    if isinstance(batch, tuple | list):
        return type(batch)(moved(value, device) for value in batch)
    return batch


class Mixed:
    """Runs the forward pass in the format of a plan, and scales the loss where float16 needs it.

    Raises
    ------
    BadInput
        float16 on a CPU, where its small gradients would vanish without a scale that torch has for GPUs only.
    """

    def __init__(self, precision: str, device: torch.device) -> None:
        if precision == "float16" and device.type != "cuda":
            raise BadInput("precision 'float16' needs a GPU; take 'bfloat16' or 'float32' on a CPU")
        self.device, self.dtype = device, getattr(torch, precision)
        self.scaler = torch.amp.GradScaler("cuda", enabled=precision == "float16")

    def forward(self) -> contextlib.AbstractContextManager[Any]:
        """Return the context in which the loss is computed."""
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype)

    def backward(self, loss: Tensor) -> None:
        """Add the gradient of the loss, scaled."""
        self.scaler.scale(loss).backward()

    def unscale(self, optimizer: torch.optim.Optimizer) -> None:
        """Bring the gradients back to their true size."""
        self.scaler.unscale_(optimizer)

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Change the weights, unless a scaled gradient overflowed; then the scale is lowered."""
        self.scaler.step(optimizer)
        self.scaler.update()
