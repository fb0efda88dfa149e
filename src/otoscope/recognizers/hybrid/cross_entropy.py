"""Learning the column of each frame: sound changed anew in every epoch, labels that hold, nats a frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.corpora.utterance import Utterance
from otoscope.nets.augment import (
    Augmentation,
    add_room_noise,
    change_gain,
    change_speed,
    change_voice,
    mask_features,
)
from otoscope.nets.batching import LazyBatches, bucketed
from otoscope.nets.examples import batches
from otoscope.nets.training import device_of, moved
from otoscope.recognizers.hybrid.labels import Labels
from otoscope.signal.resampling import resampled

IGNORED = -100
"""Label of what does not count."""
N_MEASURED = 100
"""Utterances from which the scale of each feature is measured."""

Changing = Callable[[NDArray[np.float32], int, np.random.Generator], NDArray[np.float32]]
"""Changes samples at a rate, leaving times as they are: an `otoscope.corpora.SoundAugmentation` of speed 1."""

USUAL = Augmentation(speed=1.15, snr_db=(10.0, 40.0), n_bands=2, band_width=16, n_gaps=2, gap_frames=15, warp=1.15)
"""So few speakers stand for many; chosen on the digits of `fsdd`'s valid speaker."""


@dataclass(frozen=True)
class Batch:
    """Features `(n, n_frames, n_features)`, the frames of each `(n,)`, and labels `(n, n_frames)`."""

    features: Tensor
    lengths: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Recipe:
    """What is done to the training sound.

    Parameters
    ----------
    sound
        Changes the samples; `None` leaves them as they are. Times must hold.
    augmentation
        Speed (labels move along), gain and noise of the samples; how far the filters are stretched (`warp`); bands and
        stretches of the features that are hidden, which show the utterance's mean (Park et al. 2019). `tilt` and
        `channel` do not count: the mean over the utterance takes them out again. `None` changes nothing.
    batch_s
        Seconds of padded sound in a batch; by default a hundredth of the data, 2 to 36 s.
    frame_step
        In each batch every `frame_step`-th frame is scored, from a first that is drawn anew: neighbours tell nearly
        the same (Peddinti et al. 2015).
    """

    sound: Changing | None = None
    augmentation: Augmentation | None = USUAL
    batch_s: float | None = None
    frame_step: int = 1

    def __post_init__(self) -> None:
        if self.frame_step < 1 or not (self.batch_s is None or self.batch_s > 0):
            raise BadInput(f"a recipe needs frame_step >= 1 and batch_s > 0, got {self.frame_step} and {self.batch_s}")
        if self.sound is not None and tuple(getattr(self.sound, "speeds", (1.0,))) != (1.0,):
            raise BadInput("labels belong to frames, so speeds must stay 1: take SoundAugmentation(speeds=(1.0,), …)")


class Frames:
    """Utterances with labels: read when first asked for, kept as 16-bit integers."""

    def __init__(self, corpus: Sequence[Utterance], labels: Labels, rate_hz: int) -> None:
        placed = labels.placed.tolist()
        self.utterances, self.labels = [corpus[i] for i in placed], [labels[i] for i in placed]
        self.rate_hz = rate_hz
        self._kept: dict[int, NDArray[np.int16]] = {}

    @property
    def n_frames(self) -> list[int]:
        """Frames of each."""
        return [row.size for row in self.labels]

    def samples(self, index: int) -> NDArray[np.float32]:
        """Return the sound of one, at the rate."""
        if index not in self._kept:
            sound = resampled(self.utterances[index].recording(), self.rate_hz).samples
            self._kept[index] = np.round(sound.clip(-1, 1) * 32767).astype(np.int16)
        return (self._kept[index] / np.float32(32767)).astype(np.float32)


@dataclass
class FrameTask:
    """The task of `otoscope.nets.training.train`: -ln P(column | sound), the mean over frames.

    Parameters
    ----------
    front_end
        Waveforms `(n, n_samples)` to features; has `shape.hop`-spaced frames as the labels have.
    train, valid
        Utterances with labels; `valid` may be `None`.
    """

    front_end: nn.Module
    train: Frames
    valid: Frames | None
    recipe: Recipe

    @property
    def _most(self) -> int:
        batch_s = self.recipe.batch_s
        if batch_s is None:
            batch_s = float(np.clip(sum(self.train.n_frames) * self._hop_s / 100, 2.0, 36.0))
        return max(1, round(batch_s / self._hop_s))

    @property
    def _hop_s(self) -> float:
        front_end: Any = self.front_end
        shape = front_end.shape if hasattr(front_end, "shape") else front_end.log_mel.shape
        return float(shape.hop / shape.rate_hz)

    def batches(self, rng: np.random.Generator) -> Sequence[Batch]:
        """Return an epoch's batches of like length, made when they are asked for."""
        groups = bucketed(self.train.n_frames, most=self._most, rng=rng)
        make = partial(self._made, self.train)
        return LazyBatches(groups, make, seed=int(rng.integers(2**62)), n_workers=0)

    def loss(self, network: Any, batch: Batch) -> Tensor:
        """Return the cross-entropy of a batch, nats a frame."""
        total, n = self._sums(network, batch, self.recipe.frame_step)
        return total / max(1, n)

    def weight(self, batch: Batch) -> float:
        """Return what a batch counts where several make one step: its frames."""
        return float((batch.labels[:, :: self.recipe.frame_step] != IGNORED).sum())

    def validate(self, network: Any) -> float:
        """Return the cross-entropy on the held-out utterances as they are; NaN where there are none."""
        if self.valid is None:
            return math.nan
        total, n = 0.0, 0
        for chosen in batches(self.valid.n_frames, most=self._most):
            batch = moved(self._made(self.valid, chosen, None), device_of(network))
            loss, count = self._sums(network, batch, self.recipe.frame_step)
            total, n = total + float(loss), n + count
        return total / max(1, n)

    def features(self, index: int) -> Tensor:
        """Return the features of a training utterance as it is, `(n_frames, n_features)`."""
        return self._heard(self.train, index, None)[0]

    def measure_scale(self, network: Any) -> None:
        """Set the network's scale of each feature from up to `N_MEASURED` training utterances, evenly chosen."""
        n = len(self.train.labels)
        chosen = np.unique(np.linspace(0, n - 1, min(n, N_MEASURED)).astype(int))
        network.measure_scale([self.features(int(i)) for i in chosen])

    def _sums(self, network: Any, batch: Batch, step: int) -> tuple[Tensor, int]:
        logits, _ = network(batch.features, batch.lengths, step=step)
        labels = batch.labels[:, ::step]
        total = nn.functional.cross_entropy(
            logits.flatten(0, 1).float(), labels.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        return total, int((labels != IGNORED).sum())

    def _made(self, frames: Frames, chosen: NDArray[np.int64], rng: np.random.Generator | None) -> Batch:
        """Make a batch; with a generator the sound is changed, and the first frame drawn."""
        features, labels = [], []
        for index in chosen.tolist():
            values, own = self._heard(frames, index, rng)
            offset = 0 if rng is None else int(rng.integers(min(self.recipe.frame_step, own.size)))
            features.append(values[offset:])
            labels.append(torch.from_numpy(own[offset:].astype(np.int64)))
        lengths = torch.tensor([row.shape[0] for row in features])
        padded = nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=IGNORED)
        return Batch(nn.utils.rnn.pad_sequence(features, batch_first=True), lengths, padded)

    def _heard(self, frames: Frames, index: int, rng: np.random.Generator | None) -> tuple[Tensor, NDArray[np.int32]]:
        """Return the features of an utterance and their labels; with a generator the sound is changed."""
        samples, labels = frames.samples(index), frames.labels[index]
        n_samples = samples.size
        if rng is not None:
            samples = self._changed(samples, frames.rate_hz, rng)
        with torch.no_grad():
            features: Tensor = self.front_end(torch.from_numpy(samples)[None])[0]
        if samples.size != n_samples:
            labels = stretched(labels, max(1, round(labels.size * samples.size / n_samples)))
        values = features[: labels.size]
        if samples.size != n_samples:
            labels = labels[: values.shape[0]]
        if values.shape[0] != labels.size:
            utterance = frames.utterances[index]
            raise BadInput(f"{utterance.id} has {values.shape[0]} frames for {labels.size} labels")
        how = self.recipe.augmentation
        if rng is None or how is None:
            return values, labels
        rows = self._by_another_voice(values, rng, how.warp)
        return torch.from_numpy(mask_features(rows, rng, how=how, fill=rows.mean(0))), labels

    def _changed(self, samples: NDArray[np.float32], rate_hz: int, rng: np.random.Generator) -> NDArray[np.float32]:
        how = self.recipe.augmentation
        if how is not None:
            samples = change_speed(samples, rng, largest=how.speed) if how.speed > 1 else samples
            samples = change_gain(add_room_noise(samples, rng, snr_db=how.snr_db), rng, gain_db=how.gain_db)
        if self.recipe.sound is not None:
            samples = self.recipe.sound(samples, rate_hz, rng)
        return np.asarray(samples, dtype=np.float32)

    def _by_another_voice(self, values: Tensor, rng: np.random.Generator, largest: float) -> NDArray[np.float32]:
        """Stretch the axis of filters, or bins; cepstra become filters for that (their transform loses nothing)."""
        basis: Any = getattr(self.front_end, "basis", None)
        bands = values if basis is None else values @ basis.T
        changed = torch.from_numpy(change_voice(bands.numpy(), rng, largest=largest, channel=0.0))
        rows: NDArray[np.float32] = (changed if basis is None else changed @ basis).numpy()
        return rows


def stretched(labels: NDArray[np.int32], n_frames: int) -> NDArray[np.int32]:
    """Return `(n_frames,)` labels of the same sound played slower or faster.

    Examples
    --------
    >>> stretched(np.array([5, 6, 7], np.int32), 6).tolist()
    [5, 5, 6, 6, 7, 7]
    """
    return labels[np.floor((np.arange(n_frames) + 0.5) * labels.size / n_frames).astype(np.int64)]
