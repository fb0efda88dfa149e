"""The model of a known utterance: one row of states with silences that may be left out, and its best path.

A chain is what training needs: the pronunciation of every word is fixed, so the whole search is a band along the
diagonal. (Choosing among pronunciations is the tree decoder's business.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core.arrays import ByValue
from otoscope.decoding.hmm import forward_backward_banded, viterbi_banded
from otoscope.recognizers.hmm.topology import SILENCE, StateTying

SILENCE_LOG = float(np.log(0.5))
"""Of a silence between two words, and of none."""


@dataclass(frozen=True, eq=False)
class Chain(ByValue):
    """States in a row.

    Parameters
    ----------
    columns
        `(n_states,)` int64 column of each state.
    unit_of
        `(n_states,)` int64 index into the units of the chain.
    jump
        `(n_states + 1,)` int64: from the start (first) and from each state one may also go so many states ahead, past
        a silence; 0 where not.
    """

    columns: NDArray[np.int64]
    unit_of: NDArray[np.int64]
    jump: NDArray[np.int64]

    @classmethod
    def of_units(cls, units: Sequence[str], optional: Sequence[bool], tying: StateTying) -> Chain:
        """Return the chain of units in a row; those `optional` (silences) may be passed over.

        In context, an optional silence is not seen: neighbours are those of the row without it.
        """
        columns: list[int] = []
        unit_of: list[int] = []
        jump: list[int] = [0]
        firm = [SILENCE, *(u for u, free in zip(units, optional, strict=True) if not free), SILENCE]
        place = 0
        for index, (unit, free) in enumerate(zip(units, optional, strict=True)):
            place += not free
            left, right = (SILENCE, SILENCE) if free else (firm[place - 1], firm[place + 1])
            own = tying.columns(left, unit, right)
            if free:
                jump[-1] = len(own) + 1
            columns += own
            unit_of += [index] * len(own)
            jump += [0] * len(own)
        return cls(np.array(columns), np.array(unit_of), np.array(jump))

    def band(self, log_loop: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return log transitions `(n_states + 2, width)` for `viterbi_banded`, from a start and to an end that score 0.

        `log_loop` is that of each column.
        """
        stay = np.concatenate([[-np.inf], log_loop[self.columns], [-np.inf]])
        leave = np.concatenate([[0.0], np.log(-np.expm1(log_loop[self.columns])), [-np.inf]])
        band = np.full((stay.size, max(2, int(self.jump.max()) + 1)), -np.inf)
        jumping = np.flatnonzero(self.jump)
        band[:, 0], band[:, 1] = stay, leave
        band[jumping, 1] += SILENCE_LOG
        band[jumping, self.jump[jumping]] = leave[jumping] + SILENCE_LOG
        return band

    def best_path(self, scores: NDArray[np.float32], log_loop: NDArray[np.float64]) -> tuple[NDArray[np.int64], float]:
        """Return the state of the chain at each frame, `(n_frames,)`, and the log score of that path.

        `scores` is `(n_frames, n_columns)`; raises `DoesNotFit` where the states need more frames.
        """
        found = viterbi_banded(self._framed(scores), self.band(log_loop))
        return found.states[1:-1] - 1, found.log_score

    def posteriors(
        self, scores: NDArray[np.float32], log_loop: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Return P(state | frames) `(n_frames, n_states)` and ln p(frames), both over all paths of the chain."""
        found = forward_backward_banded(self._framed(scores), self.band(log_loop))
        return found.posteriors[1:-1, 1:-1], found.log_likelihood

    def _framed(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return emissions with a frame and a state of their own for start and end."""
        framed = np.full((len(scores) + 2, self.columns.size + 2), -np.inf, np.float32)
        framed[1:-1, 1:-1] = scores[:, self.columns]
        framed[0, 0] = framed[-1, -1] = 0.0
        return framed
