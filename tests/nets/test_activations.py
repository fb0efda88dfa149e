"""Activations and normalisation written as equations equal torch's, gradients included."""

from __future__ import annotations

import pytest
import torch
from block_oracles import assert_same, frames
from torch.nn import functional

from otoscope.core.errors import UnknownName
from otoscope.nets import activations

PAIRS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "clipped_relu": lambda x: functional.hardtanh(x, 0.0, 20.0),
    "gelu": functional.gelu,
    "swish": functional.silu,
    "glu": functional.glu,
    "softmax": lambda x: torch.softmax(x, -1),
    "log_softmax": lambda x: torch.log_softmax(x, -1),
}


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_equations_equal_torch(name):
    assert_same(getattr(activations, name), PAIRS[name], 9 * frames(4, 5, 6))


@pytest.mark.parametrize("name", sorted(activations.ACTIVATIONS))
def test_kernels_equal_the_equations(name):
    assert_same(activations.activation(name), getattr(activations, name), 9 * frames(4, 5, 6))


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softmax", "log_softmax", "swish"])
def test_large_numbers_do_not_overflow(name):
    x = torch.tensor([-1e4, -800.0, 0.0, 800.0, 1e4], requires_grad=True)
    out = getattr(activations, name)(x)
    out.sum().backward()
    assert torch.isfinite(out).all()
    assert torch.isfinite(x.grad).all()


def test_layer_norm_is_thickstuns():
    gain, bias = frames(6, seed=1), frames(6, seed=2)
    assert_same(
        lambda x: activations.layer_norm(x, gain, bias),
        lambda x: functional.layer_norm(x, (6,), gain, bias),
        frames(3, 5, 6),
    )


def test_an_unknown_activation_is_named():
    with pytest.raises(UnknownName, match="did you mean relu"):
        activations.activation("rellu")
