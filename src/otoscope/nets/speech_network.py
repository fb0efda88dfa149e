"""A whole end-to-end network: front end, encoder, and the output parts of its families (CTC, attention, transducer)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from otoscope.core import BadInput, FrameGrid
from otoscope.nets.decoders import RecurrentDecoder, TransformerDecoder
from otoscope.nets.encoders import EncoderShape
from otoscope.nets.front_end import FrontEndShape
from otoscope.nets.masks import frame_mask
from otoscope.nets.speech_inputs import InputKind, speech_input
from otoscope.nets.taps import Place, tap_at
from otoscope.nets.transducer import Joiner, PredictionNetwork


@dataclass(frozen=True)
class DecoderShape:
    """What fixes the parts that know the labels so far.

    Parameters
    ----------
    kind
        `recurrent` or `transformer` for an attention decoder, `transducer` for prediction network and joiner, `none`
        where the network has but a CTC output.
    n_units, n_layers, n_heads, dropout
        Width, depth and heads (of a Transformer), share of units dropped in training.
    """

    kind: Literal["none", "recurrent", "transformer", "transducer"] = "none"
    n_units: int = 96
    n_layers: int = 2
    n_heads: int = 4
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.kind not in ("none", "recurrent", "transformer", "transducer"):
            raise BadInput(f"unknown decoder {self.kind!r}; one of none, recurrent, transformer, transducer")


@dataclass(frozen=True)
class SpeechShape:
    """What fixes an end-to-end network.

    Parameters
    ----------
    n_symbols
        Units it writes, and index 0: the blank of CTC and transducer, start and end of an attention decoder.
    front_end, features
        The frames, and what is computed of each (see `otoscope.nets.speech_inputs`).
    encoder, decoder
        The other parts.
    ctc
        Whether it has a CTC output.
    """

    n_symbols: int
    front_end: FrontEndShape = field(default_factory=FrontEndShape)
    features: InputKind = "log-mel"
    encoder: EncoderShape = field(default_factory=EncoderShape)
    decoder: DecoderShape = field(default_factory=DecoderShape)
    ctc: bool = True

    def __post_init__(self) -> None:
        if self.n_symbols < 2:
            raise BadInput(f"a network needs two symbols or more, got {self.n_symbols}")
        if not self.ctc and self.decoder.kind == "none":
            raise BadInput("a network without a decoder needs its CTC output")


class SpeechNetwork(nn.Module):
    """Waveforms in, symbol scores out. Site names are the paths of the parts' taps: `features`, `encoder.…`, `logits`.

    `ctc` is the linear CTC output, `decoder` the attention decoder, `prediction` and `joiner` those of a transducer;
    `None` where there is none.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, shape: SpeechShape) -> None:
        super().__init__()
        self.shape = shape
        self.front_end = speech_input(shape.features, shape.front_end)
        self.features = Place()
        n_features = int(self.front_end.n_features)  # type: ignore[arg-type]
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))
        self.encoder = shape.encoder.build(n_features)
        n_units, how = self.encoder.n_units, shape.decoder
        self.ctc = nn.Linear(n_units, shape.n_symbols) if shape.ctc else None
        self.logits = Place() if shape.ctc else None
        self.decoder: RecurrentDecoder | TransformerDecoder | None = None
        self.prediction: PredictionNetwork | None = None
        self.joiner: Joiner | None = None
        if how.kind == "recurrent":
            self.decoder = RecurrentDecoder(shape.n_symbols, n_units, how.n_units, how.dropout)
        elif how.kind == "transformer":
            self.decoder = TransformerDecoder(
                shape.n_symbols, n_units, how.n_units, n_blocks=how.n_layers, n_heads=how.n_heads, dropout=how.dropout
            )
        elif how.kind == "transducer":
            self.prediction = PredictionNetwork(shape.n_symbols, how.n_units, how.dropout)
            self.joiner = Joiner(n_units, how.n_units, how.n_units, shape.n_symbols)

    def tap(self, site: str) -> nn.Module:
        """Return the tap of a site; raises `BadInput` where there is none."""
        return tap_at(self, site)

    def grids(self, n_samples: int) -> Mapping[str, FrameGrid]:
        """Return the grid of each part by the beginning of its sites' names; `encoder` is what comes out of it."""
        features = self.shape.front_end.grid(n_samples)
        inner = {f"encoder.{name}".rstrip("."): grid for name, grid in self.encoder.grids(features).items()}
        return {"features": features, **inner, "logits": inner["encoder"]}

    def n_frames(self, n_samples: Tensor) -> Tensor:
        """Return the frames of the front end for utterances of so many samples, `(n,)`."""
        return torch.tensor([self.shape.front_end.grid(int(n)).n_frames for n in n_samples], dtype=torch.int64)

    def computed(self, waves: Tensor, n_samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return features `(n, n_frames, n_features)` of zero-padded waves `(n, n_samples)`, and their lengths."""
        lengths = self.n_frames(n_samples)
        frames = self.front_end(waves)[:, : int(lengths.max())]
        return self.features(frames, lengths), lengths

    def encode_features(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `encode` does, of what the front end gave, `(n, n_frames, n_features)`."""
        return self.encoder(self.normalized(self.features(frames, lengths), lengths), lengths)

    def encode(self, waves: Tensor, n_samples: Tensor, masked: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return encoded frames `(n, n_frames', n_units)` and how many each utterance has, `(n,)`.

        `masked` `(n, n_frames, n_features)` says which features to cover by their mean (SpecAugment).
        """
        frames, lengths = self.computed(waves, n_samples)
        return self.encoder(self.normalized(frames, lengths, masked), lengths)

    def normalized(self, frames: Tensor, lengths: Tensor, masked: Tensor | None = None) -> Tensor:
        """Return features with the mean and scale of the training set, zero behind the end."""
        frames = (frames - self.mean) / self.scale * frame_mask(lengths.to(frames.device), frames.shape[1])
        return frames if masked is None else frames.masked_fill(masked, 0.0)

    def ctc_log_probs(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Return the natural-log symbol probabilities of CTC, `(n, n_frames', n_symbols)`.

        Raises
        ------
        BadInput
            The network has no CTC output.
        """
        if self.ctc is None or self.logits is None:
            raise BadInput("this network has no CTC output")
        return torch.log_softmax(self.logits(self.ctc(frames), lengths), -1)

    def forward(self, waves: Tensor, n_samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return `encode(waves, n_samples)`."""
        return self.encode(waves, n_samples)
