"""The graph of a transcript in flat arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core.arrays import ByValue

NO_WORD = -1


@dataclass(frozen=True, eq=False)
class TranscriptGraph(ByValue):
    """The states a transcript can pass through; logs natural. Arcs lead to states of a higher number.

    Parameters
    ----------
    words
        The transcript.
    phones
        Name of each phone number.
    column, log_loop
        `(n_states,)` int32 and float64: column of the scores, weight of staying.
    word, phone, unit, state
        `(n_states,)` int32: position of the word in the transcript (-1: silence); number of the phone; position of the
        phone among all phones of the graph (a phone said twice is two units); position of the state within its phone.
    arc_start, arc_source, arc_log
        Arcs by the state they lead to: state s is reached from `arc_source[arc_start[s]:arc_start[s + 1]]`.
    log_start, log_end
        `(n_states,)` of beginning and of ending in a state; minus infinity where that cannot be.
    """

    words: tuple[str, ...]
    phones: tuple[str, ...]
    column: NDArray[np.int32]
    log_loop: NDArray[np.float64]
    word: NDArray[np.int32]
    phone: NDArray[np.int32]
    unit: NDArray[np.int32]
    state: NDArray[np.int32]
    arc_start: NDArray[np.int32]
    arc_source: NDArray[np.int32]
    arc_log: NDArray[np.float64]
    log_start: NDArray[np.float64]
    log_end: NDArray[np.float64]

    @property
    def n_states(self) -> int:
        """Number of states."""
        return int(self.column.size)
