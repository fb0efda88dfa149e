"""From utterances to batches: sound read once, strings of words and masks made anew each epoch when needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import BadInput
from otoscope.lexicon.normalization import normalize_words
from otoscope.nets.augment import Augmentation
from otoscope.nets.examples import Example, Joining, join
from otoscope.signal.resampling import resampled

Item = TypeVar("Item")


@dataclass(frozen=True)
class Recipe:
    """What is done to the training sound.

    Parameters
    ----------
    joining
        How recordings are joined into strings; `n_words=(1, 1)` takes each by itself.
    augmentation
        Speed, tilt, level and noise of the sound; masks of the features (SpecAugment, Park et al. 2019).
    batch_s
        Seconds of padded sound in a batch.
    """

    joining: Joining = field(default_factory=lambda: Joining(n_words=(1, 1)))
    augmentation: Augmentation = field(default_factory=Augmentation)
    batch_s: float = 60.0


@dataclass(frozen=True)
class SpeechBatch:
    """Zero-padded waves `(n, n_samples)`, what to mask `(n, n_frames, n_features)`, labels `(n, n_labels)`, counts."""

    waves: Tensor
    n_samples: Tensor
    masked: Tensor | None
    labels: Tensor
    n_labels: Tensor


class Sounds(Sequence[Example]):
    """The utterances of a corpus as examples at one rate: read when first asked for, kept as 16-bit integers.

    Raises
    ------
    BadInput
        There is no utterance with words in it.
    """

    def __init__(self, corpus: Iterable[Any], rate_hz: int) -> None:
        self._utterances = [(u, normalize_words(u.text)) for u in corpus]
        self._utterances = [(u, words) for u, words in self._utterances if words]
        if not self._utterances:
            raise BadInput("the corpus holds no utterance with words; nothing can be learnt from it")
        self.rate_hz = rate_hz
        self._kept: list[NDArray[np.int16] | None] = [None] * len(self._utterances)
        self._n_samples = [round(u.duration_s * rate_hz) for u, _ in self._utterances]

    @property
    def texts(self) -> list[tuple[str, ...]]:
        """The words of each utterance."""
        return [tuple(words) for _, words in self._utterances]

    @property
    def speakers(self) -> list[str]:
        """Who speaks in each."""
        return [u.speaker for u, _ in self._utterances]

    @property
    def n_samples(self) -> list[int]:
        """How long each is, by what the corpus says."""
        return self._n_samples

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._utterances)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | Sequence[Example]:
        """Return an example, or a list of them."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        utterance, words = self._utterances[index]
        kept = self._kept[index]
        if kept is None:
            samples = resampled(utterance.recording(), self.rate_hz).samples
            kept = self._kept[index] = np.round(samples.clip(-1, 1) * 32767).astype(np.int16)
        return Example((kept / np.float32(32767)).astype(np.float32), tuple(words), utterance.speaker)


class Made(Sequence[Item]):
    """A row of things that are made when they are asked for."""

    def __init__(self, makers: Sequence[Callable[[], Item]]) -> None:
        self._makers = makers

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._makers)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | Sequence[Item]:
        """Return one, or a list of them."""
        if isinstance(index, slice):
            return [make() for make in self._makers[index]]
        return self._makers[index]()


def strings(speakers: Sequence[str], rng: np.random.Generator, *, n_words: tuple[int, int]) -> list[list[int]]:
    """Return which utterances are joined: every one once, with others of its speaker."""
    found: list[list[int]] = []
    for speaker in sorted(set(speakers)):
        order = rng.permutation([i for i, own in enumerate(speakers) if own == speaker])
        while order.size:
            n = int(rng.integers(n_words[0], n_words[1] + 1))
            found.append(order[:n].tolist())
            order = order[n:]
    return found


def string_of(parts: Sequence[Example], rng: np.random.Generator, recipe: Recipe, rate_hz: int) -> Example:
    """Return the parts joined in some order and changed; see `otoscope.nets.examples.join`."""
    one = [dataclasses.replace(part, speaker="") for part in parts]
    how = dataclasses.replace(recipe.joining, n_words=(len(one), len(one)))
    return join(one, rng, how=how, rate_hz=rate_hz, augmentation=recipe.augmentation)[0]


def feature_masks(lengths: Sequence[int], n_features: int, rng: np.random.Generator, how: Augmentation) -> Tensor:
    """Return `(n, n_frames, n_features)`, True on random bands and stretches (Park et al. 2019, section 2)."""
    masked = np.zeros((len(lengths), max(lengths), n_features), dtype=bool)
    for row, length in zip(masked, lengths, strict=True):
        for _ in range(how.n_bands):
            width = int(rng.integers(0, min(how.band_width, n_features) + 1))
            first = int(rng.integers(0, n_features - width + 1))
            row[:, first : first + width] = True
        for _ in range(how.n_gaps):
            width = int(rng.integers(0, min(how.gap_frames, length // 4) + 1))
            first = int(rng.integers(0, length - width + 1))
            row[first : first + width] = True
    return torch.from_numpy(masked)
