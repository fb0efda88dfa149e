"""A talker of the study `audrey`: the utterances of one speaker and their frames, and which become templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.corpora.manifest import Utterance


@dataclass(frozen=True)
class Talker:
    """One speaker's utterances, digit by digit in the order of the corpus, and the frames each front end made."""

    name: str
    split: str
    utterances: tuple[tuple[Utterance, ...], ...]
    frames: Mapping[str, tuple[tuple[NDArray[Any], ...], ...]]

    def spread(self, n: int) -> list[list[int]]:
        """Return which repetitions of each digit are templates: `n` of them, evenly over the recordings."""
        return [np.unique(np.linspace(0, len(own) - 1, n).round().astype(int)).tolist() for own in self.utterances]

    def drawn(self, n: int, rng: np.random.Generator) -> list[list[int]]:
        """Return `n` repetitions of each digit drawn without replacement."""
        return [sorted(rng.choice(len(own), n, replace=False).tolist()) for own in self.utterances]
