"""Sizes of wav2vec 2.0 networks that begin with random weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from otoscope.core import BadInput, UnknownName

KERNELS = (10, 3, 3, 3, 3, 2, 2)
STRIDES = (5, 2, 2, 2, 2, 2, 2)
"""Of the convolutions, as published: frames of 25 ms, 20 ms apart."""


@dataclass(frozen=True)
class Shape:
    """How large a network is.

    Parameters
    ----------
    channels
        Of each of the seven convolutions.
    width, n_blocks, n_heads, hidden
        Of the Transformer: residual stream, blocks, attention heads, hidden layer.
    positions, position_groups
        Kernel and groups of the positional convolution.
    n_books, n_codes, book_width
        Code books of the quantiser, entries of each, width of an entry.
    projection
        Width in which targets and outputs are compared.
    dropout
        Inside the Transformer.
    """

    channels: tuple[int, ...] = (32, 32, 64, 64, 96, 128, 128)
    width: int = 128
    n_blocks: int = 4
    n_heads: int = 4
    hidden: int = 512
    positions: int = 32
    position_groups: int = 8
    n_books: int = 2
    n_codes: int = 64
    book_width: int = 32
    projection: int = 64
    dropout: float = 0.05

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", tuple(self.channels))
        if len(self.channels) != len(KERNELS):
            raise BadInput(f"there are {len(KERNELS)} convolutions, got channels for {len(self.channels)}")

    def config(self, **changes: Any) -> Any:
        """Return transformers' configuration, changed where asked."""
        from transformers import Wav2Vec2Config

        said = {
            "conv_dim": self.channels,
            "conv_kernel": KERNELS,
            "conv_stride": STRIDES,
            "hidden_size": self.width,
            "num_hidden_layers": self.n_blocks,
            "num_attention_heads": self.n_heads,
            "intermediate_size": self.hidden,
            "num_conv_pos_embeddings": self.positions,
            "num_conv_pos_embedding_groups": self.position_groups,
            "num_codevector_groups": self.n_books,
            "num_codevectors_per_group": self.n_codes,
            "codevector_dim": self.n_books * self.book_width,
            "proj_codevector_dim": self.projection,
            "hidden_dropout": self.dropout,
            "attention_dropout": self.dropout,
            "activation_dropout": 0.0,
            "feat_proj_dropout": self.dropout,
            "feat_quantizer_dropout": 0.0,
            "final_dropout": 0.0,
            "layerdrop": 0.0,
        }
        return Wav2Vec2Config(**{**said, **changes})

    def network(self, seed: int) -> Any:
        """Return transformers' `Wav2Vec2ForPreTraining` of this size, weights drawn as there."""
        from transformers import Wav2Vec2ForPreTraining

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Wav2Vec2ForPreTraining(self.config())


SHAPES: Mapping[str, Shape] = {
    "tiny": Shape((16, 16, 16, 32, 32, 32, 32), 32, 2, 2, 64, 16, 4, 2, 16, 8, 16),
    "small": Shape(),
    "base": Shape((512,) * 7, 768, 12, 12, 3072, 128, 16, 2, 320, 128, 256, 0.1),
}
"""`small` learns from a few hours on one core; `base` is the published size."""


def shape_of(shape: str | Mapping[str, Any]) -> Shape:
    """Return a shape by its name, or from its fields.

    Raises
    ------
    UnknownName
        No such shape.
    BadInput
        No such field.
    """
    if isinstance(shape, str):
        if shape not in SHAPES:
            raise UnknownName("shape", shape, tuple(SHAPES))
        return SHAPES[shape]
    try:
        return Shape(**shape)
    except TypeError as error:
        raise BadInput(f"no such field of a shape: {error}") from None
