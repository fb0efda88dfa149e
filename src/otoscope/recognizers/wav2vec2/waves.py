"""Training sound: read when first needed, kept as 16-bit integers, cut and normalised as the feature extractor does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.corpora.manifest import Utterance

RATE_HZ = 16000


@dataclass
class Waves:
    """The sound of utterances at `RATE_HZ`."""

    utterances: Sequence[Utterance]
    _kept: dict[int, NDArray[np.int16]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.utterances)

    @property
    def durations_s(self) -> list[float]:
        """Length of each, by what the corpus says."""
        return [utterance.duration_s for utterance in self.utterances]

    def samples(self, index: int) -> NDArray[np.float32]:
        """Return the samples of one."""
        if index not in self._kept:
            whole = self.utterances[index].recording(rate_hz=RATE_HZ).samples
            self._kept[index] = np.rint(whole.clip(-1, 1) * 32767).astype(np.int16)
        return self._kept[index].astype(np.float32) / np.float32(32767)


def normalised(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return samples of mean 0 and variance 1, as `Wav2Vec2FeatureExtractor` gives them to the network."""
    found: NDArray[np.float32] = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
    return found.astype(np.float32)


def stacked(waves: Sequence[NDArray[np.float32]]) -> Tensor:
    """Return waves as `(n, n_samples)`, zeros behind the shorter ones."""
    rows = np.zeros((len(waves), max(wave.size for wave in waves)), dtype=np.float32)
    for row, wave in zip(rows, waves, strict=True):
        row[: wave.size] = wave
    return torch.from_numpy(rows)


def some_sound(utterances: Sequence[Utterance], *, n: int = 8, length_s: float = 2.0) -> Tensor:
    """Return `n` stretches of sound, evenly chosen and normalised, `(n, n_samples)`; silence follows shorter ones."""
    chosen = Waves([utterances[i] for i in np.unique(np.linspace(0, len(utterances) - 1, n).astype(int))])
    stretches = [chosen.samples(i)[: round(length_s * RATE_HZ)] for i in range(len(chosen))]
    return stacked([normalised(stretch) for stretch in stretches])
