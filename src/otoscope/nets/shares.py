"""The slopes that DeepLIFT and LRP put in the place of a layer's derivative.

Every function here returns a layer's own output; only its slopes are others. Rows are what is explained and then, of
the same number, the reference, unless all is measured against zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from otoscope.core import BadInput, NotAble

NEAR = 1e-6
"""Differences below this share of the two numbers are rounding: there the derivative stands for the quotient."""


@dataclass(frozen=True)
class Shares:
    """How a linear map's output is shared out among its inputs, by their contributions z_i = Δx_i w_i.

    Parameters
    ----------
    rule
        `epsilon`: z_i / (z + ε sign z), which with ε = 0 is DeepLIFT's (Bach et al. 2015, equation 58; Ancona et al.
        2018, proposition 2). `gamma`: contributions of the output's own sign count 1 + γ times (Montavon et al. 2019,
        table 10.1; for inputs of both signs as in Andéol et al. 2021). `z-plus`: no others count (γ → ∞).
    epsilon
        As a share of the root mean square of the layer's output differences.
    gamma
        γ.
    from_zero
        Whether all is measured against zero instead of the reference, and biases take their part, as LRP was published;
        the scale of a layer norm is then taken as given (Ali et al. 2022, section 3.3). Then what biases took is
        missing from the sum.
    """

    rule: Literal["epsilon", "gamma", "z-plus"] = "epsilon"
    epsilon: float = 0.0
    gamma: float = 0.25
    from_zero: bool = False

    def __post_init__(self) -> None:
        if self.rule not in ("epsilon", "gamma", "z-plus"):
            raise BadInput(f"relevance is shared out by epsilon, gamma or z-plus, not {self.rule!r}")
        if self.epsilon < 0 or self.gamma < 0:
            raise BadInput(f"epsilon and gamma must be 0 or more, got {self.epsilon:g} and {self.gamma:g}")


def _halves(x: Tensor, shares: Shares) -> tuple[Tensor, Tensor]:
    """Return what is explained and what it is measured against, without their graphs."""
    own = x.detach()
    if shares.from_zero:
        return own, torch.zeros_like(own)
    here, there = own.chunk(2)
    return here, there


def _both(x: Tensor, shares: Shares) -> Tensor:
    """Return the same slopes for both halves of the rows."""
    return x if shares.from_zero else torch.cat([x, x])


def rescaled(function: Callable[[Tensor], Tensor], x: Tensor, shares: Shares) -> Tensor:
    """Return f(x) element by element, its slope Δy / Δx."""
    x = x.as_subclass(Tensor)
    here, there = _halves(x, shares)
    out = function(x.detach())
    rise = out if shares.from_zero else out.chunk(2)[0] - out.chunk(2)[1]
    step = here - there
    with torch.enable_grad():
        leaf = here.clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(function(leaf).sum(), leaf)
    near = step.abs() <= NEAR * (here.abs() + there.abs())
    slope = torch.where(near, slope, rise / torch.where(near, torch.ones_like(step), step))
    return out + _both(slope, shares) * (x - x.detach())


def weighted(func: Callable[..., Any], args: Any, kwargs: Any, shares: Shares) -> Tensor:
    """Return a linear map or convolution, its slopes by the shares of what each input contributes."""
    named = dict(zip(("input", "weight", "bias"), args, strict=False)) | kwargs
    x, weight, bias = named.pop("input").as_subclass(Tensor), named.pop("weight"), named.pop("bias", None)
    rest = args[3:]

    def applied(values: Tensor, by: Tensor, offset: Tensor | None = None) -> Tensor:
        made: Tensor = func(values, by, offset, *rest, **named)
        return made

    out = applied(x.detach(), weight, bias).detach()
    if shares.rule == "epsilon" and not shares.epsilon:
        return out + applied(x - x.detach(), weight)
    here, there = _halves(x, shares)
    rise = out if shares.from_zero else out.chunk(2)[0] - out.chunk(2)[1]
    path = _favoured(applied, weight, rise, here - there, shares)
    counted = path(here - there)
    if shares.from_zero and bias is not None:
        ones = torch.ones_like(rise).transpose(1, -1) if weight.dim() > 2 else torch.ones_like(rise)
        own = (ones * bias).transpose(1, -1) if weight.dim() > 2 else ones * bias
        counted = counted + _own_sign(own, rise, shares)
    if shares.rule == "epsilon":
        counted = counted + shares.epsilon * rise.square().mean().sqrt() * torch.where(rise < 0, -1.0, 1.0).to(rise)
    nothing = counted.abs() <= torch.finfo(counted.dtype).tiny
    scale = torch.where(nothing, torch.zeros_like(rise), rise / torch.where(nothing, torch.ones_like(rise), counted))
    change = x - x.detach()
    passed = change if shares.from_zero else change.chunk(2)[0]
    return out + _both(scale * path(passed), shares)


def _own_sign(values: Tensor, rise: Tensor, shares: Shares) -> Tensor:
    """Return what contributions that all go to one output each count: those of the output's own sign count more."""
    agreeing = torch.where((values > 0) == (rise > 0), values, torch.zeros_like(values))
    if shares.rule == "epsilon":
        return values
    return agreeing if shares.rule == "z-plus" else values + shares.gamma * agreeing


def _favoured(
    applied: Callable[[Tensor, Tensor], Tensor], weight: Tensor, rise: Tensor, step: Tensor, shares: Shares
) -> Callable[[Tensor], Tensor]:
    """Return the linear map whose contributions of the output's own sign are favoured."""
    rising, up = (step > 0).to(step), (rise > 0).to(rise)
    positive, negative = weight.clamp(min=0), weight.clamp(max=0)

    def path(values: Tensor) -> Tensor:
        if shares.rule == "epsilon":
            return applied(values, weight)
        more, less = values * rising, values * (1 - rising)
        agreeing = up * (applied(more, positive) + applied(less, negative))
        agreeing = agreeing + (1 - up) * (applied(more, negative) + applied(less, positive))
        return agreeing if shares.rule == "z-plus" else applied(values, weight) + shares.gamma * agreeing

    return path


def normed(func: Callable[..., Any], args: Any, kwargs: Any, shares: Shares) -> Tensor:
    """Return a layer norm over the last axis, the product of the centred frame and 1 / √v shared out.

    Raises
    ------
    NotAble
        It is over several axes.
    """
    named = dict(zip(("input", "normalized_shape", "weight", "bias", "eps"), args, strict=False)) | kwargs
    x = named["input"].as_subclass(Tensor)
    if len(named["normalized_shape"]) != 1:
        raise NotAble("no rule shares out a layer norm over several axes; take integrated-gradients")
    out = func(x.detach(), *args[1:], **kwargs).detach()
    change = (x - x.detach()) - (x - x.detach()).mean(-1, keepdim=True)
    own = x.detach() - x.detach().mean(-1, keepdim=True)
    variance = own.square().mean(-1, keepdim=True) + named.get("eps", 1e-5)
    root = variance.rsqrt()
    if shares.from_zero:
        spread = root * change
    else:
        (v, v_there), (r, r_there), (c, c_there) = variance.chunk(2), root.chunk(2), own.chunk(2)
        step = v - v_there
        near = step.abs() <= NEAR * (v + v_there)
        slope = torch.where(near, -0.5 * r**3, (r - r_there) / torch.where(near, torch.ones_like(step), step))
        mine = change.chunk(2)[0]
        by_variance = slope * ((c + c_there) * mine).mean(-1, keepdim=True)
        spread = _both((r + r_there) / 2 * mine + (c + c_there) / 2 * by_variance, shares)
    gain = named.get("weight")
    return out + (spread if gain is None else spread * gain)
