"""Known transcripts in time: the best path through their states, frame by frame (Viterbi)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, DoesNotFit
from otoscope.core.arrays import ByValue
from otoscope.decoding.tree.contexts import Phones
from otoscope.decoding.tree.transcript_graph import NO_WORD, TranscriptGraph
from otoscope.decoding.tree.transcripts import TranscriptGraphs
from otoscope.decoding.tree.units import PhoneModels

MOST_KEPT = 1 << 28
"""Frames times states whose arcs are kept at once: a quarter of a gigabyte."""


@dataclass(frozen=True)
class ForcedPhone:
    """A phone in frames `[start_frame, end_frame)`.

    `word` is its word's position in the transcript, `None` for silence; `score` the mean score of its frames;
    `state_starts` the first frame of each of its states that took any, and `columns` the column of each of these.
    """

    phone: str
    word: int | None
    start_frame: int
    end_frame: int
    score: float
    state_starts: tuple[int, ...]
    columns: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ForcedPath(ByValue):
    """Where each frame of a known transcript lies.

    Parameters
    ----------
    graph
        What the path runs through.
    states
        `(n_frames,)` int32 state of the graph at each frame.
    frame_scores
        `(n_frames,)` float64 score of each frame in its state, transitions not counted.
    log_score
        Of the whole path, transitions counted.
    """

    graph: TranscriptGraph
    states: NDArray[np.int32]
    frame_scores: NDArray[np.float64]
    log_score: float

    @property
    def columns(self) -> NDArray[np.int32]:
        """`(n_frames,)` column of the scores that each frame takes."""
        return self.graph.column[self.states]

    @property
    def words(self) -> NDArray[np.int32]:
        """`(n_frames,)` position of the word in the transcript, -1 in silence."""
        return self.graph.word[self.states]

    @property
    def phones(self) -> tuple[ForcedPhone, ...]:
        """The phones in time, silences among them."""
        return tuple(self._phone(a, b) for a, b in _runs(self.graph.unit[self.states]))

    def _phone(self, start: int, end: int) -> ForcedPhone:
        states = self.states[start:end]
        word = int(self.graph.word[states[0]])
        begins = [start + a for a, _ in _runs(states)]
        return ForcedPhone(
            phone=self.graph.phones[self.graph.phone[states[0]]],
            word=None if word == NO_WORD else word,
            start_frame=start,
            end_frame=end,
            score=float(self.frame_scores[start:end].mean()),
            state_starts=tuple(begins),
            columns=tuple(int(self.graph.column[self.states[t]]) for t in begins),
        )

    def word_frames(self) -> tuple[tuple[int, int], ...]:
        """Return `(start_frame, end_frame)` of each word of the transcript."""
        words = self.words
        spans = {int(words[a]): (a, b) for a, b in _runs(words)}
        return tuple(spans[k] for k in range(len(self.graph.words)))


def forced(
    scores: ArrayLike,
    words: Sequence[str],
    lexicon: Mapping[str, Sequence[Phones]],
    models: PhoneModels,
    *,
    silence_log_prob: float = math.log(0.5),
    pronunciation_log_probs: Mapping[str, Sequence[float]] | None = None,
) -> ForcedPath:
    """Return the best path of `words` through `(n_frames, n_columns)` log scores.

    All pronunciations of a word compete, and silence may come at the edges and between words; context across words is
    exact, whichever pronunciations and silences win. For many recordings make the graphs once, by `TranscriptGraphs`,
    and call `best_path`.

    Raises
    ------
    DoesNotFit
        The recording is too short for the words, or every path has probability 0.
    BadInput
        A word without pronunciation, scores of the wrong shape, NaN or +inf.
    """
    graphs = TranscriptGraphs(lexicon, models, silence_log_prob, pronunciation_log_probs)
    return best_path(scores, graphs(words))


def best_path(scores: ArrayLike, graph: TranscriptGraph) -> ForcedPath:
    """Return the best path through a transcript's graph; errors as in `forced`."""
    rows = checked_scores(scores, graph)
    log_score, states = _viterbi(rows, graph)
    check_fits(log_score, len(rows), graph)
    frame_scores = rows[np.arange(len(rows)), graph.column[states]].astype(np.float64)
    return ForcedPath(graph, states, frame_scores, float(log_score))


def checked_scores(scores: ArrayLike, graph: TranscriptGraph) -> NDArray[np.float32]:
    """Return scores as `(n_frames, n_columns)` float32, or raise `BadInput`."""
    rows = np.ascontiguousarray(scores, dtype=np.float32)
    n_columns = int(graph.column.max()) + 1
    if rows.ndim != 2 or rows.shape[0] == 0 or rows.shape[1] < n_columns:
        raise BadInput(
            f"scores must be (n_frames, n_columns) of one frame and {n_columns} columns at least, got {rows.shape}"
        )
    if not rows.max() < np.inf:
        raise BadInput("scores hold NaN or +inf; log scores are needed")
    return rows


def check_fits(log_score: float, n_frames: int, graph: TranscriptGraph) -> None:
    """Raise `DoesNotFit` where no path has a probability above 0."""
    if log_score == -np.inf:
        n_words = len(graph.words)
        what = f"{n_words} words do" if n_words != 1 else "1 word does"
        frames = f"{n_frames} frames" if n_frames != 1 else "1 frame"
        raise DoesNotFit(
            f"{what} not fit {frames}: the recording is too short for that, or its scores rule out every path"
        )


def frames_at_once(n_frames: int, n_states: int, most: int) -> int:
    """Return for how many frames it is kept how each state was reached: all, or pieces of about `most` entries."""
    return n_frames if n_frames * n_states <= most else max(most // n_states, math.isqrt(n_frames))


def _runs(values: NDArray[np.int32]) -> list[tuple[int, int]]:
    """Stretches of equal values."""
    cuts = np.flatnonzero(values[1:] != values[:-1]) + 1
    edges = [0, *cuts.tolist(), len(values)]
    return list(itertools.pairwise(edges))


def _viterbi(rows: NDArray[np.float32], graph: TranscriptGraph) -> tuple[float, NDArray[np.int32]]:
    """Return the score and the states of the best path.

    By which arc each state was reached is kept for so many frames as `MOST_KEPT` allows. A longer path keeps the scores
    at the beginning of each such piece and goes through the pieces once more, last first: the same path in bounded
    memory, for twice the steps.
    """
    n_frames, n_states = len(rows), graph.n_states
    most_arcs = int(np.diff(graph.arc_start).max(initial=0))
    n_at_once = frames_at_once(n_frames, n_states, MOST_KEPT)
    came_by = np.empty((n_at_once, n_states), dtype=np.uint8 if most_arcs < 255 else np.uint32)
    arrays = (graph.column, graph.log_loop, graph.arc_start, graph.arc_source, graph.arc_log)
    begins, begun = range(0, n_frames, n_at_once), [graph.log_start.astype(np.float64)]
    for first in begins:
        begun.append(_steps(rows, first, begun[-1], came_by, *arrays))
    ends = begun[-1] + graph.log_end
    last, path = int(np.argmax(ends)), np.empty(n_frames, dtype=np.int32)
    for piece in reversed(range(len(begins))):
        if piece + 1 < len(begins):
            _steps(rows, begins[piece], begun[piece], came_by, *arrays)
        last = _back(path, begins[piece], last, came_by, graph.arc_start, graph.arc_source)
    return float(ends.max()), path


@njit(cache=True, nogil=True)
def _steps(rows, first, begun, came_by, column, log_loop, arc_start, arc_source, arc_log):  # type: ignore[no-untyped-def]
    """Return the scores of the states behind the last frame of a piece, from those before it.

    `came_by` is filled from its first row: 0 stayed, k came by the state's arc k.
    """
    n_states = len(column)
    now, before = begun.copy(), np.empty(n_states)
    for t in range(first, min(first + len(came_by), len(rows))):
        now, before = before, now
        for s in range(n_states):
            best, arc = before[s], 0
            if t:
                best += log_loop[s]
                for a in range(arc_start[s], arc_start[s + 1]):
                    coming = before[arc_source[a]] + arc_log[a]
                    if coming > best:
                        best, arc = coming, a - arc_start[s] + 1
            came_by[t - first, s] = arc
            now[s] = best + rows[t, column[s]]
    return now


@njit(cache=True, nogil=True)
def _back(path, first, last, came_by, arc_start, arc_source):  # type: ignore[no-untyped-def]
    """Fill the path of a piece from its last state, and return the state before its first frame."""
    for t in range(min(first + len(came_by), len(path)) - 1, first - 1, -1):
        path[t] = last
        if came_by[t - first, last] > 0:
            last = arc_source[arc_start[last] + came_by[t - first, last] - 1]
    return last
