"""Whisper as a task of the one training loop: teacher forcing, and optionally where to listen."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from otoscope.nets.training import device_of, moved
from otoscope.recognizers.endtoend.batching import Made
from otoscope.recognizers.whisper.features import FrontEnd
from otoscope.recognizers.whisper.lessons import IGNORED, LessonBatch, Lessons, batch_of

POSITION_S = 0.02
"""Seconds from one position of the encoder to the next."""


class Learner(nn.Module):
    """A Whisper that is given windows and tokens at once.

    Windows may be shorter than the model's own, which is quicker: positions then begin at `first`.

    Parameters
    ----------
    model
        transformers' `WhisperForConditionalGeneration`, or one with adapters around its layers.
    n_mels
        Mel bands.
    """

    def __init__(self, model: Any, n_mels: int) -> None:
        super().__init__()
        self.model = model
        self.front_end = FrontEnd(n_mels)
        fused = copy.copy(model.config)
        fused._attn_implementation = "sdpa"
        for layer in model.model.encoder.layers:
            layer.self_attn.config = fused  # nobody looks at these weights; 1,500² of them need much memory

    def encode(self, waves: Tensor, *, first: int = 0) -> Tensor:
        """Return encoder states `(n, n_positions, n_units)` of sound at 16 kHz `(n, n_samples)`."""
        encoder = self.model.model.encoder
        hidden = self.front_end.log_mel(waves).transpose(1, 2)
        hidden = nn.functional.gelu(encoder.conv1(hidden))
        hidden = nn.functional.gelu(encoder.conv2(hidden)).transpose(1, 2)
        positions = torch.arange(first, first + hidden.shape[1], device=hidden.device)
        hidden = nn.functional.dropout(hidden + encoder.embed_positions(positions), encoder.dropout, self.training)
        for layer in encoder.layers:
            hidden = layer(hidden, None)
        states: Tensor = encoder.layer_norm(hidden)
        return states

    def decode(self, states: Tensor, given: Tensor, *, attentions: bool = False) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return scores `(n, n_tokens, n_symbols)`, and by layer attention `(n, n_heads, n_tokens, n_positions)`."""
        heard = self.model.model.decoder(
            input_ids=given, encoder_hidden_states=states, use_cache=False, output_attentions=attentions
        )
        return self.model.proj_out(heard.last_hidden_state), heard.cross_attentions if attentions else ()


@dataclass
class WhisperTask:
    """Cross entropy of each token that is learnt, given those before; nats a token.

    Parameters
    ----------
    train, valid
        Lessons; without held-out ones the last epoch is kept.
    end
        Token that fills up the shorter texts.
    window_s
        Length of the windows.
    batch_size
        Windows in a batch.
    """

    train: Lessons
    valid: Lessons | None
    end: int
    window_s: float = 30.0
    batch_size: int = 8

    def batches(self, rng: np.random.Generator) -> Sequence[LessonBatch]:
        """Return all lessons in a new order, in batches made when they are asked for."""
        order = rng.permutation(len(self.train))
        groups = [order[first : first + self.batch_size] for first in range(0, order.size, self.batch_size)]
        seeds = rng.integers(2**62, size=len(groups))
        return Made([partial(self._made, self.train, group, int(s)) for group, s in zip(groups, seeds, strict=True)])

    def _made(self, lessons: Lessons, indices: Iterable[int], seed: int) -> LessonBatch:
        rng = np.random.default_rng(seed)
        return batch_of([lessons.lesson(int(i), rng) for i in indices], round(self.window_s * 16000), self.end)

    def loss(self, network: Learner, batch: LessonBatch) -> Tensor:
        """Return the mean loss of the tokens."""
        scores, _ = network.decode(network.encode(batch.waves), batch.given)
        return token_loss(scores, batch.wanted)

    def weight(self, batch: LessonBatch) -> float:
        """Return what a batch counts where several make one step: its tokens."""
        return float(batch.n_learnt)

    def validate(self, network: Learner) -> float:
        """Return the mean loss of the held-out tokens; NaN where there is none."""
        if self.valid is None:
            return math.nan
        total, n_learnt = 0.0, 0
        for first in range(0, len(self.valid), self.batch_size):
            indices = range(first, min(first + self.batch_size, len(self.valid)))
            batch = moved(self._made(self.valid, indices, first), device_of(network))
            scores, _ = network.decode(network.encode(batch.waves), batch.given)
            total += float(token_loss(scores, batch.wanted, reduction="sum"))
            n_learnt += batch.n_learnt
        return total / max(1, n_learnt)


def token_loss(scores: Tensor, wanted: Tensor, *, reduction: str = "mean") -> Tensor:
    """Return the cross entropy of the tokens that are learnt."""
    return nn.functional.cross_entropy(
        scores.flatten(0, 1).float(), wanted.flatten(), ignore_index=IGNORED, reduction=reduction
    )
