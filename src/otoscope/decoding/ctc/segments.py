"""Utterances of a long recording from token times: start, end and confidence (Kürzinger et al. 2020).

The arithmetic is that of the ctc-segmentation package, so its users find the same numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput

REACH_S = 0.5
"""An utterance begins at most this long before its first token, and ends at most this long after its last."""


def join_utterances(utterances: Sequence[ArrayLike], *, blank: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return one token row for all utterances, and where the blanks that part them lie in it.

    Parameters
    ----------
    utterances
        Symbol indices of each utterance, `(n_labels,)`.
    blank
        Symbol that parts utterances.

    Returns
    -------
    tokens
        `(n_tokens,)`: a start mark -1, then blank, utterance, blank, utterance, …, blank.
    begins
        `(n_utterances + 1,)` index of the blank before each utterance, and of the last blank.

    Examples
    --------
    >>> tokens, begins = join_utterances([[2, 1, 7], [3, 5, 4, 6]])
    >>> tokens.tolist(), begins.tolist()
    ([-1, 0, 2, 1, 7, 0, 3, 5, 4, 6, 0], [1, 5, 10])
    """
    tokens, begins = [-1], []
    for utterance in utterances:
        begins.append(len(tokens))
        tokens += [blank, *np.asarray(utterance, dtype=np.int64).tolist()]
    begins.append(len(tokens))
    return np.array([*tokens, blank]), np.array(begins)


def utterance_segments(
    times_s: ArrayLike, begins: ArrayLike, frame_log_probs: ArrayLike, *, frame_s: float, window: int = 30
) -> tuple[tuple[float, float, float], ...]:
    """Return (start_s, end_s, confidence) of each utterance.

    Parameters
    ----------
    times_s
        `(n_tokens,)` time of each token of the joined row, seconds.
    begins
        `(n_utterances + 1,)` token index of the blank before each utterance and of the last one; see `join_utterances`.
        Each must have a token on both sides of it, but for the last, which needs one before it.
    frame_log_probs
        `(n_frames,)` natural-log probability of the symbol the path emits at each frame.
    frame_s
        Duration of a frame, seconds.
    window
        Frames over which log probabilities are averaged.

    Returns
    -------
    tuple
        The confidence is the lowest window mean inside the utterance, nats; `-inf` for one that lasts no whole frame.

    Raises
    ------
    BadInput
        Indices out of range, or a frame duration or window that is not positive.

    Notes
    -----
    Kürzinger, Winkelbauer, Li, Watzel and Rigoll (2020), section 2.3. A boundary lies midway between the parting blank
    and the token before it, but no more than 0.5 s from the utterance.

    Examples
    --------
    >>> times = [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5]
    >>> utterance_segments(times, [1, 4, 9], [-0.5] * 10, frame_s=1.0, window=2)
    ((2.0, 4.0, -0.5), (5.0, 9.0, -0.5))
    """
    times = np.asarray(times_s, dtype=np.float64)
    marks = np.asarray(begins, dtype=np.int64)
    log_probs = np.asarray(frame_log_probs, dtype=np.float64)
    if marks.size < 2 or marks.min() < 1 or marks[:-1].max() > times.size - 2 or marks[-1] > times.size - 1:
        raise BadInput(f"begins {marks.tolist()} must lie inside {times.size} tokens, one before and one after each")
    if frame_s <= 0 or window < 1:
        raise BadInput(f"frame_s and window must be positive, got {frame_s} and {window}")
    segments = []
    for begin, end in itertools.pairwise(marks):
        start_s = max(times[begin + 1] - REACH_S, (times[begin] + times[begin - 1]) / 2)
        end_s = min(times[end - 1] + REACH_S, (times[end] + times[end - 1]) / 2)
        first, stop = round(start_s / frame_s), round(end_s / frame_s)
        segments.append((float(start_s), float(end_s), _lowest_mean(log_probs[first:stop], window)))
    return tuple(segments)


def _lowest_mean(values: NDArray[np.float64], window: int) -> float:
    """Lowest mean over windows; over all values where they are no more than one window."""
    if values.size == 0:
        return -np.inf
    if values.size <= window:
        return float(values.mean())
    sums = np.convolve(values, np.ones(window), mode="valid")
    return float(sums.min() / window)
