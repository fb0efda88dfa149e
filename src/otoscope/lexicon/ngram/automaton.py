"""An n-gram model as an automaton in flat arrays: what a decoder steps through, one word at a time.

A state is a history that the model knows; state 0 is the empty one. A word that a state has no arc for is reached by
the state's backoff, again and again down to state 0 (Katz 1987, equation 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core.arrays import ByValue


@dataclass(frozen=True, eq=False)
class BackoffAutomaton(ByValue):
    """An n-gram model in flat arrays; all logs natural.

    Parameters
    ----------
    words
        Word of each id; sentence end is among them, sentence start is not.
    arc_start
        `(n_states + 1,)` int64: state s owns arcs `arc_start[s]:arc_start[s + 1]`.
    arc_word
        `(n_arcs,)` int32, rising within a state.
    arc_log_prob
        `(n_arcs,)` float32, log P(word | history).
    arc_next
        `(n_arcs,)` int32, the state after the word: the longest history that the model knows.
    backoff_state
        `(n_states,)` int32, the state of the history without its first word; -1 for state 0.
    backoff_log
        `(n_states,)` float32, log backoff weight.
    start
        State after the sentence start.
    end_word
        Id of the sentence end.
    unknown_word
        Id of the unknown word, -1 where the model has none.
    """

    words: tuple[str, ...]
    arc_start: NDArray[np.int64]
    arc_word: NDArray[np.int32]
    arc_log_prob: NDArray[np.float32]
    arc_next: NDArray[np.int32]
    backoff_state: NDArray[np.int32]
    backoff_log: NDArray[np.float32]
    start: int
    end_word: int
    unknown_word: int = -1
