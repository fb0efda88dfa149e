"""Convolutions over time: 2-D as an equation, dilated (TDNN), causal, depthwise, and the one that shortens the row.

All take frames `(n, n_frames, n_units)` with the frames of each utterance, `(n,)`, and never let padding reach them.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from otoscope.core import BadInput, FrameGrid
from otoscope.nets.activations import activation as function
from otoscope.nets.feedforward import real_lengths
from otoscope.nets.masks import frame_mask
from otoscope.nets.taps import Tap


def convolve_2d(
    image: Tensor, kernel: Tensor, bias: Tensor | None = None, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> Tensor:
    """Return y[o, t, f] = b[o] + Σ_{c,i,j} k[o, c, i, j] x[c, s t + d i - p, s f + d j - p], zero outside.

    What networks call convolution (LeCun et al. 1989) is this correlation: the kernel is not turned round. Equal to
    `torch.nn.functional.conv2d`, written as one product with all patches.

    Parameters
    ----------
    image, kernel, bias
        `(n, n_in, height, width)`, `(n_out, n_in, k_height, k_width)`, `(n_out,)`.
    """
    rows, columns = kernel.shape[2:]
    patches = nn.functional.pad(image, (padding,) * 4)
    patches = patches.unfold(2, dilation * (rows - 1) + 1, stride)[..., ::dilation]
    patches = patches.unfold(3, dilation * (columns - 1) + 1, stride)[..., ::dilation]
    summed = torch.einsum("nctfij,ocij->notf", patches, kernel)
    return summed if bias is None else summed + bias[:, None, None]


class TimeConvolution(nn.Module):
    """A convolution over time with dilation: a time-delay layer (Waibel et al. 1989; Peddinti et al. 2015).

    y_t = b + Σ_i W_i x_{s t + d i - p}. With `causal`, a frame sees itself and earlier ones only (van den Oord et al.
    2016); otherwise the kernel is centred. Padding keeps one output frame for each `stride` input frames.

    Parameters
    ----------
    n_in, n_out
        Units.
    kernel
        Taps, odd unless causal.
    dilation, stride
        Frames between two taps, and between two outputs.
    groups
        `n_in` makes it depthwise: each unit has a kernel of its own.
    causal
        Whether later frames are out of sight.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int,
        *,
        dilation: int = 1,
        stride: int = 1,
        groups: int = 1,
        causal: bool = False,
    ) -> None:
        super().__init__()
        if kernel < 1 or (kernel % 2 == 0 and not causal):
            raise BadInput(f"a centred convolution needs an odd kernel, got {kernel}; or make it causal")
        self.conv = nn.Conv1d(n_in, n_out, kernel, stride=stride, dilation=dilation, groups=groups)
        self.kernel, self.dilation, self.stride, self.causal = kernel, dilation, stride, causal

    @property
    def padding(self) -> tuple[int, int]:
        """Frames of zeros before and after."""
        reach = self.dilation * (self.kernel - 1)
        return (reach, 0) if self.causal else (reach // 2, reach // 2)

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Map `(n, n_frames, n_in)` to `(n, ⌈n_frames / stride⌉, n_out)`, with the new lengths; padding is zero."""
        n_real = real_lengths(frames, lengths)
        masked = frames * frame_mask(n_real.to(frames.device), frames.shape[1])
        out = self.conv(nn.functional.pad(masked.transpose(1, 2), self.padding)).transpose(1, 2)
        n_real = (n_real - 1) // self.stride + 1
        return out * frame_mask(n_real.to(out.device), out.shape[1]), n_real

    def grid(self, grid: FrameGrid) -> FrameGrid:
        """Return where the output frames lie."""
        made = grid.conv(self.kernel, stride=self.stride, padding=self.padding[0], dilation=self.dilation)
        return replace(made, n_frames=(grid.n_frames - 1) // self.stride + 1)


class CausalConvolution(TimeConvolution):
    """A dilated convolution that sees no later frame (van den Oord et al. 2016, WaveNet)."""

    def __init__(self, n_in: int, n_out: int, kernel: int, *, dilation: int = 1, stride: int = 1) -> None:
        super().__init__(n_in, n_out, kernel, dilation=dilation, stride=stride, causal=True)


class TdnnLayer(nn.Module):
    """Dilated convolution, activation, layer normalisation of each frame, dropout. Site: this module's own name."""

    def __init__(
        self, n_in: int, n_out: int, kernel: int = 3, *, dilation: int = 1, stride: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.conv = TimeConvolution(n_in, n_out, kernel, dilation=dilation, stride=stride)
        self.norm, self.dropout, self.tap = nn.LayerNorm(n_out), nn.Dropout(dropout), Tap()

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Map `(n, n_frames, n_in)` to `(n, n_frames', n_out)`, with the new lengths."""
        out, n_real = self.conv(frames, lengths)
        out = self.norm(torch.relu(out)) * frame_mask(n_real.to(out.device), out.shape[1])
        return self.dropout(self.tap(out, n_real)), n_real

    def grid(self, grid: FrameGrid) -> FrameGrid:
        """Return where the output frames lie."""
        return self.conv.grid(grid)


class Subsampling(nn.Module):
    """3×3 convolutions over time and frequency, each with stride 2, then a linear map.

    The front of the Speech-Transformer (Dong et al. 2018) and the Conformer (Gulati et al. 2020). With `causal` the
    kernel reaches back in time only. Site: this module's own name.

    Parameters
    ----------
    n_features, n_units
        Columns in and out.
    n_channels
        Channels of each convolution.
    n_halvings
        How many convolutions: 2 shorten the row to a quarter.
    causal
        Whether later frames are out of sight.
    """

    def __init__(
        self, n_features: int, n_units: int, *, n_channels: int = 32, n_halvings: int = 2, causal: bool = False
    ) -> None:
        super().__init__()
        self.causal, self.convolutions, height = causal, nn.ModuleList(), n_features
        for i in range(n_halvings):
            self.convolutions.append(nn.Conv2d(1 if i == 0 else n_channels, n_channels, 3, stride=2))
            height = (height - 1) // 2 + 1
        self.output, self.activation, self.tap = nn.Linear(n_channels * height, n_units), function("relu"), Tap()

    @property
    def padding(self) -> tuple[int, int]:
        """Frames of zeros before and after the input of each convolution."""
        return (2, 0) if self.causal else (1, 1)

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Map `(n, n_frames, n_features)` to `(n, n_frames', n_units)`, with the new lengths; padding is zero."""
        n_real = real_lengths(frames, lengths)
        image = frames.unsqueeze(1)
        for convolution in self.convolutions:
            image = image * frame_mask(n_real.to(image.device), image.shape[2]).unsqueeze(1)
            image = self.activation(convolution(nn.functional.pad(image, (1, 1, *self.padding))))
            n_real = (n_real - 1) // 2 + 1
        out = self.output(image.transpose(1, 2).flatten(2))
        out = self.tap(out * frame_mask(n_real.to(out.device), out.shape[1]), n_real)
        return out, n_real

    def grid(self, grid: FrameGrid) -> FrameGrid:
        """Return where the output frames lie."""
        for _ in self.convolutions:
            grid = replace(grid.conv(3, stride=2, padding=self.padding[0]), n_frames=(grid.n_frames - 1) // 2 + 1)
        return grid
