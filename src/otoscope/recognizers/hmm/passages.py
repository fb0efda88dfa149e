"""Best paths through parts of a recording: how much better a text explains the sound than any succession of units.

All scores are relative: from each frame's log-likelihood what it adds to the best path through a free loop of units is
taken away. A path of relative score 0 is as good as the best there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray

from otoscope.lexicon.pronunciations import Phones
from otoscope.recognizers.hmm.model import HmmModel
from otoscope.recognizers.hmm.topology import SILENCE

Boundaries = NDArray[np.float64]
"""`(n_frames + 1,)`: best score of a path that stands at each boundary between frames."""


class Passages:
    """One recording's relative scores, and paths of words through it.

    Parameters
    ----------
    model
        Whose scores these are.
    scores
        `(n_frames, n_columns)` log-likelihoods.
    lexicon
        Word → pronunciations; neighbours within a word make context, the first phones of its neighbours do not: next
        to a word, silence is assumed.
    """

    def __init__(self, model: HmmModel, scores: NDArray[np.float32], lexicon: Mapping[str, Sequence[Phones]]) -> None:
        self.model, self.lexicon = model, lexicon
        self.gains = free_loop_gains(model, scores)
        self._relative = scores.astype(np.float64) - self.gains[:, None]
        self._leave = np.log(-np.expm1(model.log_loop))

    @property
    def n_frames(self) -> int:
        """Frames of the recording."""
        return int(self.gains.size)

    @cached_property
    def _reversed(self) -> NDArray[np.float64]:
        return np.ascontiguousarray(self._relative[::-1])

    def boundary(self, at: slice) -> Boundaries:
        """Return the start of paths that begin at any boundary of a range."""
        entry = np.full(self.n_frames + 1, -np.inf)
        entry[at] = 0.0
        return entry

    def text(self, words: Sequence[str], entry: Boundaries, *, backward: bool = False) -> Boundaries:
        """Return the best scores after words, silences between and around them free; from the end if `backward`."""
        found = self._silence(entry, backward)
        for word in reversed(words) if backward else words:
            found = self._silence(self.word(word, found, backward=backward), backward)
        return found

    def word(self, word: str, entry: Boundaries, *, backward: bool = False) -> Boundaries:
        """Return the best scores after one word in any of its pronunciations."""
        return np.maximum.reduce([self._through(self._columns(p), entry, backward) for p in self.lexicon[word]])

    def fit(self, words: Sequence[str]) -> float:
        """Return the relative score of the whole recording saying `words`, a frame; minus infinity if it is too short.

        About 0 for a true text: the free loop has no words, the words have context.
        """
        ends = self.text(words, self.boundary(slice(0, 1)))
        return float(ends[-1]) / max(1, self.n_frames)

    def _silence(self, entry: Boundaries, backward: bool) -> Boundaries:
        return np.maximum(entry, self._through(self._columns((SILENCE,)), entry, backward))

    def _columns(self, phones: Phones) -> NDArray[np.int64]:
        row = (SILENCE, *phones, SILENCE)
        columns = [self.model.tying.columns(row[k], row[k + 1], row[k + 2]) for k in range(len(phones))]
        return np.array([column for own in columns for column in own])

    def _through(self, columns: NDArray[np.int64], entry: Boundaries, backward: bool) -> Boundaries:
        loop, leave = self.model.log_loop[columns], self._leave[columns]
        if backward:
            turned = columns[::-1].copy()
            return _through(self._reversed, turned, loop[::-1].copy(), leave[::-1].copy(), entry[::-1].copy())[::-1]
        return _through(self._relative, columns, loop, leave, entry)


def free_loop_gains(model: HmmModel, scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what each frame adds to the best path through any succession of units, `(n_frames,)`.

    A state of a unit scores as the best of its tied states, whatever the context; silence is a unit like others.
    """
    tying = model.tying
    first, columns, loops = [0], [], []
    for unit in (SILENCE, *tying.units):
        for own in tying.alternatives(unit):
            columns.append(scores[:, list(own)].max(1))
            loops.append(model.log_loop[list(own)].mean())
        first.append(len(columns))
    best = np.ascontiguousarray(np.stack(columns, axis=1), dtype=np.float64)
    loop = np.array(loops)
    return _loop_gains(best, np.array(first), loop, np.log(-np.expm1(loop)))


@njit(cache=True, nogil=True)
def _loop_gains(scores, first, loop, leave):  # type: ignore[no-untyped-def]
    n_frames, n_states = scores.shape
    state, gains = np.full(n_states, -np.inf), np.zeros(n_frames)
    entry, before = 0.0, 0.0
    for t in range(n_frames):
        top, ended = -np.inf, -np.inf
        for u in range(first.size - 1):
            for s in range(first[u + 1] - 1, first[u] - 1, -1):
                came = entry if s == first[u] else state[s - 1] + leave[s - 1]
                state[s] = max(state[s] + loop[s], came) + scores[t, s]
                top = max(top, state[s])
            ended = max(ended, state[first[u + 1] - 1] + leave[first[u + 1] - 1])
        gains[t] = top - before
        before, entry = top, ended
    return gains


@njit(cache=True, nogil=True)
def _through(scores, columns, loop, leave, entry):  # type: ignore[no-untyped-def]
    """Return best scores at each boundary after passing all states from any earlier boundary (Viterbi 1967)."""
    n_states = columns.size
    state, exits = np.full(n_states, -np.inf), np.full(entry.size, -np.inf)
    for t in range(scores.shape[0]):
        for s in range(n_states - 1, 0, -1):
            state[s] = max(state[s] + loop[s], state[s - 1] + leave[s - 1]) + scores[t, columns[s]]
        state[0] = max(state[0] + loop[0], entry[t]) + scores[t, columns[0]]
        exits[t + 1] = state[n_states - 1] + leave[n_states - 1]
    return exits
