"""What a simulated listener did with a recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.core.errors import BadInput
from otoscope.core.grid import FrameGrid
from otoscope.core.trace import Provenance


@dataclass(frozen=True)
class HeardWord:
    """A word that won, where it lies and when that was clear.

    Parameters
    ----------
    label
        The word; homophones with a stroke between them ("their/there").
    start_s, end_s
        Where it was said.
    decision_time_s
        When it was far enough ahead of every rival; `None`: never.
    reaction_time_s
        The decision plus the time to answer, from the start of the recording; `None` without a decision.
    confidence
        Its probability at the decision, or at the end where there was none; in running speech the highest that it came
        to in its place; `None` where it is not known.
    """

    label: str
    start_s: float
    end_s: float
    decision_time_s: float | None = None
    reaction_time_s: float | None = None
    confidence: float | None = None


@dataclass(frozen=True, eq=False)
class Percept(ByValue):
    """Activation of competing words over time, and the decisions.

    Parameters
    ----------
    words
        The `n_words` competitors that were kept.
    activations
        `(n_frames, n_words)` log P(signal | word) + λ log P(word), natural logs, on `grid`; minus infinity or NaN
        where a word was not among the kept.
    grid
        Where the frames lie.
    posteriors
        `(n_frames, n_words)` probability of each word given the signal so far, among all words of the lexicon.
    heard
        The words that won, in order: one for a word said alone, a sequence for continuous speech.
    is_word
        Lexical decision; `None` where it was not asked.
    offset_s
        Where the speech ends; `None` where that is not known.
    provenance
        Lexicon, front end and parameters.
    """

    words: tuple[str, ...]
    activations: NDArray[Any]
    grid: FrameGrid
    posteriors: NDArray[Any] | None = None
    heard: tuple[HeardWord, ...] = ()
    is_word: bool | None = None
    offset_s: float | None = None
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        shape = (self.grid.n_frames, len(self.words))
        for name in ("activations", "posteriors"):
            values = getattr(self, name)
            if values is None:
                continue
            values = frozen_array(values, n_dims=2, name=name)
            if values.shape != shape:
                raise BadInput(f"{name} {values.shape} for {shape[0]} frames, {shape[1]} words")
            if name == "posteriors" and (np.nanmin(values, initial=0.0) < 0 or np.nanmax(values, initial=1.0) > 1):
                raise BadInput("posteriors are probabilities, between 0 and 1")
            set_frozen(self, **{name: values})
        set_frozen(self, words=tuple(self.words), heard=tuple(self.heard))

    @property
    def text(self) -> str:
        """The words that won, as text."""
        return " ".join(word.label for word in self.heard)

    @property
    def winner(self) -> str | None:
        """The first word that won, `None` where none did."""
        return self.heard[0].label if self.heard else None

    @property
    def decision_time_s(self) -> float | None:
        """When the first winner was far enough ahead; `None` where there was no decision."""
        return self.heard[0].decision_time_s if self.heard else None

    @property
    def reaction_time_s(self) -> float | None:
        """That and the time to answer."""
        return self.heard[0].reaction_time_s if self.heard else None
