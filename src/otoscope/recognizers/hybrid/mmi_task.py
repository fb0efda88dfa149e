"""What `otoscope-en` learns: transcripts as graphs or as placed phones, sound changed anew each epoch, LF-MMI."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import FrameGrid
from otoscope.corpora.augmentation import SoundAugmentation, change_speed
from otoscope.decoding.mmi import PhoneGraph
from otoscope.nets.augment import Augmentation, mask_features
from otoscope.nets.batching import LazyBatches, bucketed
from otoscope.nets.examples import batches, padded
from otoscope.nets.front_end import LogMel
from otoscope.nets.mmi import MmiNetwork, Posteriors, mmi_loss, posteriors
from otoscope.nets.training import device_of, moved
from otoscope.recognizers.hybrid.phones import Biphones

FULL_SCALE = 32768.0

Place = tuple[str, float, float]
"""A phone, and its start and end in seconds."""


@dataclass(frozen=True, eq=False)
class Example:
    """An utterance: 16-bit samples at the front end's rate, the graph of its transcript, its phones' places."""

    samples: NDArray[np.int16]
    graph: PhoneGraph
    phones: tuple[Place, ...] | None = None

    def waveform(self) -> NDArray[np.float32]:
        """Return the samples in [-1, 1]."""
        return self.samples.astype(np.float32) / np.float32(FULL_SCALE)


@dataclass(frozen=True)
class Changes:
    """What is done to the training sound: factors of speed, then `sound`, then masks over the features."""

    speeds: tuple[float, ...] = (0.9, 1.0, 1.1)
    sound: SoundAugmentation | None = None
    masks: Augmentation | None = None


@dataclass(frozen=True)
class MmiBatch:
    """Features `(n, n_frames, n_features)`, frames of each `(n,)`, and what each says: a graph or the columns' path."""

    features: Tensor
    lengths: Tensor
    transcripts: tuple[Any, ...]


@dataclass
class MmiTask:
    """Examples, and how a network fares on them (`otoscope.nets.training.Task`).

    `placed` takes the phones' places as given: a network that knows nothing does not find them by itself in a few
    hours of speech. Afterwards the graphs leave them free.
    """

    front_end: LogMel
    biphones: Biphones
    denominator: PhoneGraph
    train: Sequence[Example]
    valid: Sequence[Example]
    changes: Changes
    placed: bool = False
    batch_s: float = 36.0
    cross_entropy: float = 0.5
    output_stride: int = 3

    def batches(self, rng: np.random.Generator) -> LazyBatches[MmiBatch]:
        """Return new batches of changed sound, made when they are needed."""
        used = [i for i, example in enumerate(self.train) if not self.placed or example.phones is not None]
        most = round(self.batch_s * self.front_end.shape.rate_hz)
        groups = [
            np.array([used[i] for i in group])
            for group in bucketed([self.train[i].samples.size for i in used], most=most, rng=rng)
        ]
        return LazyBatches(groups, self._made, int(rng.integers(2**31)))

    def loss(self, network: MmiNetwork, batch: MmiBatch) -> Tensor:
        """Return minus the MMI objective a frame with cross-entropy beside it; see `otoscope.nets.mmi.mmi_loss`."""
        logits, auxiliary, lengths = network(batch.features, batch.lengths)
        found = self._posteriors(logits, lengths, batch)
        n_frames = max(1, int(lengths.cpu().numpy()[found.usable].sum()))
        return mmi_loss(logits.float(), auxiliary.float(), found, n_frames, cross_entropy=self.cross_entropy)

    def validate(self, network: MmiNetwork) -> float:
        """Return minus the MMI objective a frame of held-out utterances, unchanged, their phones' places free."""
        total, n_frames = 0.0, 0
        rate_hz = self.front_end.shape.rate_hz
        for group in batches([e.samples.size for e in self.valid], most=round(self.batch_s * rate_hz)):
            examples = [self.valid[i] for i in group]
            batch = self._batch([e.waveform() for e in examples], tuple(e.graph for e in examples))
            batch = moved(batch, device_of(network))
            logits, _, lengths = network(batch.features, batch.lengths)
            found = self._posteriors(logits, lengths, batch)
            total -= float(found.objectives.sum())
            n_frames += int(lengths.cpu().numpy()[found.usable].sum())
        return total / n_frames if n_frames else math.nan

    def _posteriors(self, logits: Tensor, lengths: Tensor, batch: MmiBatch) -> Posteriors:
        scores = logits.detach().float().cpu().numpy()
        return posteriors(scores, lengths.cpu().numpy(), batch.transcripts, self.denominator)

    def _made(self, group: NDArray[np.int64], rng: np.random.Generator) -> MmiBatch:
        waveforms, transcripts = [], []
        for i in group:
            example, speed = self.train[i], float(rng.choice(self.changes.speeds))
            waveform = change_speed(example.waveform(), speed)
            if self.changes.sound is not None:
                waveform = self.changes.sound(waveform, self.front_end.shape.rate_hz, rng)
            waveforms.append(waveform)
            if self.placed and example.phones is not None:
                grid = self._output_grid(waveform.size)
                transcripts.append(columns_of(example.phones, grid, speed=speed, biphones=self.biphones))
            else:
                transcripts.append(example.graph)
        batch = self._batch(waveforms, tuple(transcripts))
        if self.changes.masks is not None:
            for row, n in zip(batch.features, batch.lengths.tolist(), strict=True):
                fill = row[:n].mean(0).numpy()
                row[:n] = torch.from_numpy(mask_features(row[:n].numpy(), rng, how=self.changes.masks, fill=fill))
        return batch

    def _batch(self, waveforms: Sequence[NDArray[np.float32]], transcripts: tuple[Any, ...]) -> MmiBatch:
        lengths = torch.tensor([self.front_end.shape.grid(w.size).n_frames for w in waveforms])
        with torch.no_grad():
            features = self.front_end(torch.from_numpy(padded(waveforms)))[:, : int(lengths.max())]
        return MmiBatch(features, lengths, transcripts)

    def _output_grid(self, n_samples: int) -> FrameGrid:
        grid = self.front_end.shape.grid(n_samples)
        stride = self.output_stride
        return FrameGrid(
            grid.rate_hz,
            grid.start,
            grid.hop * stride,
            grid.window + (stride - 1) * grid.hop,
            -(-grid.n_frames // stride),
        )


def columns_of(phones: Sequence[Place], grid: FrameGrid, *, speed: float, biphones: Biphones) -> NDArray[np.int64]:
    """Return the column that each frame of a grid takes when the phones lie where they are said to, `(n_frames,)`.

    Parameters
    ----------
    phones
        Phones and silences without gaps, times in the unchanged sound.
    speed
        By how much the sound was made faster.

    Examples
    --------
    >>> table = Biphones(("AH",), {("SIL", "AH"): 0, ("AH", "AH"): 1})
    >>> grid = FrameGrid(100, 0, 10, 10, 4)
    >>> columns_of([("AH", 0.0, 0.3), ("AH", 0.3, 0.4)], grid, speed=1.0, biphones=table).tolist()
    [0, 1, 1, 2]
    """
    starts = np.array([start for _, start, _ in phones])
    at = np.clip(np.searchsorted(starts, grid.times_s() * speed, side="right") - 1, 0, len(phones) - 1)
    lefts = [None, *(phone for phone, _, _ in phones[:-1])]
    pairs = np.array([biphones.columns(left, phone) for left, (phone, _, _) in zip(lefts, phones, strict=True)])
    first = np.concatenate([[True], at[1:] != at[:-1]])[: grid.n_frames]
    return np.where(first, pairs[at, 0], pairs[at, 1]).astype(np.int64)
