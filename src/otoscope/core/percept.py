"""What a simulated listener did with a recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.core.errors import BadInput
from otoscope.core.grid import FrameGrid


@dataclass(frozen=True, eq=False)
class Percept(ByValue):
    """Activation of competing words over time, and the decision.

    Parameters
    ----------
    words
        The `n_words` competitors that were kept.
    activations
        `(n_frames, n_words)` log P(signal | word) + λ log P(word), natural logs, on `grid`.
    winner
        The word recognised, `None` where there was no decision.
    decision_time_s, reaction_time_s
        When the winner was far enough ahead, and that plus execution; `None` where there was no decision.
    is_word
        Lexical decision; `None` where it was not asked.
    """

    words: tuple[str, ...]
    activations: NDArray[Any]
    grid: FrameGrid
    winner: str | None = None
    decision_time_s: float | None = None
    reaction_time_s: float | None = None
    is_word: bool | None = None

    def __post_init__(self) -> None:
        activations = frozen_array(self.activations, n_dims=2, name="activations")
        if activations.shape != (self.grid.n_frames, len(self.words)):
            raise BadInput(f"activations {activations.shape} for {self.grid.n_frames} frames, {len(self.words)} words")
        set_frozen(self, activations=activations, words=tuple(self.words))
