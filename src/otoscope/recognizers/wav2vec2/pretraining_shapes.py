"""Sizes of wav2vec 2.0 networks that begin with random weights."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from otoscope.core import BadInput, UnknownName
from otoscope.recognizers.checkpoints.opening import quiet_transformers
from otoscope.recognizers.wav2vec2.waves import RATE_HZ

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
    before
        Normalise before each block, as the large models do, rather than after it: short runs at high rates stay alive.
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
    before: bool = True

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
            "do_stable_layer_norm": self.before,
        }
        return Wav2Vec2Config(**{**said, **changes})

    def network(self, seed: int, **changes: Any) -> Any:
        """Return transformers' `Wav2Vec2ForPreTraining` of this size, weights drawn as there."""
        from transformers import Wav2Vec2ForPreTraining

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Wav2Vec2ForPreTraining(self.config(**changes))


SHAPES: Mapping[str, Shape] = {
    "tiny": Shape((16, 16, 16, 32, 32, 32, 32), 32, 2, 2, 64, 16, 4, 2, 16, 8, 16),
    "small": Shape(),
    "base": Shape((512,) * 7, 768, 12, 12, 3072, 128, 16, 2, 320, 128, 256, 0.1, before=False),
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


def save_encoder(model: Any, folder: Path) -> None:
    """Write a network and what says how it hears; transformers and `otoscope.load` open the folder."""
    from transformers import Wav2Vec2FeatureExtractor

    extractor = Wav2Vec2FeatureExtractor(
        feature_size=1,
        sampling_rate=RATE_HZ,
        do_normalize=True,
        return_attention_mask=model.config.feat_extract_norm == "layer",
    )
    with quiet_transformers():
        model.save_pretrained(folder)
        extractor.save_pretrained(folder)


@torch.no_grad()
def calibrate(model: Any, waves: Tensor) -> None:
    """Centre what the first linear layers give, and scale it to variance 1 (code books: 4), over frames of some sound.

    With weights drawn at random the frames have far more in common than what sets them apart: a network that begins so
    writes the same everywhere for hundreds of updates, and its quantiser draws codes at random (cf. Mishkin & Matas
    2016, "All you need is a good init").

    Parameters
    ----------
    model
        Changed in place; the quantiser of one for pretraining too.
    waves
        `(n, n_samples)`, normalised.
    """
    given: list[Tensor] = []
    projection = model.base_model.feature_projection.projection
    handle = projection.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    model.eval().base_model(waves)
    handle.remove()
    layers = [(projection, 1.0)]
    if hasattr(model, "quantizer"):
        layers.append((model.quantizer.weight_proj, 2.0))
    for layer, wanted in layers:
        found = layer(given[0])
        mean, scale = found.mean((0, 1)), found.std((0, 1)).clamp(min=1e-6) / wanted
        layer.weight /= scale[:, None]
        layer.bias.copy_((layer.bias - mean) / scale)


def write_untrained(
    folder: str | os.PathLike[str],
    shape: str | Mapping[str, Any],
    *,
    seed: int,
    sound: Tensor | None = None,
    **changes: Any,
) -> Path:
    """Write a network with random weights, for training from scratch or to compare with one that was pretrained.

    Parameters
    ----------
    sound
        Waves `(n, n_samples)` to calibrate it on; `None` leaves the weights as transformers draws them.
    changes
        Further fields of transformers' configuration.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model = shape_of(shape).network(seed, **changes)
    if sound is not None:
        calibrate(model, sound)
    save_encoder(model, folder)
    return folder
