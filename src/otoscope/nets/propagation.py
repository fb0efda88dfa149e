"""Sharing out a network's output layer by layer: DeepLIFT and layer-wise relevance propagation for any module.

Frames that are followed are a tensor of a class of their own, `Followed`, which sees every function it passes, module
or not, and gives each a slope by a rule in the place of its derivative. Two recordings go through together, the one
explained and the reference; all rules share out the *difference* of the two:

========================= ==========================================================================================
of one number             Δy / Δx: Rescale (Shrikumar, Greenside & Kundaje 2017, equation 10)
linear map, convolution   by the shares of Δx w in Δy, as they are or favoured (`otoscope.nets.shares`)
sums, cuts, constants     as they are
layer norm                c / √v with c the centred frame: a product, half the difference to each (the Shapley value of
                          two factors), 1 / √v by Rescale
========================= ==========================================================================================

A function that has no rule here is refused by name: a product of two followed tensors (gates, attention), a softmax, a
recurrent cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import NotAble
from otoscope.nets.hooks import substituted
from otoscope.nets.shares import Shares, normed, rescaled, weighted
from otoscope.nets.substitution import Passes

ELEMENTWISE = frozenset({"relu", "sigmoid", "tanh", "gelu", "silu", "clamp", "softplus", "elu", "leaky_relu", "exp"})
WEIGHTED = frozenset({"linear", "conv1d", "conv2d"})
# fmt: off
AS_THEY_ARE = frozenset(
    (
        "add", "sub", "rsub", "neg", "reshape", "view", "transpose", "permute", "flatten", "unflatten", "squeeze",
        "unsqueeze", "expand", "contiguous", "cat", "stack", "pad", "getitem", "chunk", "split", "narrow", "select",
        "mean", "sum", "to", "type", "float", "double", "clone", "unbind", "flip", "roll", "constant_pad_nd",
        "zeros_like", "new_zeros",
    )
)
# fmt: on
BY_CONSTANTS = frozenset({"mul", "div", "truediv", "matmul", "masked_fill", "where"})
QUESTIONS = frozenset({"get", "dim", "size", "numel", "is_floating_point", "len", "stride", "is_contiguous", "repr"})
REASONS = {
    "mul": "the product of two things heard (a gate)",
    "matmul": "the product of two things heard (attention)",
    "scaled_dot_product_attention": "attention",
    "softmax": "a softmax inside the network (attention)",
    "_pack_padded_sequence": "a recurrent layer, whose gates multiply",
    "index_select": "a recurrent layer, whose gates multiply",
    "lstm": "a recurrent layer, whose gates multiply",
    "gru": "a recurrent layer, whose gates multiply",
    "glu": "a gated linear unit",
}


class Followed(Tensor):
    """Frames whose way through a network is shared out; first half the ones explained, second half the reference."""

    shares: Shares

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Give every function that followed frames pass the slope of its rule."""
        kwargs, name = dict(kwargs or {}), _name(func)
        followed = [each for each in _tensors([args, kwargs]) if isinstance(each, Followed)]
        shares = followed[0].shares
        with torch._C.DisableTorchFunctionSubclass():
            if name in QUESTIONS:
                return func(*args, **kwargs)
            return _followed(_passed(func, name, args, kwargs, shares, len(followed)), shares)


def follow(values: Tensor, shares: Shares) -> Followed:
    """Return values `(2 n, …)`, or `(n, …)` against zero, whose way is to be shared out; they keep their graph."""
    made: Followed = values.as_subclass(Followed)
    made.shares = shares
    return made


def multipliers(
    function: Callable[[Tensor], Tensor], values: Tensor, reference: Tensor, above: Tensor, *, shares: Shares
) -> Tensor:
    """Return what each value is multiplied with, Δx apart, to say how much of the output it brought, like `values`.

    Parameters
    ----------
    function
        Of `(n, …)` to `(n, …)`, row by row.
    values, reference
        What is explained, and against what, of the same shape.
    above
        What each output is multiplied with, in the shape of the output of `values`.
    shares
        The rule.

    Raises
    ------
    NotAble
        Something on the way has no rule.

    Examples
    --------
    >>> relu = lambda x: torch.relu(x.sum(1, keepdim=True) - 1)
    >>> x, none = torch.tensor([[3.0, -1.0]]), torch.zeros(1, 2)
    >>> multipliers(relu, x, none, torch.ones(1, 1), shares=Shares()).tolist()
    [[0.5, 0.5]]
    """
    leaf = values.detach().clone().requires_grad_(True)
    both = leaf if shares.from_zero else torch.cat([leaf, reference.detach()])
    with torch.enable_grad():
        out = function(follow(both, shares)).as_subclass(Tensor)
    (found,) = torch.autograd.grad(out[: len(leaf)], leaf, above)
    return found


@dataclass(frozen=True)
class Way:
    """How something went from one site of a network to another, and how its shares come back.

    Parameters
    ----------
    here, reference
        What passed the further site, `(n_rows, n_units)`: of what is explained, and of the reference.
    back
        What that is multiplied with, `(n_targets, n_rows, n_units)`, to the same at the nearer site.
    """

    here: NDArray[np.float32]
    reference: NDArray[np.float32]
    back: Callable[[NDArray[Any]], NDArray[np.float64]]


def way_through(passes: Passes, values: NDArray[Any], *, at: str, up_to: str, shares: Shares) -> Way:
    """Return the way of `values` `(2, n_rows, n_units)`, what is explained and its reference, between two sites.

    Raises
    ------
    NotAble
        Something on the way has no rule, or the scores do not pass the further site.
    BadInput
        There is no such site, or the values have another shape than what passes there.
    """
    leaf = torch.from_numpy(np.asarray(values, dtype=np.float32).copy()).requires_grad_(True)
    reached: list[Tensor] = []

    def arrive(tap: Any, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        reached.append(output.as_subclass(Tensor))
        return reached[-1].detach()

    handle = passes.network.tap(up_to).register_forward_hook(arrive)
    try:
        with torch.enable_grad(), substituted(passes.network, at, follow(leaf, shares)):
            passes.of_copies(len(leaf))
    finally:
        handle.remove()
    if len(reached) != 1:
        raise NotAble(f"these scores pass {up_to} {len(reached)} times, not once; take integrated-gradients")
    out = reached[0]

    def back(above: NDArray[Any]) -> NDArray[np.float64]:
        found = []
        for one in torch.from_numpy(np.asarray(above, dtype=np.float32)):
            (slope,) = torch.autograd.grad(out[0], leaf, one, retain_graph=True)
            found.append(slope[0].double().numpy())
        return np.stack(found)

    here, reference = out.detach().numpy()
    return Way(here, reference, back)


def _passed(func: Callable[..., Any], name: str, args: Any, kwargs: Any, shares: Shares, n_followed: int) -> Any:
    """Return what a function gives, with the slope of its rule."""
    if name in AS_THEY_ARE or (name in BY_CONSTANTS and n_followed == 1 and not _followed_at_wrong_place(name, args)):
        return func(*args, **kwargs)
    if name == "dropout" and not (kwargs.get("training", True) if len(args) < 3 else args[2]):
        return args[0]
    if n_followed == 1 and name in ELEMENTWISE:
        return rescaled(lambda x: func(x, *args[1:], **kwargs), args[0], shares)
    if n_followed == 1 and name in WEIGHTED and isinstance(args[0], Followed):
        return weighted(func, args, kwargs, shares)
    if n_followed == 1 and name == "layer_norm":
        return normed(func, args, kwargs, shares)
    raise NotAble(
        f"no rule shares out {REASONS.get(name, name)}; take integrated-gradients, which asks nothing of the layers"
    )


def _followed_at_wrong_place(name: str, args: Any) -> bool:
    """Whether what is divided by, or chosen by, was followed."""
    if name in ("div", "truediv"):
        return isinstance(args[1], Followed)
    return name == "where" and isinstance(args[0], Followed)


def _name(func: Callable[..., Any]) -> str:
    """Return the bare name of a function: `add` for `__iadd__`, `add_` and `__radd__` alike."""
    name: str = getattr(func, "__name__", str(func))
    if name.startswith("__") and name.endswith("__"):
        name = name.strip("_")
        name = name[1:] if name in ("radd", "rmul", "iadd", "isub", "imul", "rmatmul") else name
        return {"itruediv": "truediv", "pow": "pow"}.get(name, name)
    return {"multiply": "mul", "divide": "div", "subtract": "sub", "masked_fill_": "masked_fill"}.get(name, name)


def _tensors(values: Any) -> list[Tensor]:
    if isinstance(values, Tensor):
        return [values]
    if isinstance(values, Mapping):
        return _tensors(list(values.values()))
    return [found for each in values for found in _tensors(each)] if isinstance(values, list | tuple) else []


def _followed(values: Any, shares: Shares) -> Any:
    if isinstance(values, Tensor):
        return follow(values.as_subclass(Tensor), shares)
    if isinstance(values, list | tuple):
        return type(values)(_followed(each, shares) for each in values)
    return values
