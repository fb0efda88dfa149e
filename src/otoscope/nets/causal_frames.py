"""Learning which state each frame is in, from rows of features and labels: what trains a `CausalTdnn`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.nets.batching import LazyBatches, bucketed
from otoscope.nets.examples import batches
from otoscope.nets.training import device_of, moved

IGNORED = -100
"""Label of what does not count."""


@dataclass(frozen=True)
class Rows:
    """Utterances as features `(n_frames, n_features)` and labels `(n_frames,)`, one of each an utterance."""

    features: Sequence[NDArray[Any]] = field(repr=False)
    labels: Sequence[NDArray[Any]] = field(repr=False)

    def __post_init__(self) -> None:
        if [len(own) for own in self.features] != [len(own) for own in self.labels]:
            raise BadInput("each utterance needs as many labels as frames")

    def __len__(self) -> int:
        return len(self.labels)

    def __add__(self, other: Rows) -> Rows:
        return Rows((*self.features, *other.features), (*self.labels, *other.labels))

    def pieces(self, *, longest: int, before: int) -> Rows:
        """Return the rows cut into pieces of at most `longest` frames; `before` of them come along unlabelled."""
        features, labels = [], []
        for rows, own in zip(self.features, self.labels, strict=True):
            for start in range(0, len(own), longest):
                first, stop = max(0, start - before), start + longest
                marked = own[first:stop].astype(np.int64)
                marked[: start - first] = IGNORED
                features.append(rows[first:stop])
                labels.append(marked)
        return Rows(features, labels)


@dataclass(frozen=True)
class Batch:
    """Features `(n, n_frames, n_features)`, frames of each `(n,)`, labels `(n, n_frames)`, and the first to score."""

    features: Tensor
    lengths: Tensor
    labels: Tensor
    phase: int = 0


@dataclass
class CausalFrames:
    """The task of `otoscope.nets.training.train`: -ln P(state | sound), the mean over frames.

    Parameters
    ----------
    train, valid
        What is learnt, and what it is judged by; `valid` may be empty.
    n_channels
        Channels of the ear: the features are several rows of so many, and are stretched along them (vocal tract
        length perturbation, Jaitly & Hinton 2013).
    warp, hidden
        Largest stretch; and the most channels that are hidden, which show their mean (Park et al. 2019).
    batch_frames
        Padded frames in a batch.
    step
        Every `step`-th frame is scored, from a first that is drawn anew: neighbours tell nearly the same (Peddinti et
        al. 2015).
    """

    train: Rows
    valid: Rows
    n_channels: int
    warp: float = 0.07
    hidden: int = 7
    batch_frames: int = 6000
    step: int = 3

    def measure(self, network: Any) -> None:
        """Set the network's mean and scale of each feature from every seventh frame of the training rows."""
        seen = np.concatenate([rows[::7] for rows in self.train.features]).astype(np.float32)
        network.mean.copy_(torch.from_numpy(seen.mean(axis=0)))
        network.scale.copy_(torch.from_numpy(np.maximum(seen.std(axis=0), 1e-3)))

    def batches(self, rng: np.random.Generator) -> Sequence[Batch]:
        """Return an epoch's batches of like length, made when they are asked for."""
        groups = bucketed([len(own) for own in self.train.labels], most=self.batch_frames, rng=rng)
        return LazyBatches(groups, partial(self._made, self.train), seed=int(rng.integers(2**62)), n_workers=0)

    def loss(self, network: Any, batch: Batch) -> Tensor:
        """Return the cross-entropy of a batch, nats a frame."""
        total, n = self._sums(network, batch)
        return total / max(1, n)

    def weight(self, batch: Batch) -> float:
        """Return what a batch counts where several make one step: its labelled frames."""
        return float((batch.labels[:, batch.phase :: self.step] != IGNORED).sum())

    def validate(self, network: Any) -> float:
        """Return the cross-entropy on the held-out rows; NaN where there are none."""
        total, n = 0.0, 0
        for chosen in batches([len(own) for own in self.valid.labels], most=self.batch_frames):
            batch = moved(self._made(self.valid, chosen, None), device_of(network))
            loss, count = self._sums(network, batch)
            total, n = total + float(loss), n + count
        return total / n if n else math.nan

    def _sums(self, network: Any, batch: Batch) -> tuple[Tensor, int]:
        logits = network(batch.features, batch.lengths, step=self.step, phase=batch.phase)
        labels = batch.labels[:, batch.phase :: self.step]
        total = nn.functional.cross_entropy(
            logits.flatten(0, 1).float(), labels.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        return total, int((labels != IGNORED).sum())

    def _made(self, rows: Rows, chosen: NDArray[np.int64], rng: np.random.Generator | None) -> Batch:
        """Make a batch; with a generator the features are changed and the first frame is drawn."""
        features = [torch.from_numpy(np.asarray(rows.features[i], np.float32)) for i in chosen]
        labels = [torch.from_numpy(np.asarray(rows.labels[i], np.int64)) for i in chosen]
        lengths = torch.tensor([len(own) for own in labels])
        if rng is not None:
            features = [self._changed(own, rng) for own in features]
        padded = nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=IGNORED)
        phase = 0 if rng is None else int(rng.integers(min(self.step, int(lengths.max()))))
        return Batch(nn.utils.rnn.pad_sequence(features, batch_first=True), lengths, padded, phase)

    def _changed(self, features: Tensor, rng: np.random.Generator) -> Tensor:
        """Return the features of another voice, some channels hidden."""
        n_channels = self.n_channels
        found = features.view(len(features), -1, n_channels)
        at = np.clip(np.arange(n_channels) * (1 + rng.uniform(-self.warp, self.warp)), 0, n_channels - 1)
        low = np.minimum(at.astype(int), n_channels - 2)
        weight = torch.from_numpy((at - low).astype(np.float32))
        found = found[..., low] * (1 - weight) + found[..., low + 1] * weight
        if rng.random() < 0.5:
            width = int(rng.integers(1, self.hidden + 1))
            first = int(rng.integers(0, n_channels - width + 1))
            found[..., first : first + width] = found[..., first : first + width].mean(dim=0)
        return found.reshape(features.shape)
