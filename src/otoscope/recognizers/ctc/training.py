"""How the CTC recogniser learns: strings of words made and changed anew each epoch, CTC loss, held-out loss."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.core.protocols import Progress
from otoscope.nets.acoustic import AcousticModel
from otoscope.nets.augment import Augmentation, change_voice, mask_features
from otoscope.nets.examples import Example, Joining, batches, join, padded
from otoscope.nets.front_end import LogMel
from otoscope.nets.lattice import spelled
from otoscope.nets.training import History, TrainingPlan, deterministic, train
from otoscope.recognizers.ctc.card import CtcCard
from otoscope.signal.resampling import resampled

BATCH_S = 60.0
"""Seconds of padded sound in a training batch."""


@dataclass(frozen=True)
class Recipe:
    """What is done to the training sound.

    `joining` is `None` where the utterances are taken as they are, `augmentation` where they are not changed.
    """

    joining: Joining = field(default_factory=Joining)
    augmentation: Augmentation = field(default_factory=Augmentation)
    batch_s: float = BATCH_S


@dataclass(frozen=True)
class CtcBatch:
    """Features `(n, n_frames, n_mels)`, frames of each `(n,)`, all labels in one row, labels of each `(n,)`."""

    features: Tensor
    lengths: Tensor
    labels: Tensor
    n_labels: Tensor


@dataclass
class CtcTask:
    """Examples, and how a network fares on them (`otoscope.nets.training.Task`)."""

    front_end: LogMel
    symbols: tuple[str, ...]
    separator: str | None
    train: Sequence[Example]
    valid: Sequence[Example]
    recipe: Recipe

    def batches(self, rng: np.random.Generator) -> list[CtcBatch]:
        """Return new strings of changed words; see `Recipe`."""
        rate_hz, how = self.front_end.shape.rate_hz, self.recipe.augmentation
        examples = join(self.train, rng, how=self.recipe.joining, rate_hz=rate_hz, augmentation=how)
        found = []
        for chosen in batches([e.samples.size for e in examples], most=round(self.recipe.batch_s * rate_hz), rng=rng):
            batch = self.batch([examples[i] for i in chosen])
            fill = batch.features[0].mean(0).numpy()
            for row, length in zip(batch.features, batch.lengths.tolist(), strict=True):
                voiced = change_voice(row[:length].numpy(), rng, largest=how.warp, channel=how.channel)
                row[:length] = torch.from_numpy(mask_features(voiced, rng, how=how, fill=fill))
            found.append(batch)
        return found

    def batch(self, examples: Sequence[Example]) -> CtcBatch:
        """Return the features and labels of examples as they are."""
        labels = [spelled(e.words, self.symbols, self.separator) for e in examples]
        grids = [self.front_end.shape.grid(e.samples.size) for e in examples]
        with torch.no_grad():
            features = self.front_end(torch.from_numpy(padded([e.samples for e in examples])))
        return CtcBatch(
            features[:, : max(grid.n_frames for grid in grids)],
            torch.tensor([grid.n_frames for grid in grids]),
            torch.tensor([label for row in labels for label in row]),
            torch.tensor([len(row) for row in labels]),
        )

    def loss(self, network: AcousticModel, batch: CtcBatch) -> Tensor:
        """Return minus log P(text | sound) per label (Graves et al. 2006), averaged over the batch's labels."""
        logits, lengths = network(batch.features, batch.lengths)
        log_probs = torch.log_softmax(logits, -1).transpose(0, 1)
        losses = nn.functional.ctc_loss(log_probs, batch.labels, lengths, batch.n_labels, blank=0, reduction="none")
        return losses.sum() / batch.n_labels.sum().clamp(min=1)

    def validate(self, network: AcousticModel) -> float:
        """Return the same on the held-out examples, unchanged; NaN where there is none."""
        total, n_labels = 0.0, 0
        rate_hz = self.front_end.shape.rate_hz
        for chosen in batches([e.samples.size for e in self.valid], most=round(self.recipe.batch_s * rate_hz)):
            batch = self.batch([self.valid[i] for i in chosen])
            count = max(1, int(batch.n_labels.sum()))
            total += float(self.loss(network, batch)) * count
            n_labels += count
        return total / n_labels if n_labels else math.nan


def measure_scale(network: AcousticModel, batch_list: Sequence[CtcBatch]) -> None:
    """Set the network's fixed mean and scale of each feature from some training batches."""
    rows = torch.cat([row[:n] for b in batch_list for row, n in zip(b.features, b.lengths.tolist(), strict=True)])
    network.mean.copy_(rows.mean(0))
    network.scale.copy_(rows.std(0).clamp(min=1e-3))


def examples_of(corpus: Iterable[Any], rate_hz: int) -> list[Example]:
    """Read utterances (`otoscope.corpora.manifest.Utterance`, or anything with `text`, `speaker` and `recording()`).

    Raises
    ------
    BadInput
        There is none.
    """
    found = [Example(resampled(u.recording(), rate_hz).samples, tuple(u.text.split()), u.speaker) for u in corpus]
    if not found:
        raise BadInput("the corpus holds no utterance; nothing can be learnt from it")
    return found


def fit_ctc(
    network: AcousticModel,
    front_end: LogMel,
    card: CtcCard,
    corpora: tuple[Iterable[Any], Iterable[Any]],
    how: tuple[TrainingPlan, Recipe],
    run: tuple[str | os.PathLike[str] | None, Progress | None],
) -> History:
    """Train `network` in place on `corpora` (train, valid); see `CTCRecognizer.fit`."""
    (plan, recipe), (checkpoint, progress) = how, run
    rate_hz = front_end.shape.rate_hz
    train_set = examples_of(corpora[0], rate_hz)
    valid_set = list(corpora[1])
    valid_examples = examples_of(valid_set, rate_hz) if valid_set else []
    task = CtcTask(front_end, card.symbols, card.separator, train_set, valid_examples, recipe)
    with deterministic(plan.n_threads):
        measure_scale(network, task.batches(np.random.default_rng((plan.seed, 2**32))))
    return train(network, task, plan, checkpoint=checkpoint, progress=progress)
