"""Looking at and changing what passes the taps of a network; every hook leaves when its `with` block ends.

A network is anything with `tap(site)`: the `AcousticModel`, or a module whose `tap` asks `otoscope.nets.taps.tap_at`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.core.protocols import Edit
from otoscope.nets.taps import WeightsTap


class Tapped(Protocol):
    """A network with named places."""

    def tap(self, site: str) -> nn.Module:
        """Return the tap at a site; `BadInput` where there is none."""
        ...


@contextlib.contextmanager
def recorded(network: Tapped, sites: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Fill the dict it yields with what passes each site, padding included.

    Frames are `(n, n_frames, n_units)`, attention weights `(n, n_heads, n_queries, n_keys)`.
    """
    seen: dict[str, Tensor] = {}

    def keep(site: str) -> Any:
        return lambda tap, inputs, output: seen.__setitem__(site, output.detach())

    with _hooked(network, {site: keep(site) for site in sites}):
        yield seen


@contextlib.contextmanager
def edited(network: Tapped, edits: Mapping[str, Edit]) -> Iterator[None]:
    """Apply each edit to the real frames of every utterance that passes its site.

    At a site of attention weights an edit takes and returns `(n_heads, n_queries, n_keys)`.

    Raises
    ------
    BadInput
        There is no such site, or an edit returns another shape.
    """
    with _hooked(network, {site: _editing(site, edit) for site, edit in edits.items()}):
        yield


@contextlib.contextmanager
def leaf_at(network: Tapped, site: str) -> Iterator[list[Tensor]]:
    """Cut the graph at a site: what passes there becomes a leaf whose gradient is wanted, and is put into the list."""
    leaves: list[Tensor] = []

    def cut(tap: Any, inputs: Any, output: Tensor) -> Tensor:
        leaves.append(output.detach().requires_grad_(True))
        return leaves[-1]

    with _hooked(network, {site: cut}):
        yield leaves


@contextlib.contextmanager
def substituted(network: Tapped, site: str, values: Tensor) -> Iterator[None]:
    """Let `values` `(n, n_rows, n_units)` stand for what passes a site, where n or one utterance of one length pass.

    What passes several times (a decoder that goes token by token, or along several texts) takes the next rows each
    time. Padding behind the real rows stays.

    Raises
    ------
    BadInput
        There is no such site, attention weights pass there, what passes has another shape, or nothing does.
    """
    n, n_rows, n_units = values.shape
    taken = 0

    def put(tap: Any, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        nonlocal taken
        if isinstance(tap, WeightsTap):
            raise BadInput(f"{site} is passed by attention weights; values can stand where frames pass")
        n_real = int(inputs[1].max())
        if taken + n_real > n_rows or output.shape[2] != n_units:
            raise BadInput(
                f"values at {site} have {n_rows} rows of {n_units} units; there pass {taken + n_real} rows or more of "
                f"{output.shape[2]}"
            )
        own = values[:, taken : taken + n_real].to(output)
        taken += n_real
        return own if n_real == output.shape[1] else torch.cat([own, output[:, n_real:].expand(n, -1, -1)], 1)

    with _hooked(network, {site: put}):
        yield
    if taken != n_rows:
        raise BadInput(
            f"values at {site} have {n_rows} rows, {taken} pass there" if taken else f"these scores do not pass {site}"
        )


def watched(network: nn.Module) -> bool:
    """Whether a hook sits anywhere in a network, so that all frames must pass where they always do."""
    return any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def _editing(site: str, edit: Edit) -> Any:
    def apply(tap: Any, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        changed = output.clone()
        for i, n_real in enumerate(zip(*(lengths.tolist() for lengths in inputs[1:]), strict=True)):
            heads = (slice(None),) if isinstance(tap, WeightsTap) else ()
            real: Any = (i, *heads, *map(slice, n_real))
            before = output[real].detach().cpu().numpy().copy()
            after = torch.as_tensor(np.ascontiguousarray(edit(before)), dtype=output.dtype, device=output.device)
            if after.shape != before.shape:
                raise BadInput(f"the edit at {site} made {tuple(after.shape)} of {before.shape}; the shape must stay")
            changed[real] = after
        return changed

    return apply


@contextlib.contextmanager
def _hooked(network: Tapped, hooks: Mapping[str, Any]) -> Iterator[None]:
    handles = []
    try:
        for site, hook in hooks.items():
            handles.append(network.tap(site).register_forward_hook(hook))
        yield
    finally:
        for handle in handles:
            handle.remove()
