"""The best path of one form through what was heard: which phone each frame belongs to, and what the frame is worth.

A path begins in silence or in the first phone, goes through the phones in order and may end in silence, which costs
nothing but its own score, as in the tree of words; scores are relative to the best column of each frame, as there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.decoding.tree.units import HmmState, PhoneModels
from otoscope.listener.competing import relative_to_best
from otoscope.listener.evidence import Evidence

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FormPath:
    """The best path of a form.

    Parameters
    ----------
    segments
        What it goes through: silence, the phones, silence.
    segment
        `(n_frames,)` index into `segments`.
    gains
        `(n_frames,)` score of the frame in its state plus that of the step into it; the sum is `score`.
    score
        Acoustic activation, without prior: the V of targets' equation (A1) at the end of the path.
    """

    segments: tuple[str, ...]
    segment: NDArray[np.int64]
    gains: Floats
    score: float

    def frames_of(self, segment: int) -> tuple[int, int] | None:
        """Return the first frame of a segment and the one after its last; `None` where it has none."""
        frames = np.flatnonzero(self.segment == segment)
        return (int(frames[0]), int(frames[-1]) + 1) if frames.size else None


def form_path(
    evidence: Evidence, phones: Sequence[str], *, n_frames: int | None = None, whole: bool = True
) -> FormPath:
    """Return the best path of a form over the first frames.

    Parameters
    ----------
    evidence
        What was heard.
    phones
        How the form is said.
    n_frames
        How many frames count; `None`: all.
    whole
        The path has to reach the end of the form (the final-state rule); else it may be anywhere in it (the partial
        rule).

    Raises
    ------
    BadInput
        The form has no phones, there are no frames, or too few for the form.
    """
    n = evidence.n_frames if n_frames is None else n_frames
    if not phones or not 1 <= n <= evidence.n_frames:
        raise BadInput(f"a path needs phones and 1 to {evidence.n_frames} frames, got {len(phones)} phones, {n} frames")
    column, moves, owner = _chain(evidence.models, tuple(phones), evidence.scores.shape[1])
    scores = with_silence(evidence.scores[:n], evidence.models)
    n_first = int((owner == 0).sum())
    total, back = _viterbi(scores, column, moves, n_first)
    ends = _finals(moves, owner, len(phones)) if whole else np.zeros(column.size)
    last = int(np.argmax(total[-1] + ends))
    score = float(total[-1, last] + ends[last])
    if not np.isfinite(score):
        raise BadInput(f"{' '.join(phones)} does not fit into {n} frames")
    states = np.empty(n, np.int64)
    for t in range(n - 1, -1, -1):
        states[t] = last
        last = int(back[t, last])
    along = total[np.arange(n), states]
    gains = np.diff(along, prepend=0.0)
    gains[-1] += ends[states[-1]]
    return FormPath((evidence.models.silence, *phones, evidence.models.silence), owner[states], gains, score)


def with_silence(scores: NDArray[np.float32], models: PhoneModels) -> Floats:
    """Return scores relative to the best of each frame, with one more column: the best of those of silence."""
    relative = relative_to_best(scores).astype(np.float64)
    columns = [state.column for state in models.states(None, models.silence, None)]
    return np.ascontiguousarray(np.column_stack([relative, relative[:, columns].max(axis=1)]))


def _chain(
    models: PhoneModels, phones: tuple[str, ...], n_columns: int
) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
    around = (models.silence, *phones, models.silence)
    quiet = HmmState(n_columns, 0.0, 0.0)
    parts: list[tuple[HmmState, ...]] = [(quiet,)]
    parts += [models.states(around[k - 1], around[k], around[k + 1]) for k in range(1, len(phones) + 1)]
    parts.append((quiet,))
    states = [state for part in parts for state in part]
    owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    moves = np.array([[s.log_loop, s.log_leave, s.log_skip] for s in states])
    return np.array([s.column for s in states], dtype=np.int64), moves, owner


def _finals(moves: Floats, owner: NDArray[np.int64], n_phones: int) -> Floats:
    """Return what ending in each state costs: nothing in the last state of the form, or in the silence behind it.

    Where the last states can be passed by, the one before ends at the cost of passing them.
    """
    ends = np.full(owner.size, -np.inf)
    ends[owner == n_phones + 1] = 0.0
    passed = 0.0
    for s in np.flatnonzero(owner == n_phones)[::-1]:
        ends[s] = passed
        passed += moves[s, 2]
    return ends


@njit(cache=True)
def _viterbi(scores: NDArray, column: NDArray, moves: NDArray, n_first: int) -> tuple[NDArray, NDArray]:
    """Return `(n_frames, n_states)` best totals and where each came from; the silences at both ends may be left out."""
    n_frames, n_states = scores.shape[0], column.size
    total = np.full((n_frames, n_states), -np.inf)
    back = np.zeros((n_frames, n_states), np.int64)
    for t in range(n_frames):
        best, source = (0.0, 0) if t == 0 else (-np.inf, 0)
        for s in range(n_states):
            if s == n_first and t == 0:
                best = 0.0
            if t > 0:
                value, origin = total[t - 1, s] + moves[s, 0], s
                if best > value:
                    value, origin = best, source
            else:
                value, origin = best, s
            total[t, s], back[t, s] = value + scores[t, column[s]], origin
            best += moves[s, 2]
            if t > 0 and total[t - 1, s] + moves[s, 1] > best:
                best, source = total[t - 1, s] + moves[s, 1], s
    return total, back
