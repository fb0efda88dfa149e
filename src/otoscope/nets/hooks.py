"""Looking at and changing what passes the taps of a network; every hook leaves when its `with` block ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from otoscope.core import BadInput
from otoscope.core.protocols import Edit
from otoscope.nets.acoustic import AcousticModel


@contextlib.contextmanager
def recorded(network: AcousticModel, sites: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Fill the dict it yields with what passes each site, `(n, n_frames, n_units)`, padding included."""
    seen: dict[str, Tensor] = {}

    def keep(site: str) -> Any:
        return lambda tap, inputs, output: seen.__setitem__(site, output.detach())

    with _hooked(network, {site: keep(site) for site in sites}):
        yield seen


@contextlib.contextmanager
def edited(network: AcousticModel, edits: Mapping[str, Edit]) -> Iterator[None]:
    """Apply each edit to the real frames of every utterance that passes its site.

    Raises
    ------
    BadInput
        There is no such site, or an edit returns another shape.
    """
    with _hooked(network, {site: _editing(site, edit) for site, edit in edits.items()}):
        yield


@contextlib.contextmanager
def leaf_at(network: AcousticModel, site: str) -> Iterator[list[Tensor]]:
    """Cut the graph at a site: what passes there becomes a leaf whose gradient is wanted, and is put into the list."""
    leaves: list[Tensor] = []

    def cut(tap: Any, inputs: Any, output: Tensor) -> Tensor:
        leaves.append(output.detach().requires_grad_(True))
        return leaves[-1]

    with _hooked(network, {site: cut}):
        yield leaves


def _editing(site: str, edit: Edit) -> Any:
    def apply(tap: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> Tensor:
        changed = output.clone()
        for row, length in zip(changed, inputs[1].tolist(), strict=True):
            before = row[:length].detach().numpy().copy()
            after = torch.as_tensor(edit(before), dtype=row.dtype)
            if after.shape != row[:length].shape:
                raise BadInput(f"the edit at {site} made {tuple(after.shape)} of {before.shape}; the shape must stay")
            row[:length] = after
        return changed

    return apply


@contextlib.contextmanager
def _hooked(network: AcousticModel, hooks: Mapping[str, Any]) -> Iterator[None]:
    handles = []
    try:
        for site, hook in hooks.items():
            handles.append(network.tap(site).register_forward_hook(hook))
        yield
    finally:
        for handle in handles:
            handle.remove()
