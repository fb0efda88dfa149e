"""What decoding finds: words with their frames and scores."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DecodedWord:
    """A word with its frames `[start_frame, end_frame)` and what spoke for it.

    `acoustic` holds scaled acoustic scores, transitions and pronunciation; `lm` is log P(word | words before), not
    scaled; `posterior` is the probability of this word at this place, `None` where no lattice was asked.
    """

    word: str
    start_frame: int
    end_frame: int
    acoustic: float
    lm: float
    posterior: float | None = None


@dataclass(frozen=True)
class Decoding:
    """The words of a recording and the score of their path; `complete` is `False` where the path ends inside a word."""

    words: tuple[DecodedWord, ...]
    log_score: float
    complete: bool
    n_frames: int

    @property
    def text(self) -> str:
        """The words joined by spaces."""
        return " ".join(word.word for word in self.words)
