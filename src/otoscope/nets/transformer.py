"""The Transformer's two blocks, with normalisation after each sum as published, or before each part.

Post-norm is Vaswani et al. (2017), section 3.1, and Thickstun's equations 1 to 6; pre-norm (Xiong et al. 2020) trains
without warm-up and needs one more normalisation after the last block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.nets.attention import MultiHeadAttention
from otoscope.nets.feedforward import FeedForward, real_lengths
from otoscope.nets.masks import both, causal_mask, key_mask
from otoscope.nets.taps import Tap

Norm = Literal["post", "pre"]


class EncoderBlock(nn.Module):
    """Self-attention and a feed-forward part, each with a residual sum and layer normalisation.

    post: u = LN(x + Attention(x)), z = LN(u + FF(u)) (Thickstun, equations 4 and 6);
    pre: u = x + Attention(LN(x)), z = u + FF(LN(u)).

    Sites: `attention` (weights), `attention.heads`, `mlp`, `mlp.hidden`, and the block's own name (z).

    Parameters
    ----------
    n_units, n_heads
        Width, and heads that share it.
    n_hidden
        Units inside the feed-forward part; 4 n_units by default.
    dropout
        Of attention weights, hidden units and each part's output.
    norm
        `post` as published, or `pre`.
    activation
        Name in `otoscope.nets.activations.ACTIVATIONS`.
    """

    def __init__(
        self,
        n_units: int,
        n_heads: int,
        *,
        n_hidden: int | None = None,
        dropout: float = 0.0,
        norm: Norm = "post",
        activation: str = "relu",
    ) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(n_units, n_heads, dropout)
        self.mlp = FeedForward(n_units, n_hidden or 4 * n_units, activation=activation, dropout=dropout)
        self.attention_sum = Residual(n_units, dropout, norm)
        self.mlp_sum = Residual(n_units, dropout, norm)
        self.tap = Tap()

    def forward(self, frames: Tensor, lengths: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Map `(n, n_frames, n_units)` to the same shape.

        Parameters
        ----------
        lengths
            Frames of each utterance, `(n,)`: what lies behind them is never looked at. `None`: all are real.
        mask
            Boolean `(n or 1, n_frames, n_frames)`: what a frame may look at besides; see `causal_mask`, `chunk_mask`.
        """
        n_real = real_lengths(frames, lengths)
        seen = both(mask, visible(lengths, frames))
        read = self.attention_sum.before(frames)
        attended, _ = self.attention(read, read, read, seen, lengths=(n_real, n_real))
        u = self.attention_sum.after(frames, attended)
        z: Tensor = self.tap(self.mlp_sum.after(u, self.mlp(self.mlp_sum.before(u), n_real)), n_real)
        return z


@dataclass(frozen=True)
class Memory:
    """What a decoder looks at: the encoder's frames `(n, n_frames, n_units)` and how many are real, `(n,)`."""

    frames: Tensor
    lengths: Tensor | None = None


class DecoderBlock(nn.Module):
    """Masked self-attention over the tokens so far, attention to the encoder, and a feed-forward part.

    Vaswani et al. (2017), section 3.1. Sites: `attention`, `cross_attention` (weights, and `.heads` of each), `mlp`,
    `mlp.hidden`, and the block's own name. Parameters as in `EncoderBlock`.
    """

    def __init__(
        self,
        n_units: int,
        n_heads: int,
        *,
        n_hidden: int | None = None,
        dropout: float = 0.0,
        norm: Norm = "post",
        activation: str = "relu",
    ) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(n_units, n_heads, dropout)
        self.cross_attention = MultiHeadAttention(n_units, n_heads, dropout)
        self.mlp = FeedForward(n_units, n_hidden or 4 * n_units, activation=activation, dropout=dropout)
        self.attention_sum = Residual(n_units, dropout, norm)
        self.cross_attention_sum = Residual(n_units, dropout, norm)
        self.mlp_sum = Residual(n_units, dropout, norm)
        self.tap = Tap()

    def forward(self, tokens: Tensor, memory: Memory, lengths: Tensor | None = None) -> Tensor:
        """Map `(n, n_tokens, n_units)` to the same shape; a token sees itself, those before it, and the memory.

        `lengths` `(n,)` counts the tokens of each utterance; what lies behind them is never looked at.
        """
        return self.step(tokens, tokens, memory, lengths)

    def step(self, tokens: Tensor, past: Tensor, memory: Memory, lengths: Tensor | None = None) -> Tensor:
        """Return this block's output for `tokens`, the last of `past`: all of them, or only the newest.

        A decoder that writes token by token keeps each block's inputs as `past` `(n, n_past, n_units)` and asks for the
        newest `(n, 1, n_units)`: the answer is the same as that of `forward` for the whole row.
        """
        n_real, n_memory = real_lengths(tokens, lengths), real_lengths(memory.frames, memory.lengths)
        n_past = real_lengths(past, lengths)
        causal = causal_mask(past.shape[1], device=past.device)[:, -tokens.shape[1] :]
        keys = self.attention_sum.before(past)
        attended, _ = self.attention(
            self.attention_sum.before(tokens),
            keys,
            keys,
            both(causal, visible(lengths, past)),
            lengths=(n_real, n_past),
        )
        u = self.attention_sum.after(tokens, attended)
        attended, _ = self.cross_attention(
            self.cross_attention_sum.before(u),
            memory.frames,
            memory.frames,
            visible(memory.lengths, memory.frames),
            lengths=(n_real, n_memory),
        )
        u = self.cross_attention_sum.after(u, attended)
        z: Tensor = self.tap(self.mlp_sum.after(u, self.mlp(self.mlp_sum.before(u), n_real)), n_real)
        return z


class Residual(nn.Module):
    """The sum around a part, and where its layer normalisation stands: before the part, or after the sum."""

    def __init__(self, n_units: int, dropout: float, norm: Norm) -> None:
        super().__init__()
        if norm not in ("post", "pre"):
            raise BadInput(f"normalisation stands 'post' or 'pre', not {norm!r}")
        self.layer_norm, self.dropout, self.norm = nn.LayerNorm(n_units), nn.Dropout(dropout), norm

    def before(self, x: Tensor) -> Tensor:
        """Return what the part reads."""
        read: Tensor = self.layer_norm(x) if self.norm == "pre" else x
        return read

    def after(self, x: Tensor, part: Tensor) -> Tensor:
        """Return the sum of what went past the part and what it made."""
        total: Tensor = x + self.dropout(part)
        return self.layer_norm(total) if self.norm == "post" else total


def visible(lengths: Tensor | None, keys: Tensor) -> Tensor | None:
    """Return the mask of the real keys `(n, 1, n_keys)` on the device of `keys`; `None` where all are real."""
    return None if lengths is None else key_mask(lengths.to(keys.device), keys.shape[1])
