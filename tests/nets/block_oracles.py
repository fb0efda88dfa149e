"""What the tests of the building blocks share: float64, one seed, and equality of outputs and gradients."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

TOLERANCE = 1e-6
LENGTHS = torch.tensor([9, 4, 7])


def frames(*shape: int, seed: int = 0) -> Tensor:
    """Random float64 frames that want a gradient."""
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).requires_grad_()


def assert_same(ours: Callable[[Tensor], Tensor], theirs: Callable[[Tensor], Tensor], x: Tensor) -> None:
    """Outputs and gradients of both agree, for a random weighting of the outputs."""
    found, wanted = ours(x), theirs(x)
    assert found.shape == wanted.shape
    weights = frames(*wanted.shape, seed=7).detach()
    (gradient,) = torch.autograd.grad((found * weights).sum(), x)
    (expected,) = torch.autograd.grad((wanted * weights).sum(), x)
    assert torch.allclose(found, wanted, rtol=0, atol=TOLERANCE)
    assert torch.allclose(gradient, expected, rtol=0, atol=TOLERANCE)
    assert gradient.abs().max() > 0


def assert_padding_is_unseen(run: Callable[[Tensor, Tensor], Tensor], n_units: int, *, shorter: int = 1) -> None:
    """Each utterance alone gives what it gives in a batch, whatever lies in the padding."""
    x = frames(3, 9, n_units)
    batch = run(x, LENGTHS)
    with torch.no_grad():
        noisy = x.clone()
        for row, length in zip(noisy, LENGTHS.tolist(), strict=True):
            row[length:] = 1e3
    other = run(noisy, LENGTHS)
    for i, length in enumerate(LENGTHS.tolist()):
        alone = run(x[i : i + 1, :length], LENGTHS[i : i + 1])[0]
        assert torch.allclose(batch[i, : alone.shape[0]], alone, rtol=0, atol=TOLERANCE)
        assert torch.allclose(other[i, : alone.shape[0]], alone, rtol=0, atol=TOLERANCE)


def assert_causal(run: Callable[[Tensor], Tensor], n_units: int, *, stride: int = 1) -> None:
    """An output does not change when frames after it do."""
    x = frames(1, 12, n_units).detach()
    changed = x.clone()
    changed[:, 8:] = 5.0
    n_before = (8 - 1) // stride + 1
    assert torch.equal(run(x)[:, :n_before], run(changed)[:, :n_before])
    assert not torch.equal(run(x)[:, n_before:], run(changed)[:, n_before:])


def copied(source: nn.Module, target: nn.Module) -> None:
    """Copy weight and bias of a linear or normalising layer."""
    target.load_state_dict(source.state_dict())
