"""Faster arithmetic of less precision: 8-bit mantissas, matrices of 8-bit integers, long convolutions by Fourier sums.

What a network computes in float32 stays as transformers computes it, to the last bit; this is for hearing text quickly.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from otoscope.core import NotAble, UnknownName

Precision = Literal["float32", "bfloat16", "int8"]

LONG_KERNEL = 32
"""Steps from which a convolution is done by Fourier transform."""

MATRIX_BY_MATRIX = ("wavlm", "sew-d")
"""Networks whose attention takes its matrices without calling them; those stay as they are."""


def check_precision(precision: str) -> None:
    """Raise `UnknownName` where there is no such precision."""
    if precision not in get_args(Precision):
        raise UnknownName("precision", str(precision), get_args(Precision))


def reduced(model: Any, precision: str) -> Any:
    """Return a wav2vec2-like model of transformers in another precision; it is changed in place.

    `bfloat16` rounds weights and what passes between operations to 8 bits of mantissa. `int8` also has the matrices of
    the Transformer in 8-bit integers, a scale for each row of weights and each frame (Dettmers et al. 2022, section
    2.1), and float32 sums of those; where the processor cannot sum such products without overflow, weights have 7 bits.
    In both the long positional convolution is done by Fourier transform in float32.
    """
    if precision == "float32":
        return model
    encoder = model.base_model.encoder
    long = {
        name: FourierConvolution(module)
        for name, module in encoder.named_modules()
        if isinstance(module, nn.Conv1d) and _is_long(module)
    }
    chosen = _matrices(encoder, model.config.model_type) if precision == "int8" else {}
    matrices = {name: Int8Linear(module) for name, module in chosen.items()}
    model = model.to(torch.bfloat16)
    for name, module in {**long, **matrices}.items():
        encoder.set_submodule(name, module)
    return model


def _is_long(convolution: nn.Conv1d) -> bool:
    return convolution.kernel_size[0] >= LONG_KERNEL and convolution.stride == convolution.dilation == (1,)


def _matrices(encoder: nn.Module, kind: str) -> dict[str, nn.Linear]:
    own = kind in MATRIX_BY_MATRIX
    return {
        name: module
        for name, module in encoder.named_modules()
        if type(module) is nn.Linear and "adapter" not in name and not (own and ".attention" in name)
    }


class FourierConvolution(nn.Module):
    """A convolution over time of long kernels, block by block through Fourier transforms (overlap-save).

    Equal to the convolution it is made of up to float32 rounding (Oppenheim & Schafer 1989, section 8.7.3); each output
    channel meets only its own group of inputs.

    Parameters
    ----------
    convolution
        Of stride and dilation 1; what it pads stays padded.
    """

    kernel: Tensor
    bias: Tensor

    def __init__(self, convolution: nn.Conv1d) -> None:
        super().__init__()
        weight = convolution.weight.detach().float()
        n_out, n_in, self.width = weight.shape
        self.kernel_size, self.stride, self.dilation = (self.width,), (1,), (1,)
        self.groups, self.padding = convolution.groups, (int(convolution.padding[0]),)
        self.n_fft = 5 * self.width
        self.step = self.n_fft - self.width + 1
        kernel = torch.fft.rfft(weight, self.n_fft).conj().view(self.groups, n_out // self.groups, n_in, -1)
        bias = torch.zeros(n_out) if convolution.bias is None else convolution.bias.detach().float()
        self.register_buffer("kernel", kernel.permute(3, 0, 2, 1).contiguous(), persistent=False)
        self.register_buffer("bias", bias.clone(), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Return `(n, n_out, n_frames)` of `frames` `(n, n_in, n_frames)`."""
        n, n_in, n_frames = frames.shape
        n_wanted = n_frames + 2 * self.padding[0] - self.width + 1
        n_blocks = -(-n_wanted // self.step)
        behind = n_blocks * self.step + self.width - 1 - n_frames - self.padding[0]
        blocks = F.pad(frames.float(), (self.padding[0], behind)).unfold(2, self.n_fft, self.step)
        spectrum = torch.fft.rfft(blocks).view(n, self.groups, n_in // self.groups, n_blocks, -1)
        n_bins = spectrum.shape[-1]
        rows = spectrum.permute(4, 1, 0, 3, 2).reshape(n_bins, self.groups, n * n_blocks, -1)
        product = torch.matmul(rows, self.kernel).view(n_bins, self.groups, n, n_blocks, -1)
        turned = product.permute(2, 1, 4, 3, 0).reshape(n, -1, n_blocks, n_bins)
        found = torch.fft.irfft(turned, self.n_fft)[..., : self.step].reshape(n, -1, n_blocks * self.step)
        return (found[..., :n_wanted] + self.bias[:, None]).to(frames.dtype)


class Int8Linear(nn.Module):
    """A matrix in 8-bit integers: one scale for each output, and one for each frame as it comes.

    Parameters
    ----------
    linear
        What it stands for.
    """

    rows: Tensor
    scale: Tensor
    bias: Tensor

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        rows, scale = quantized(weight, largest=127 if sums_are_exact() else 63)
        bias = torch.zeros(len(weight)) if linear.bias is None else linear.bias.detach().float()
        self.register_buffer("rows", rows.t().contiguous(), persistent=False)
        self.register_buffer("scale", scale.view(1, -1), persistent=False)
        self.register_buffer("bias", bias.clone(), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Return `(…, n_out)` of `frames` `(…, n_in)`.

        Raises
        ------
        NotAble
            A gradient is wanted: rounded numbers have none.
        """
        if frames.requires_grad and torch.is_grad_enabled():
            raise NotAble(
                "no gradient through matrices of 8-bit integers; open the checkpoint with precision='float32'"
            )
        own, scale = quantized(frames.reshape(-1, frames.shape[-1]).float())
        product = torch._int_mm(own, self.rows).float().mul_(scale).mul_(self.scale).add_(self.bias)
        return product.to(frames.dtype).view(*frames.shape[:-1], -1)


@cache
def sums_are_exact() -> bool:
    """Whether this processor's products of 8-bit matrices are exact whatever the integers.

    Those without dot products of four bytes (AVX2 alone) add two products in 16 bits, which overflow; with the second
    matrix from -63 to 63 they cannot: 2 · 255 · 63 < 2¹⁵, the first matrix being moved to 0 to 255.
    """
    most = torch.full((32, 64), 127, dtype=torch.int8)
    return bool((torch._int_mm(most, most.t().contiguous()) == 64 * 127**2).all())


def quantized(values: Tensor, largest: int = 127) -> tuple[Tensor, Tensor]:
    """Return the integers up to `largest` nearest to `values` `(n_rows, n_units)`, and each row's scale `(n_rows, 1)`.

    Examples
    --------
    >>> integers, scale = quantized(torch.tensor([[1.0, -0.5], [0.0, 0.0]]))
    >>> integers.tolist(), [round(each, 4) for each in scale.flatten().tolist()]
    ([[127, -64], [0, 0]], [0.0079, 0.0])
    """
    scale = values.abs().amax(1, keepdim=True) / largest
    return (values / scale.clamp(min=torch.finfo(torch.float32).tiny)).round_().to(torch.int8), scale
