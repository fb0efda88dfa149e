"""What the families learn: CTC, attention with label smoothing (alone or with CTC), and transducer losses.

Each is an `otoscope.nets.training.Task`; the loss is in nats for each token, averaged over the batch's tokens.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.core.protocols import Progress
from otoscope.nets.examples import Example, batches, padded
from otoscope.nets.masks import frame_mask
from otoscope.nets.speech_network import SpeechNetwork
from otoscope.nets.training import History, TrainingPlan, deterministic, train
from otoscope.nets.transducer import transducer_loss
from otoscope.recognizers.endtoend.batching import (
    Made,
    Recipe,
    Sounds,
    SpeechBatch,
    feature_masks,
    string_of,
    strings,
)
from otoscope.recognizers.endtoend.card import EndToEndCard

SMOOTHING = 0.1
CTC_SHARE = 0.3
"""Share of the CTC loss in joint training (Watanabe et al. 2017, equation 41)."""


@dataclass
class SpeechTask:
    """Examples, and how a network fares on them; the families differ in `token_losses`."""

    card: EndToEndCard
    train: Sounds
    valid: Sounds | None
    recipe: Recipe

    def batches(self, rng: np.random.Generator) -> Sequence[SpeechBatch]:
        """Return new strings of changed words, in batches of like length, made when they are asked for."""
        groups = strings(self.train.speakers, rng, n_words=self.recipe.joining.n_words)
        each = self.train.n_samples
        lengths = [sum(each[i] for i in group) for group in groups]
        most = round(self.recipe.batch_s * self.train.rate_hz)
        found = batches(lengths, most=most, rng=rng)
        seeds = rng.integers(2**62, size=len(found))
        return Made(
            [
                partial(self._made, [groups[i] for i in chosen], int(seed))
                for chosen, seed in zip(found, seeds, strict=True)
            ]
        )

    def _made(self, groups: Sequence[Sequence[int]], seed: int) -> SpeechBatch:
        rng = np.random.default_rng(seed)
        rate_hz = self.train.rate_hz
        examples = [string_of([self.train[i] for i in group], rng, self.recipe, rate_hz) for group in groups]
        return self.batch(examples, rng)

    def batch(self, examples: Sequence[Example], rng: np.random.Generator | None = None) -> SpeechBatch:
        """Return examples padded to one length; with `rng`, some features are masked."""
        labels = [torch.tensor(self.card.tokens.encode(e.words), dtype=torch.int64) for e in examples]
        shape = self.card.shape
        masked = None
        if rng is not None:
            n_frames = [shape.front_end.grid(e.samples.size).n_frames for e in examples]
            masked = feature_masks(n_frames, n_features(self.card), rng, self.recipe.augmentation)
        return SpeechBatch(
            torch.from_numpy(padded([e.samples for e in examples])),
            torch.tensor([e.samples.size for e in examples]),
            masked,
            nn.utils.rnn.pad_sequence(labels, batch_first=True),
            torch.tensor([row.numel() for row in labels]),
        )

    def loss(self, network: SpeechNetwork, batch: SpeechBatch) -> Tensor:
        """Return the loss of a batch, nats for each token."""
        return self.losses(network, batch).sum() / batch.n_labels.sum().clamp(min=1)

    def weight(self, batch: SpeechBatch) -> float:
        """Return what a batch counts where several make one step: its tokens."""
        return float(batch.n_labels.sum())

    def losses(self, network: SpeechNetwork, batch: SpeechBatch) -> Tensor:
        """Return the loss of each utterance, `(n,)`."""
        device = network.mean.device
        masked = None if batch.masked is None else batch.masked.to(device)
        frames, lengths = network.encode(batch.waves.to(device), batch.n_samples, masked)
        return self.token_losses(network, frames, lengths, batch)

    def token_losses(self, network: SpeechNetwork, frames: Tensor, lengths: Tensor, batch: SpeechBatch) -> Tensor:
        """Return the loss of each utterance given its encoded frames, `(n,)`."""
        raise NotImplementedError

    def validate(self, network: SpeechNetwork) -> float:
        """Return the loss on the held-out examples, unchanged; NaN where there is none."""
        if self.valid is None:
            return math.nan
        total, n_labels = 0.0, 0
        most = round(self.recipe.batch_s * self.valid.rate_hz)
        for chosen in batches(self.valid.n_samples, most=most):
            batch = self.batch([self.valid[i] for i in chosen])
            total += float(self.losses(network, batch).sum())
            n_labels += int(batch.n_labels.sum())
        return total / max(1, n_labels)


class CtcTask(SpeechTask):
    """-ln P(text | sound) by CTC (Graves et al. 2006); what needs more frames than there are counts as 0."""

    def token_losses(self, network: SpeechNetwork, frames: Tensor, lengths: Tensor, batch: SpeechBatch) -> Tensor:
        """Return the loss of each utterance given its encoded frames, `(n,)`."""
        return ctc_losses(network, frames, lengths, batch)


class AttentionTask(SpeechTask):
    """Cross entropy of each next token and the end, smoothed (Szegedy et al. 2016); joint with CTC where there is one.

    λ CTC + (1 - λ) attention (Watanabe et al. 2017, equation 41), λ = `CTC_SHARE`: also where the search hears the
    decoder alone, since attention finds its place in a few hours of speech only on frames that CTC has taught to tell
    letters apart. Held-out losses are not smoothed.
    """

    def token_losses(self, network: SpeechNetwork, frames: Tensor, lengths: Tensor, batch: SpeechBatch) -> Tensor:
        """Return the loss of each utterance given its encoded frames, `(n,)`."""
        assert network.decoder is not None  # the card says so
        device = frames.device
        scores = network.decoder(network.decoder.remember(frames, lengths), batch.labels.to(device), batch.n_labels)
        real = frame_mask(batch.n_labels + 1, scores.shape[1]).squeeze(-1).to(device)
        wanted = nn.functional.pad(batch.labels, (0, 1)) * frame_mask(batch.n_labels, scores.shape[1]).squeeze(-1)
        smoothing = SMOOTHING if network.training else 0.0
        each = nn.functional.cross_entropy(
            scores.transpose(1, 2), wanted.to(device), reduction="none", label_smoothing=smoothing
        )
        losses: Tensor = (each * real).sum(1)
        if network.ctc is None:
            return losses
        return CTC_SHARE * ctc_losses(network, frames, lengths, batch) + (1 - CTC_SHARE) * losses


class TransducerTask(SpeechTask):
    """-ln P(text | sound) summed over all alignments of a transducer (Graves 2012), plus CTC where there is one."""

    def token_losses(self, network: SpeechNetwork, frames: Tensor, lengths: Tensor, batch: SpeechBatch) -> Tensor:
        """Return the loss of each utterance given its encoded frames, `(n,)`."""
        assert network.prediction is not None
        assert network.joiner is not None
        labels = batch.labels.to(frames.device)
        lattice = network.joiner.lattice(frames, network.prediction(labels, batch.n_labels))
        losses = transducer_loss(lattice, labels, lengths, batch.n_labels)
        if network.ctc is None:
            return losses
        return losses + CTC_SHARE * ctc_losses(network, frames, lengths, batch)


def ctc_losses(network: SpeechNetwork, frames: Tensor, lengths: Tensor, batch: SpeechBatch) -> Tensor:
    """Return -ln P(text | sound) of the CTC output, `(n,)`; 0 for a text that needs more frames than there are."""
    log_probs = network.ctc_log_probs(frames, lengths).transpose(0, 1)
    labels = torch.cat([row[:n] for row, n in zip(batch.labels, batch.n_labels.tolist(), strict=True)])
    return nn.functional.ctc_loss(
        log_probs, labels.to(frames.device), lengths, batch.n_labels, reduction="none", zero_infinity=True
    )


TASKS = {"ctc": CtcTask, "attention": AttentionTask, "transducer": TransducerTask}
"""Task of each family."""


def n_features(card: EndToEndCard) -> int:
    """Return the columns of the features."""
    if card.shape.features == "spectrogram":
        return max(512, 1 << (card.shape.front_end.window - 1).bit_length()) // 2
    return card.shape.front_end.n_mels


def measure_scale(network: SpeechNetwork, task: SpeechTask, *, most: int = 8) -> None:
    """Set the network's fixed mean and scale of each feature from the first training batches."""
    rows = []
    with torch.no_grad():
        for index, batch in enumerate(task.batches(np.random.default_rng(2**32))):
            if index == most:
                break
            frames, lengths = network.computed(batch.waves.to(network.mean.device), batch.n_samples)
            rows += [row[:n] for row, n in zip(frames, lengths.tolist(), strict=True)]
    if not rows:
        raise BadInput("there is nothing to train on: the corpus gave no batch")
    values = torch.cat(rows)
    network.mean.copy_(values.mean(0))
    network.scale.copy_(values.std(0).clamp(min=1e-3))


def fit_network(
    network: SpeechNetwork,
    card: EndToEndCard,
    corpora: tuple[Iterable[Any], Iterable[Any]],
    how: tuple[TrainingPlan, Recipe],
    run: tuple[str | os.PathLike[str] | None, Progress | None],
) -> History:
    """Train a network in place on `corpora` (train, valid); `run` is where to keep checkpoints and whom to tell."""
    (plan, recipe), (checkpoint, progress) = how, run
    rate_hz, held_out = card.shape.front_end.rate_hz, list(corpora[1])
    valid = Sounds(held_out, rate_hz) if held_out else None
    task: SpeechTask = TASKS[card.family](card, Sounds(corpora[0], rate_hz), valid, recipe)
    with deterministic(plan.n_threads):
        measure_scale(network, task)
    history = train(network, task, plan, checkpoint=checkpoint, progress=progress)
    network.cpu()
    return history
