"""How much of each frame each state of a known transcript takes: forward-backward over all its paths."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput
from otoscope.core.arrays import ByValue
from otoscope.decoding.lattice.sums import log_add
from otoscope.decoding.tree.forced import check_fits, checked_scores
from otoscope.decoding.tree.transcript_graph import TranscriptGraph

SMALLEST = 1e-8
"""Shares of a frame below this are left out."""


@dataclass(frozen=True, eq=False)
class Occupancies(ByValue):
    """Posteriors of the states of a transcript, those of some size.

    Parameters
    ----------
    log_likelihood
        log of the sum over all paths.
    frame, state, share
        `(n_entries,)` int32, int32, float32: share of a frame that a state of the graph takes; by frame, then state.
    loops
        `(n_states,)` float64 expected number of times that each state is stayed in.
    """

    log_likelihood: float
    frame: NDArray[np.int32]
    state: NDArray[np.int32]
    share: NDArray[np.float32]
    loops: NDArray[np.float64]

    def dense(self, graph: TranscriptGraph, n_frames: int, n_columns: int) -> NDArray[np.float32]:
        """Return `(n_frames, n_columns)` share of each frame that each column takes."""
        gamma = np.zeros((n_frames, n_columns), dtype=np.float32)
        np.add.at(gamma, (self.frame, graph.column[self.state]), self.share)
        return gamma


def occupancies(scores: ArrayLike, graph: TranscriptGraph) -> Occupancies:
    """Return the posterior of each state of a transcript at each frame of `(n_frames, n_columns)` log scores.

    Raises
    ------
    DoesNotFit
        The recording is too short for the words, or every path has probability 0.
    BadInput
        Scores of the wrong shape, NaN or +inf.

    Notes
    -----
    Rabiner (1989), equations 19 to 27, in logs throughout, so nothing underflows; the shares of a frame sum to 1.
    """
    rows = checked_scores(scores, graph)
    total, shares, loops = _posteriors(rows, *_arrays(graph))
    check_fits(total, len(rows), graph)
    frame, state = np.nonzero(shares > SMALLEST)
    share = shares[frame, state].astype(np.float32)
    return Occupancies(float(total), frame.astype(np.int32), state.astype(np.int32), share, loops)


def occupancies_batch(
    scores: NDArray[np.float32], n_frames: Sequence[int], graphs: Sequence[TranscriptGraph], *, n_threads: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return `(n,)` log likelihoods and `(n, longest, n_columns)` shares of each column for a padded batch.

    Parameters
    ----------
    scores
        `(n, longest, n_columns)` float32; what follows an utterance's `n_frames` is not read, its shares are 0.
    n_threads
        Utterances done at once; the kernel runs without the interpreter's lock.

    Notes
    -----
    An utterance that does not fit its frames gets log likelihood minus infinity and no shares, so that a trainer can
    leave it out; it does not spoil the batch.
    """
    if not (scores.ndim == 3 and len(n_frames) == len(graphs) == len(scores)):
        raise BadInput(
            f"a batch of {len(graphs)} transcripts needs as many lengths and scores (n, n_frames, n_columns), "
            f"got {len(n_frames)} lengths and shape {scores.shape}"
        )
    logs, gamma = np.full(len(graphs), -np.inf), np.zeros(scores.shape, dtype=np.float32)

    def one(i: int) -> None:
        rows = checked_scores(scores[i, : n_frames[i]], graphs[i])
        logs[i] = _column_posteriors(rows, gamma[i], *_arrays(graphs[i]))

    if n_threads == 1:
        for i in range(len(graphs)):
            one(i)
    else:
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(one, range(len(graphs))))
    return logs, gamma


def _arrays(graph: TranscriptGraph) -> tuple[NDArray[Any], ...]:
    return (
        graph.column,
        graph.log_loop,
        graph.arc_start,
        graph.arc_source,
        graph.arc_log,
        graph.log_start,
        graph.log_end,
    )


@njit(cache=True, nogil=True)
def _posteriors(rows, column, log_loop, arc_start, arc_source, arc_log, log_start, log_end):  # type: ignore[no-untyped-def]
    n_frames, n_states = rows.shape[0], column.shape[0]
    ahead = np.empty((n_frames, n_states))
    loops = np.zeros(n_states)
    for s in range(n_states):
        ahead[0, s] = log_start[s] + rows[0, column[s]]
    for t in range(1, n_frames):
        before, now = ahead[t - 1], ahead[t]
        for s in range(n_states):
            total = before[s] + log_loop[s]
            for a in range(arc_start[s], arc_start[s + 1]):
                total = log_add(total, before[arc_source[a]] + arc_log[a])
            now[s] = total + rows[t, column[s]]
    total = -np.inf
    for s in range(n_states):
        total = log_add(total, ahead[-1, s] + log_end[s])
    if total == -np.inf:
        return total, ahead, loops
    behind, emitted = log_end.copy(), np.empty(n_states)
    for t in range(n_frames - 1, -1, -1):
        now = ahead[t]
        for s in range(n_states):
            emitted[s] = behind[s] + rows[t, column[s]]
            if t > 0 and ahead[t - 1, s] > -np.inf:
                loops[s] += np.exp(ahead[t - 1, s] + log_loop[s] + emitted[s] - total)
            log = now[s] + behind[s] - total
            now[s] = np.exp(log) if log > -50.0 else 0.0
        if t > 0:
            for s in range(n_states):
                behind[s] = emitted[s] + log_loop[s]
            for s in range(n_states):
                if emitted[s] > -np.inf:
                    for a in range(arc_start[s], arc_start[s + 1]):
                        k = arc_source[a]
                        behind[k] = log_add(behind[k], emitted[s] + arc_log[a])
    return total, ahead, loops


@njit(cache=True, nogil=True)
def _column_posteriors(rows, gamma, column, log_loop, arc_start, arc_source, arc_log, log_start, log_end):  # type: ignore[no-untyped-def]
    total, shares, _ = _posteriors(rows, column, log_loop, arc_start, arc_source, arc_log, log_start, log_end)
    if total > -np.inf:
        for t in range(shares.shape[0]):
            for s in range(shares.shape[1]):
                gamma[t, column[s]] += shares[t, s]
    return total
