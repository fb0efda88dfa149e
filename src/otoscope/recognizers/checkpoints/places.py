"""Named places of a network that was built elsewhere: where hooks may look and change.

`Places` is what `otoscope.nets.hooks` and `otoscope.nets.open_edits` take for a network, so everything they offer works
on transformers' modules: `recorded`, `edited`, `leaf_at` and edits that stay open and are named. Only utterances of one
length go through such a network together, so all rows are real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from otoscope.core import BadInput, Site
from otoscope.nets.hooks import edited, leaf_at, recorded, substituted
from otoscope.nets.taps import Tap, WeightsTap

__all__ = ["Place", "Places", "edited", "leaf_at", "recorded", "substituted"]

Hook = Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor | None]


@dataclass(frozen=True)
class Place:
    """A named place: what goes into a module or comes out of it.

    Parameters
    ----------
    site
        Its name and what it is.
    module
        The module of the network; for attention weights, `attention.weights_tap` of the attention module.
    port
        Whether the place is the module's `output` or its first `input`.
    item
        Which item of the output counts where it is a tuple.
    channels_first
        Whether the module has `(n, n_units, n_frames)`; hooks see and give `(n, n_frames, n_units)` everywhere, and
        `(n, n_samples, 1)` where a waveform `(n, n_samples)` passes.
    weights
        Whether attention weights `(n, n_heads, n_queries, n_keys)` pass here.
    """

    site: Site
    module: nn.Module
    port: Literal["output", "input"] = "output"
    item: int = 0
    channels_first: bool = False
    weights: bool = False

    def register_forward_hook(self, hook: Hook) -> Any:
        """Let a hook see what passes here, as the output of a tap; what it returns takes the place of that.

        Values narrower than float32 are shown as float32, which NumPy has, and narrowed again behind the hook.
        """
        if self.port == "output":
            return self.module.register_forward_hook(lambda module, inputs, output: self._behind(hook, output))
        return self.module.register_forward_pre_hook(lambda module, inputs: self._before(hook, inputs))

    def _behind(self, hook: Hook, output: Any) -> Any:
        several = isinstance(output, tuple)
        value = output[self.item] if several else output
        changed = self._shown(hook, value)
        if changed is None or not several:
            return changed
        return tuple(changed if i == self.item else each for i, each in enumerate(output))

    def _before(self, hook: Hook, inputs: tuple[Any, ...]) -> Any:
        changed = self._shown(hook, inputs[0])
        return None if changed is None else (changed, *inputs[1:])

    def _shown(self, hook: Hook, value: Tensor) -> Tensor | None:
        rows = value.transpose(1, 2) if self.channels_first else value.unsqueeze(2) if value.ndim == 2 else value
        rows = rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows
        lengths = [torch.full((rows.shape[0],), n) for n in (rows.shape[2:] if self.weights else rows.shape[1:2])]
        changed = hook(WeightsTap() if self.weights else Tap(), (rows, *lengths), rows)
        if changed is None:
            return None
        back = changed.transpose(1, 2) if self.channels_first else changed.reshape(value.shape)
        return back.to(value.dtype)


class Places:
    """The named places of one network, in the order in which sound passes them; a `Tapped` for the hooks.

    Raises
    ------
    BadInput
        Two places have one name.
    """

    def __init__(self, places: Iterable[Place]) -> None:
        listed = list(places)
        self.by_name = {place.site.name: place for place in listed}
        if len(self.by_name) != len(listed):
            raise BadInput("two places of a network have the same name")

    def __contains__(self, site: object) -> bool:
        """Whether there is a place of this name."""
        return site in self.by_name

    @property
    def activations(self) -> tuple[str, ...]:
        """Names of the places where frames pass."""
        return tuple(name for name, place in self.by_name.items() if not place.weights)

    @property
    def attentions(self) -> tuple[str, ...]:
        """Names of the places where attention weights pass."""
        return tuple(name for name, place in self.by_name.items() if place.weights)

    def site(self, name: str) -> Site:
        """Return what a place is; raises `BadInput` as `tap`."""
        return self.tap(name).site

    def tap(self, site: str) -> Any:
        """Return the place of a name.

        Raises
        ------
        BadInput
            There is no such site; the message names those there are.
        """
        if site not in self.by_name:
            raise BadInput(f"no site {site!r} in the network; it has {', '.join(self.by_name) or 'none'}")
        return self.by_name[site]
