"""The graph of a transcript in flat arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

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

    def between(self, first: int | None, last: int | None) -> TranscriptGraph:
        """Return the states `first` to `last` alone, for paths that begin in the first and end in the last of them.

        `None` stands for where the transcript itself begins or ends.
        """
        at, stop = first or 0, self.n_states if last is None else last + 1
        kept = [np.arange(self.arc_start[s], self.arc_start[s + 1]) for s in range(at, stop)]
        kept = [arcs[self.arc_source[arcs] >= at] for arcs in kept]
        arcs = np.concatenate(kept)
        log_start, log_end = self.log_start[at:stop].copy(), self.log_end[at:stop].copy()
        if first is not None:
            log_start[:] = -np.inf
            log_start[0] = 0.0
        if last is not None:
            log_end[:] = -np.inf
            log_end[-1] = 0.0
        return replace(
            self,
            **{name: getattr(self, name)[at:stop] for name in ("column", "log_loop", "word", "phone", "unit", "state")},
            arc_start=np.cumsum([0, *map(len, kept)]).astype(self.arc_start.dtype),
            arc_source=(self.arc_source[arcs] - at).astype(self.arc_source.dtype),
            arc_log=self.arc_log[arcs],
            log_start=log_start,
            log_end=log_end,
        )
