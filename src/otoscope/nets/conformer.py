"""The Conformer block: attention for what is far, convolution for what is near (Gulati et al. 2020)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.nets.convolution import TimeConvolution
from otoscope.nets.feedforward import FeedForward, real_lengths
from otoscope.nets.masks import both, causal_mask, frame_mask
from otoscope.nets.relative_attention import RelativeMultiHeadAttention
from otoscope.nets.taps import Tap
from otoscope.nets.transformer import visible

ConvolutionNorm = Literal["batch", "layer"]


class ConformerBlock(nn.Module):
    """Half a feed-forward step, self-attention, convolution, half a feed-forward step, layer normalisation.

    Gulati et al. (2020), equation 1: x̃ = x + ½ FFN(x), x′ = x̃ + MHSA(x̃), x″ = x′ + Conv(x′),
    y = LN(x″ + ½ FFN(x″)); each part reads layer-normalised frames, and attention knows distances (Dai et al. 2019).

    Sites: `mlp_first`, `attention` (weights), `attention.heads`, `convolution`, `mlp` and the block's own name (y).

    Parameters
    ----------
    n_units, n_heads
        Width, and heads that share it.
    n_hidden
        Units inside the feed-forward parts; 4 n_units by default.
    kernel
        Frames of the depthwise convolution, odd.
    dropout
        Of attention weights, hidden units and each part's output.
    causal
        Neither attention nor convolution sees later frames. A `mask` (chunks) may still open attention.
    conv_norm
        Inside the convolution: `batch` as published, over the real frames only; `layer` where batches are small,
        gradients are accumulated, or several processes train.
    """

    def __init__(
        self,
        n_units: int,
        n_heads: int,
        *,
        n_hidden: int | None = None,
        kernel: int = 31,
        dropout: float = 0.0,
        causal: bool = False,
        conv_norm: ConvolutionNorm = "batch",
    ) -> None:
        super().__init__()
        self.causal, n_hidden = causal, n_hidden or 4 * n_units
        self.mlp_first = FeedForward(n_units, n_hidden, activation="swish", dropout=dropout)
        self.attention = RelativeMultiHeadAttention(n_units, n_heads, dropout)
        self.convolution = ConvolutionModule(n_units, kernel, causal=causal, norm=conv_norm)
        self.mlp = FeedForward(n_units, n_hidden, activation="swish", dropout=dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(n_units) for _ in range(5))
        self.dropout, self.tap = nn.Dropout(dropout), Tap()

    def forward(self, frames: Tensor, lengths: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Map `(n, n_frames, n_units)` to the same shape.

        Parameters
        ----------
        lengths
            Frames of each utterance, `(n,)`: what lies behind them is never looked at. `None`: all are real.
        mask
            Boolean `(n or 1, n_frames, n_frames)`: what attention may look at. By default everything, or with `causal`
            the frame itself and earlier ones.
        """
        n_real = real_lengths(frames, lengths)
        x = frames + 0.5 * self.dropout(self.mlp_first(self.norms[0](frames), n_real))
        if mask is None and self.causal:
            mask = causal_mask(frames.shape[1], device=frames.device)
        read = self.norms[1](x)
        attended, _ = self.attention(read, read, read, both(mask, visible(lengths, x)), lengths=(n_real, n_real))
        x = x + self.dropout(attended)
        x = x + self.dropout(self.convolution(self.norms[2](x), n_real))
        x = x + 0.5 * self.dropout(self.mlp(self.norms[3](x), n_real))
        y: Tensor = self.tap(self.norms[4](x), n_real)
        return y


class ConvolutionModule(nn.Module):
    """Pointwise convolution, gated linear unit, depthwise convolution, norm, swish, pointwise convolution.

    Gulati et al. (2020), section 2.2. Site: this module's own name.
    """

    def __init__(self, n_units: int, kernel: int, *, causal: bool = False, norm: ConvolutionNorm = "batch") -> None:
        super().__init__()
        if norm not in ("batch", "layer"):
            raise BadInput(f"the convolution is normalised by 'batch' or 'layer', not {norm!r}")
        self.gates = nn.Linear(n_units, 2 * n_units)
        self.depthwise = TimeConvolution(n_units, n_units, kernel, groups=n_units, causal=causal)
        self.norm = MaskedBatchNorm(n_units) if norm == "batch" else FrameNorm(n_units)
        self.output, self.tap = nn.Linear(n_units, n_units), Tap()

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map `(n, n_frames, n_units)` to the same shape."""
        n_real = real_lengths(frames, lengths)
        mixed, _ = self.depthwise(nn.functional.glu(self.gates(frames), dim=-1), n_real)
        out: Tensor = self.tap(self.output(nn.functional.silu(self.norm(mixed, n_real))), n_real)
        return out


class FrameNorm(nn.LayerNorm):
    """Layer normalisation of each frame, with the call of `MaskedBatchNorm`."""

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return normalised frames; `lengths` does not matter."""
        return super().forward(frames)


class MaskedBatchNorm(nn.BatchNorm1d):
    """Batch normalisation (Ioffe & Szegedy 2015) whose statistics are those of the real frames alone."""

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map `(n, n_frames, n_units)` to the same shape; frames behind `lengths` become zero."""
        mask = frame_mask(real_lengths(frames, lengths).to(frames.device), frames.shape[1]).squeeze(-1)
        real = super().forward(frames[mask])
        return torch.zeros_like(frames, dtype=real.dtype).masked_scatter(mask.unsqueeze(-1), real)
