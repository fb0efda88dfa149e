"""Which frames belong to which state, and how much: what training needs to know of an alignment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput
from otoscope.core.arrays import ByValue


@dataclass(frozen=True, eq=False)
class Occupancy(ByValue):
    """Frames sorted by state.

    Parameters
    ----------
    first
        `(n_states + 1,)` int64: state s owns entries `first[s]:first[s + 1]`.
    frames
        `(n_entries,)` int64 index of a frame.
    shares
        `(n_entries,)` float64: probability that the frame was spent in the state; 1 throughout for a Viterbi path.
    """

    first: NDArray[np.int64]
    frames: NDArray[np.int64]
    shares: NDArray[np.float64]

    @classmethod
    def of_path(cls, states: ArrayLike, n_states: int) -> Occupancy:
        """Return the occupancy of a path `(n_frames,)` of state indices; frames of a negative state are left out.

        Examples
        --------
        >>> Occupancy.of_path([1, 0, 1], 2).frames.tolist()
        [1, 0, 2]
        """
        path = np.asarray(states, np.int64)
        kept = np.flatnonzero(path >= 0)
        return cls.of_entries(kept, path[kept], np.ones(kept.size), n_states)

    @classmethod
    def of_entries(
        cls, frames: NDArray[np.int64], states: NDArray[np.int64], shares: NDArray[np.float64], n_states: int
    ) -> Occupancy:
        """Return the occupancy of entries in any order, all arrays `(n_entries,)`.

        Raises
        ------
        BadInput
            A state outside 0 … `n_states` - 1.
        """
        if states.size and not 0 <= states.min() <= states.max() < n_states:
            raise BadInput(f"states run from {states.min()} to {states.max()}; there are {n_states}")
        order = np.argsort(states, kind="stable")
        first = np.searchsorted(states[order], np.arange(n_states + 1))
        return cls(first.astype(np.int64), frames[order], shares[order].astype(np.float64))

    @property
    def n_states(self) -> int:
        """Number of states."""
        return int(self.first.size - 1)

    def counts(self) -> NDArray[np.float64]:
        """Return the frames spent in each state, `(n_states,)`."""
        running = np.concatenate([[0.0], np.cumsum(self.shares)])
        return running[self.first[1:]] - running[self.first[:-1]]

    def __iter__(self) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float64]]]:
        """Yield (state, frames, shares) of the states that have any."""
        for state in range(self.n_states):
            entries = slice(self.first[state], self.first[state + 1])
            if entries.stop > entries.start:
                yield state, self.frames[entries], self.shares[entries]
