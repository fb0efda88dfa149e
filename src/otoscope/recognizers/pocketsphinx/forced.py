"""Where known words and their phones lie: the best path through their states (Viterbi 1967).

In: senone scores of a recording and the states of the words. Out: words and phones in frames. Pocketsphinx's own
second pass gives up on some true transcripts; this one finds the best path wherever there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from otoscope.decoding.tree.forced import frames_at_once
from otoscope.recognizers.pocketsphinx.network import Alternative, Network
from otoscope.recognizers.pocketsphinx.passage import SILENCE_INSERTION

N_STATES = 3
MOST_KEPT = 1 << 28
"""Frames times states for which it is kept at once how they were reached: a quarter of a gigabyte."""


@dataclass(frozen=True)
class AlignedPhone:
    """A phone in frames `start` up to, not including, `end`; `measured` is false where it was spread evenly."""

    label: str
    start: int
    end: int
    measured: bool = True


@dataclass(frozen=True)
class AlignedWord:
    """A word and its phones, in frames `start` up to, not including, `end`."""

    label: str
    start: int
    end: int
    phones: tuple[AlignedPhone, ...]


class _Chain:
    """States in a row with what may come before each: built piece by piece, read by `_best_path`."""

    def __init__(self) -> None:
        self.columns: list[int] = []
        self.befores: list[list[int]] = []
        self.costs: list[float] = []
        self.owners: list[tuple[int, Alternative | None, int]] = []

    def add(self, columns: NDArray[np.int64], before: Sequence[int], *, owner: tuple[int, Alternative | None]) -> int:
        """Append the states of a word or silence after the states `before` (-1: the start); return its last state."""
        for k, column in enumerate(columns):
            self.befores.append(list(before) if k == 0 else [len(self.columns) - 1])
            self.costs.append(SILENCE_INSERTION if k == 0 and owner[1] is None else 0.0)
            self.columns.append(int(column))
            self.owners.append((*owner, k // N_STATES))
        return len(self.columns) - 1


def align_words(network: Network, scores: NDArray[np.float32]) -> tuple[AlignedWord, ...] | None:
    """Return the words of a network's context in time, silence allowed around each; `None` if the sound is too short.

    Of several pronunciations the best fitting is taken.
    """
    chain = _Chain()
    ends = [-1, chain.add(network.silence, [-1], owner=(-1, None))]
    for position, slot in enumerate(network.slots):
        spoken = [chain.add(a.columns, ends, owner=(position, a)) for a in slot.of(slot.word)]
        ends = [*spoken, chain.add(network.silence, spoken, owner=(position, None))]
    path = _path(chain, scores, ends)
    if path is None:
        return None
    words: list[AlignedWord] = []
    owners = [chain.owners[state] for state in path]
    for position, slot in enumerate(network.slots):
        frames = [t for t, (p, spoken, _) in enumerate(owners) if p == position and spoken is not None]
        alternative = owners[frames[0]][1]
        assert alternative is not None  # silence was left out above
        phones = _phones(alternative.phones, [owners[t][2] for t in frames], frames[0])
        words.append(AlignedWord(slot.word, frames[0], frames[-1] + 1, phones))
    return tuple(words)


def align_phones(
    alternative: Alternative, scores: NDArray[np.float32], start: int, end: int
) -> tuple[AlignedPhone, ...]:
    """Return the phones of one word within known boundaries; evenly spread where there are fewer frames than states."""
    n_phones = len(alternative.phones)
    if end - start < N_STATES * n_phones:
        edges = [start + round(k * (end - start) / n_phones) for k in range(n_phones + 1)]
        return tuple(AlignedPhone(p, edges[k], edges[k + 1], False) for k, p in enumerate(alternative.phones))
    chain = _Chain()
    last = chain.add(alternative.columns, [-1], owner=(0, alternative))
    path = _path(chain, scores[start:end], [last])
    assert path is not None  # there is a frame for every state
    return _phones(alternative.phones, [chain.owners[state][2] for state in path], start)


def _phones(labels: Sequence[str], indices: Sequence[int], start: int) -> tuple[AlignedPhone, ...]:
    counts = np.bincount(indices, minlength=len(labels))
    edges = start + np.concatenate([[0], np.cumsum(counts)])
    return tuple(AlignedPhone(p, int(edges[k]), int(edges[k + 1])) for k, p in enumerate(labels))


def _path(chain: _Chain, scores: NDArray[np.float32], ends: Sequence[int]) -> list[int] | None:
    """Return the best state of each frame, in one of `ends` at last; `None` where the frames are too few.

    A long recording is gone through in pieces, and again from the last piece back, as in `decoding.tree.forced`.
    """
    n_frames, n_states = len(scores), len(chain.columns)
    width = max(len(before) for before in chain.befores)
    befores = np.array([[*b, *[-2] * (width - len(b))] for b in chain.befores], dtype=np.int32)
    arrays = (np.array(chain.columns), befores, np.array(chain.costs))
    last = np.array([end for end in ends if end >= 0], dtype=np.int64)
    if not n_frames or not last.size:
        return None
    n_at_once = frames_at_once(n_frames, n_states, MOST_KEPT)
    came = np.empty((n_at_once, n_states), dtype=np.int8 if width <= np.iinfo(np.int8).max else np.int32)
    begins, begun = range(0, n_frames, n_at_once), [np.full(n_states, -np.inf)]
    for first in begins:
        begun.append(_steps(scores, first, begun[-1], came, *arrays))
    state = int(last[begun[-1][last].argmax()])
    if begun[-1][state] == -np.inf:
        return None
    path = np.empty(n_frames, dtype=np.int64)
    for piece in reversed(range(len(begins))):
        if piece + 1 < len(begins):
            _steps(scores, begins[piece], begun[piece], came, *arrays)
        state = _back(path, begins[piece], state, came, befores)
    return path.tolist()


@numba.njit(cache=True)
def _steps(scores, first, begun, came, columns, befores, costs):  # type: ignore[no-untyped-def]
    """Return the scores of the states behind the last frame of a piece, from those before it; fill in `came`.

    Of `befores`, -1 is the start and -2 nothing; `came` says which of them each state came from, -1: it stayed.
    """
    before, now = begun.copy(), np.full(columns.size, -np.inf)
    for t in range(first, min(first + len(came), len(scores))):
        for s in range(columns.size):
            best, choice = before[s], -1
            for k in range(befores.shape[1]):
                state = befores[s, k]
                value = -np.inf
                if state >= 0:
                    value = before[state] + costs[s]
                elif state == -1 and t == 0:
                    value = costs[s]
                if value > best:
                    best, choice = value, k
            now[s] = best + scores[t, columns[s]]
            came[t - first, s] = choice
        before, now = now, before
    return before


@numba.njit(cache=True)
def _back(path, first, state, came, befores):  # type: ignore[no-untyped-def]
    """Fill the path of a piece from its last state, and return the state before its first frame."""
    for t in range(min(first + len(came), len(path)) - 1, first - 1, -1):
        path[t] = state
        choice = came[t - first, state]
        if choice >= 0:
            state = befores[state, choice]
    return state
