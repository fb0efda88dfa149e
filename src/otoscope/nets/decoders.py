"""Attention decoders: what is written next, given the encoded sound and what was written so far.

Index 0 stands for the start in what goes in and for the end in what comes out. Every decoder has

- `remember(frames, lengths)`: the encoded sound, prepared once;
- `start(heard)`, `step(heard, labels, state)`: one label at a time, for search; states are tuples of tensors whose
  axis 0 is the hypothesis;
- `forward(heard, labels, n_labels)`: all labels at once, for training and scoring.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from otoscope.nets.attention import attention_weights
from otoscope.nets.masks import frame_mask
from otoscope.nets.positions import SinusoidalPositions
from otoscope.nets.taps import Place, Tap, WeightsTap
from otoscope.nets.transformer import DecoderBlock, Memory

State = tuple[Tensor, ...]


@dataclass(frozen=True)
class Heard:
    """The encoded sound a decoder looks at.

    `frames` `(n, n_frames, n_units)`, `keys` what it compares them by, `(n, n_frames, …)`, and `lengths` `(n,)`, how
    many frames are real.
    """

    frames: Tensor
    keys: Tensor
    lengths: Tensor

    @property
    def mask(self) -> Tensor:
        """Which frames are real, `(n, n_frames)`."""
        return frame_mask(self.lengths.to(self.frames.device), self.frames.shape[1]).squeeze(-1)

    def rows(self, index: Tensor) -> Heard:
        """Return the sound of some utterances, in the order given."""
        return Heard(self.frames[index], self.keys[index], self.lengths[index])


class LocationAttention(nn.Module):
    """Location-aware attention (Chorowski, Bahdanau, Serdyuk, Cho & Bengio 2015, equations 5 to 8).

    eᵢⱼ = β wᵀ tanh(W sᵢ₋₁ + V hⱼ + U fᵢⱼ + b), fᵢ = F ∗ αᵢ₋₁: where it looked last tells where to look next. β above
    1 sharpens the weights (section 2.3), which begin all but equal.
    Site: the weights, at this module's own name.
    """

    SHARPENING = 2.0

    def __init__(self, n_state: int, n_frame: int, n_units: int, *, n_filters: int = 8, reach: int = 10) -> None:
        super().__init__()
        self.of_state = nn.Linear(n_state, n_units)
        self.of_frame = nn.Linear(n_frame, n_units, bias=False)
        self.filters = nn.Conv1d(1, n_filters, 2 * reach + 1, padding=reach, bias=False)
        self.of_place = nn.Linear(n_filters, n_units, bias=False)
        self.score = nn.Linear(n_units, 1, bias=False)
        self.tap = WeightsTap()

    def forward(self, state: Tensor, heard: Heard, before: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is seen `(n, n_frame)` and the weights `(n, n_frames)`; `before` are the last step's weights."""
        place = self.of_place(self.filters(before[:, None]).transpose(1, 2))
        scores = self.score(torch.tanh(self.of_state(state)[:, None] + heard.keys + place)).squeeze(-1)
        weights = attention_weights(self.SHARPENING * scores, heard.mask)
        one, n_keys = torch.ones(len(weights), dtype=torch.int64), heard.lengths
        weights = self.tap(weights[:, None, None], one, n_keys)[:, 0, 0]
        return torch.einsum("nt,ntd->nd", weights, heard.frames), weights


class RecurrentDecoder(nn.Module):
    """Attend and spell (Chan, Jaitly, Le & Vinyals 2016, equations 6 to 11), with location-aware attention.

    Sites: `tokens` (the embedding of the label before), this module's own name (LSTM state and what is seen, before the
    output layer), and `attention`.
    """

    def __init__(self, n_symbols: int, n_frame: int, n_units: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.n_units, self.n_frame = n_units, n_frame
        self.embedding, self.tokens = nn.Embedding(n_symbols, n_units), Place()
        self.cell = nn.LSTMCell(n_units + n_frame, n_units)
        self.attention = LocationAttention(n_units, n_frame, n_units)
        self.output = nn.Linear(n_units + n_frame, n_symbols)
        self.dropout = nn.Dropout(dropout)
        self.tap = Tap()

    def remember(self, frames: Tensor, lengths: Tensor) -> Heard:
        """Return the encoded sound with its keys."""
        return Heard(frames, self.attention.of_frame(frames), lengths)

    def start(self, heard: Heard) -> State:
        """Return the state before the first label: hidden, cell, what was seen, and where."""
        n, n_frames = heard.frames.shape[:2]
        zeros = heard.frames.new_zeros
        return zeros(n, self.n_units), zeros(n, self.n_units), zeros(n, self.n_frame), zeros(n, n_frames)

    def step(self, heard: Heard, labels: Tensor, state: State) -> tuple[Tensor, State]:
        """Return `(n, n_symbols)` scores of the next label after `labels` `(n,)`, and the state behind them."""
        hidden, cell, seen, where = state
        one = torch.ones(len(labels), dtype=torch.int64)
        embedded = self.dropout(self.tokens(self.embedding(labels)[:, None], one)[:, 0])
        hidden, cell = self.cell(torch.cat([embedded, seen], -1), (hidden, cell))
        seen, where = self.attention(hidden, heard, where)
        both = torch.cat([hidden, seen], -1)[:, None]
        both = self.tap(both, one)[:, 0]
        return self.output(self.dropout(both)), (hidden, cell, seen, where)

    def forward(self, heard: Heard, labels: Tensor, n_labels: Tensor) -> Tensor:
        """Return `(n, n_labels + 1, n_symbols)` scores: row u of what follows the first u of `labels`."""
        state, rows = self.start(heard), []
        for column in nn.functional.pad(labels, (1, 0)).unbind(1):
            row, state = self.step(heard, column, state)
            rows.append(row)
        return torch.stack(rows, 1)


class TransformerDecoder(nn.Module):
    """The decoder of Vaswani et al. (2017), for speech as in Dong, Xu & Xu (2018).

    Sites: `tokens` (embeddings of the labels so far, before their positions), `blocks.i` and what they name within.
    """

    def __init__(
        self, n_symbols: int, n_frame: int, n_units: int, *, n_blocks: int = 2, n_heads: int = 4, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.n_units = n_units
        self.embedding, self.tokens = nn.Embedding(n_symbols, n_units), Place()
        self.of_frame = nn.Linear(n_frame, n_units) if n_frame != n_units else nn.Identity()
        self.blocks = nn.ModuleList(
            DecoderBlock(n_units, n_heads, n_hidden=4 * n_units, dropout=dropout, norm="pre") for _ in range(n_blocks)
        )
        self.output = nn.Linear(n_units, n_symbols)
        self.positions, self.norm = SinusoidalPositions(n_units, dropout), nn.LayerNorm(n_units)
        nn.init.normal_(self.embedding.weight, std=n_units**-0.5)

    def remember(self, frames: Tensor, lengths: Tensor) -> Heard:
        """Return the encoded sound at the decoder's width."""
        return Heard(frames, self.of_frame(frames), lengths)

    def start(self, heard: Heard) -> State:
        """Return the state before the first label: no label so far."""
        return (torch.zeros(heard.frames.shape[0], 0, dtype=torch.int64, device=heard.frames.device),)

    def step(self, heard: Heard, labels: Tensor, state: State) -> tuple[Tensor, State]:
        """Return `(n, n_symbols)` scores of the next label after `labels` `(n,)`, and the state behind them."""
        so_far = torch.cat([state[0], labels[:, None]], 1)
        return self._scores(heard, so_far, torch.full((len(so_far),), so_far.shape[1]))[:, -1], (so_far,)

    def forward(self, heard: Heard, labels: Tensor, n_labels: Tensor) -> Tensor:
        """Return `(n, n_labels + 1, n_symbols)` scores: row u of what follows the first u of `labels`."""
        return self._scores(heard, nn.functional.pad(labels, (1, 0)), n_labels + 1)

    def _scores(self, heard: Heard, labels: Tensor, n_labels: Tensor) -> Tensor:
        memory = Memory(heard.keys, heard.lengths)
        rows = self.positions(self.tokens(self.embedding(labels), n_labels))
        for block in self.blocks:
            rows = block(rows, memory, n_labels)
        scores: Tensor = self.output(self.norm(rows))
        return scores
