"""One recording through a network of words: the best path that has a given word at a given place.

In: a `Network` and the senone scores of a recording. Out: best scores of paths, natural logs relative to a free phone
loop (a stretch explained by "anything at all" costs nothing but its entry). Boundaries `t` run from 0 to `n_frames`;
a word covers the frames between two of them. Transition probabilities inside a phone are left out.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from otoscope.recognizers.pocketsphinx.competitors import LANGUAGE_WEIGHT
from otoscope.recognizers.pocketsphinx.network import Network

INSERTION = math.log(0.65)
"""Cost of each word (pocketsphinx's `wip`)."""
SILENCE_INSERTION = math.log(0.005)
"""Cost of each silence (pocketsphinx's `silprob`)."""
PHONE_PRIOR = LANGUAGE_WEIGHT * math.log(1 / 40)
"""Cost of each phone in the free loop: a uniform phone language model under the same weight."""
MAX_WORD_FRAMES = 200
"""A word lies within two seconds before and after the middle of its place."""

Scores = NDArray[np.float64]


class Passage:
    """The best ways into and out of every slot.

    Parameters
    ----------
    network
        The words.
    scores
        `(n_frames, n_senones)` natural-log scores of `network.senones`.
    open_ended
        Whether anything may come before the first word and after the last.
    """

    def __init__(self, network: Network, scores: NDArray[np.float32], *, open_ended: bool = False) -> None:
        self.network = network
        self._open_ended = open_ended
        self.n_frames = len(scores)
        self._scores = scores - phone_loop(scores, network.loop, PHONE_PRIOR)[:, None]
        self._reversed = np.ascontiguousarray(self._scores[::-1])
        self._into = self._forward()
        self._out_of = self._backward()

    @property
    def best(self) -> float:
        """The best path of all in which every word is as heard or anything."""
        word, anything = self._out_of[0]
        first = self.network.slots[0].alternatives[0]
        return float(max(word[0] + first.after_word, anything[0]))

    @property
    def as_heard(self) -> float:
        """The best path in which every word is as heard."""
        word = self._boundary(0)
        for slot in self.network.slots:
            spoken = slot.of(slot.word)
            ends = [through(self._scores, a.columns, word + (a.after_word + INSERTION)) for a in spoken]
            word = self._silenced(np.maximum.reduce(ends))
        return float(word[-1] + self.network.slots[-1].alternatives[0].before_next)

    def at(self, position: int, middle: int) -> tuple[dict[str, float], float]:
        """Return the best path for each word of a slot, and for anything, that covers the frame `middle`."""
        slot = self.network.slots[position]
        word, anything = self._into[position]
        next_word, next_anything = self._out_of[position + 1]
        low, high = max(0, middle - MAX_WORD_FRAMES), min(self.n_frames, middle + 1 + MAX_WORD_FRAMES)
        window = self._scores[low:high]
        inside = slice(low, middle + 1)
        best: dict[str, float] = {}
        for a in slot.alternatives:
            entry = np.maximum(word[inside] + a.after_word, anything[inside] + a.after_anything) + INSERTION
            leave = np.maximum(next_word[middle + 1 : high + 1] + a.before_next, next_anything[middle + 1 : high + 1])
            score = float(_across(window, a.columns, entry, leave))
            best[a.word] = max(score, best.get(a.word, -math.inf))
        begin = np.maximum(word, anything)[: middle + 1].max() + INSERTION
        leave = np.maximum(next_word + slot.next_after_anything, next_anything)[middle + 1 :].max()
        return best, float(begin + leave)

    def _boundary(self, t: int) -> Scores:
        scores = np.full(self.n_frames + 1, -np.inf)
        scores[t] = 0.0
        return self._silenced(scores) if t == 0 else scores

    def _silenced(self, entry: Scores) -> Scores:
        """Allow a silence after each boundary."""
        return np.maximum(entry, through(self._scores, self.network.silence, entry + SILENCE_INSERTION))

    def _silence_first(self, rest: Scores) -> Scores:
        """Allow a silence before what is left."""
        silence = self.network.silence[::-1].copy()
        return np.maximum(rest, through(self._reversed, silence, rest[::-1] + SILENCE_INSERTION)[::-1])

    def _forward(self) -> list[tuple[Scores, Scores]]:
        """For each slot: best scores up to the boundary where it begins, after the word before and after anything."""
        word, anything = self._boundary(0), np.full(self.n_frames + 1, -np.inf)
        if self._open_ended:
            anything = self._silenced(_later(word) + INSERTION)
        into = [(word, anything)]
        for slot in self.network.slots:
            ends = []
            for a in slot.of(slot.word):
                entry = np.maximum(word + a.after_word, anything + a.after_anything) + INSERTION
                ends.append(through(self._scores, a.columns, entry))
            unheard = _later(np.maximum(word, anything)) + INSERTION
            word, anything = self._silenced(np.maximum.reduce(ends)), self._silenced(unheard)
            into.append((word, anything))
        return into

    def _backward(self) -> list[tuple[Scores, Scores]]:
        """For each slot and the end: best scores from the boundary where it begins, as heard or anything."""
        word, anything = self._boundary(self.n_frames), np.full(self.n_frames + 1, -np.inf)
        word = self._silence_first(word)
        if self._open_ended:
            anything = self._silence_first(_later(word[::-1])[::-1] + INSERTION)
        out_of = [(word, anything)]
        for slot in reversed(self.network.slots):
            starts = []
            for a in slot.of(slot.word):
                rest = np.maximum(word + a.before_next, anything)[::-1] + INSERTION
                starts.append(through(self._reversed, a.columns[::-1].copy(), rest)[::-1])
            rest = np.maximum(word + slot.next_after_anything, anything)
            unheard = _later(rest[::-1])[::-1] + INSERTION
            word = self._silence_first(np.maximum.reduce(starts))
            anything = self._silence_first(unheard)
            out_of.append((word, anything))
        return out_of[::-1]


def _later(entry: Scores) -> Scores:
    """Best entry at any earlier boundary: a stretch of one frame or more that costs nothing."""
    exits = np.full(entry.size, -np.inf)
    np.maximum.accumulate(entry[:-1], out=exits[1:])
    return exits


@numba.njit(cache=True)
def phone_loop(scores, loop, prior):  # type: ignore[no-untyped-def]
    """Return `(n_frames,)` what each frame adds to the best path through any succession of phones."""
    n_phones, n_states = loop.shape
    state = np.full((n_phones, n_states), -np.inf)
    gained = np.zeros(scores.shape[0])
    best, before = 0.0, 0.0
    for t in range(scores.shape[0]):
        entry = best + prior
        before, best = best, -np.inf
        for p in range(n_phones):
            for s in range(n_states - 1, -1, -1):
                came = entry if s == 0 else state[p, s - 1]
                state[p, s] = max(state[p, s], came) + scores[t, loop[p, s]]
                best = max(best, state[p, s])
        gained[t] = best - before
    return gained


@numba.njit(cache=True)
def through(scores, columns, entry):  # type: ignore[no-untyped-def]
    """Return best scores at each boundary after passing all states from any earlier boundary (Viterbi 1967)."""
    n_states = columns.size
    state = np.full(n_states, -np.inf)
    exits = np.full(entry.size, -np.inf)
    for t in range(scores.shape[0]):
        for s in range(n_states - 1, 0, -1):
            state[s] = max(state[s], state[s - 1]) + scores[t, columns[s]]
        state[0] = max(state[0], entry[t]) + scores[t, columns[0]]
        exits[t + 1] = state[n_states - 1]
    return exits


@numba.njit(cache=True)
def _across(scores, columns, entry, leave):  # type: ignore[no-untyped-def]
    """Return the best path through all states that enters where `entry` lies and leaves where `leave` lies.

    `entry` holds the first boundaries of the window, `leave` those after its last.
    """
    n_states = columns.size
    state = np.full(n_states, -np.inf)
    best = -np.inf
    for t in range(scores.shape[0]):
        for s in range(n_states - 1, 0, -1):
            state[s] = max(state[s], state[s - 1]) + scores[t, columns[s]]
        state[0] = max(state[0], entry[t] if t < entry.size else -np.inf) + scores[t, columns[0]]
        if t + 1 >= entry.size:
            best = max(best, state[n_states - 1] + leave[t + 1 - entry.size])
    return best
