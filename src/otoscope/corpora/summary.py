"""How much is in a corpus."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from otoscope.corpora.reading import kind_of, read_corpus
from otoscope.corpora.utterance import Utterance
from otoscope.lexicon.normalization import normalize_words


@dataclass(frozen=True)
class SplitSummary:
    """What one split holds; words are counted as `otoscope.lexicon.normalization` writes them."""

    split: str
    n_utterances: int
    n_speakers: int
    duration_s: float
    n_words: int
    n_different_words: int


@dataclass(frozen=True)
class CorpusSummary:
    """What a corpus holds: its kind, and each split in the order of the corpus."""

    path: Path
    kind: str
    splits: tuple[SplitSummary, ...]

    @property
    def total(self) -> SplitSummary:
        """Sums over the splits; speakers and words that stand in two are counted twice."""
        names = ("n_utterances", "n_speakers", "duration_s", "n_words", "n_different_words")
        return SplitSummary("all", *(sum(getattr(split, name) for split in self.splits) for name in names))


def info(path: str | os.PathLike[str]) -> CorpusSummary:
    """Return how much a corpus of any kind holds, by split; no sound is decoded.

    Raises
    ------
    BadInput
        The corpus cannot be read.
    """
    utterances = read_corpus(path)
    splits = dict.fromkeys(u.split for u in utterances)
    return CorpusSummary(
        Path(path), kind_of(path), tuple(_split([u for u in utterances if u.split == s], s) for s in splits)
    )


def _split(utterances: Sequence[Utterance], split: str) -> SplitSummary:
    words = [word for u in utterances for word in normalize_words(u.text)]
    return SplitSummary(
        split,
        len(utterances),
        len({u.speaker for u in utterances}),
        round(sum(u.duration_s for u in utterances), 3),
        len(words),
        len(set(words)),
    )
