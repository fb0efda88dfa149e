"""CTC fine-tuning as a task of the one training loop: sound with words in, nats for each letter out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from otoscope.nets.contrastive import Spans
from otoscope.nets.examples import Example, batches
from otoscope.nets.training import device_of, moved
from otoscope.recognizers.endtoend.batching import Made, Recipe, Sounds, string_of, strings
from otoscope.recognizers.wav2vec2.symbols import Symbols
from otoscope.recognizers.wav2vec2.waves import normalised, stacked


@dataclass(frozen=True)
class CtcBatch:
    """Waves `(n, n_samples)` and their lengths, hidden frames `(n, n_frames)`, labels of all in a row, their counts."""

    waves: Tensor
    n_samples: Tensor
    hidden: Tensor
    labels: Tensor
    n_labels: Tensor


class CtcNetwork(nn.Module):
    """transformers' `…ForCTC` with frames hidden as we say, and how many updates it has seen.

    Parameters
    ----------
    model
        The network.
    head_updates
        For so many updates the head learns alone, as the paper does it (section 4.3): gradients of a head that knows
        nothing would spoil what stands below it.
    """

    n_updates: Tensor

    def __init__(self, model: Any, *, head_updates: int = 0) -> None:
        super().__init__()
        self.model, self.head_updates = model, head_updates
        self.register_buffer("n_updates", torch.zeros((), dtype=torch.int64))

    def train(self, mode: bool = True) -> CtcNetwork:
        """Begin or end learning; running statistics of normalisations whose weights are frozen stay as they are."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d) and not module.weight.requires_grad:
                module.eval()
        return self

    def n_frames(self, n_samples: Any) -> Any:
        """Return how many frames there are of a waveform of so many samples."""
        return self.model._get_feat_extract_output_lengths(n_samples)

    def forward(self, batch: CtcBatch) -> tuple[Tensor, Tensor]:
        """Return log-probabilities `(n, n_frames, n_symbols)` and how many frames of each are sound."""
        longest = batch.waves.shape[1]
        heard = None
        if int(batch.n_samples.min()) < longest:
            heard = (torch.arange(longest, device=batch.waves.device) < batch.n_samples[:, None]).long()
        hidden = batch.hidden if self.training else None  # never left out in training: transformers would draw its own
        above = self.training and int(self.n_updates) < self.head_updates
        with torch.set_grad_enabled(torch.is_grad_enabled() and not above):
            found = self.model.base_model(batch.waves, attention_mask=heard, mask_time_indices=hidden)
        scores = self.model.lm_head(self.model.dropout(found.last_hidden_state))
        lengths = self.n_frames(batch.n_samples).clamp(max=scores.shape[1])
        return scores.float().log_softmax(-1), lengths


@dataclass
class CtcTuningTask:
    """-ln P(text | sound) by CTC (Graves et al. 2006), nats for each letter.

    Parameters
    ----------
    train, valid
        Examples; `valid` may be `None`.
    symbols
        What the head writes.
    spans
        Frames hidden in training, `None`: none.
    recipe
        How recordings are joined, changed and put together.
    n_frames
        Frames of so many samples.
    changed
        Whether sound is changed as `recipe.augmentation` says.
    """

    train: Sounds
    valid: Sounds | None
    symbols: Symbols
    spans: Spans | None
    recipe: Recipe
    n_frames: Any
    changed: bool = False

    def batches(self, rng: np.random.Generator) -> Sequence[CtcBatch]:
        """Return all recordings in new strings, batches and places to hide, made when they are asked for."""
        groups = strings(self.train.speakers, rng, n_words=self.recipe.joining.n_words)
        each = self.train.n_samples
        lengths = [sum(each[i] for i in group) for group in groups]
        found = batches(lengths, most=round(self.recipe.batch_s * self.train.rate_hz), rng=rng)
        seeds = rng.integers(2**62, size=len(found))
        chosen = [[groups[i] for i in batch] for batch in found]
        return Made([partial(self._made, own, int(seed)) for own, seed in zip(chosen, seeds, strict=True)])

    def _made(self, groups: Sequence[Sequence[int]], seed: int) -> CtcBatch:
        rng = np.random.default_rng(seed)
        return self.batch([self._string([self.train[i] for i in group], rng) for group in groups], rng)

    def _string(self, parts: Sequence[Example], rng: np.random.Generator) -> Example:
        if len(parts) == 1 and not self.changed:
            return parts[0]
        return string_of(parts, rng, self.recipe, self.train.rate_hz)

    def batch(self, examples: Sequence[Example], rng: np.random.Generator | None = None) -> CtcBatch:
        """Return examples padded to one length; with `rng`, some frames are hidden."""
        labels = [self.symbols.encode(example.words) for example in examples]
        n_samples = [example.samples.size for example in examples]
        hidden = np.zeros((len(examples), int(self.n_frames(max(n_samples)))), dtype=bool)
        for row, n in zip(hidden, n_samples, strict=True):
            if rng is not None and self.spans is not None:
                n_frames = int(self.n_frames(n))
                row[:n_frames] = self.spans.drawn(n_frames, rng)
        return CtcBatch(
            stacked([normalised(example.samples) for example in examples]),
            torch.tensor(n_samples),
            torch.from_numpy(hidden),
            torch.tensor([label for row in labels for label in row]),
            torch.tensor([len(row) for row in labels]),
        )

    def loss(self, network: CtcNetwork, batch: CtcBatch) -> Tensor:
        """Return the loss of a batch, nats for each letter; counts as an update."""
        losses = self.losses(network, batch)
        network.n_updates += 1
        return losses.sum() / batch.n_labels.sum().clamp(min=1)

    def weight(self, batch: CtcBatch) -> float:
        """Return what a batch counts where several make one step: its letters."""
        return float(batch.n_labels.sum())

    def losses(self, network: CtcNetwork, batch: CtcBatch) -> Tensor:
        """Return -ln P(text | sound) of each utterance, `(n,)`; 0 for a text that needs more frames than there are."""
        log_probs, lengths = network(batch)
        return nn.functional.ctc_loss(
            log_probs.transpose(0, 1),
            batch.labels,
            lengths,
            batch.n_labels,
            blank=self.symbols.blank,
            reduction="none",
            zero_infinity=True,
        )

    def validate(self, network: CtcNetwork) -> float:
        """Return the loss on the held-out examples, unchanged; NaN where there is none."""
        if self.valid is None:
            return math.nan
        total, n_labels = 0.0, 0
        for chosen in batches(self.valid.n_samples, most=round(self.recipe.batch_s * self.valid.rate_hz)):
            batch = moved(self.batch([self.valid[int(i)] for i in chosen]), device_of(network))
            total += float(self.losses(network, batch).sum())
            n_labels += int(batch.n_labels.sum())
        return total / max(1, n_labels)
