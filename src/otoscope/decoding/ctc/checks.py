"""Validation at the border of the CTC kernels: what comes out is what a kernel may rely on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, DoesNotFit


def checked_scores(log_probs: ArrayLike, blank: int) -> NDArray[np.float64]:
    """Return `(n_frames, n_symbols)` C-ordered float64 scores without NaN or +inf, with `blank` one of the columns."""
    scores = np.ascontiguousarray(log_probs, dtype=np.float64)
    if scores.ndim != 2 or 0 in scores.shape:
        raise BadInput(f"log_probs must be (n_frames, n_symbols) with at least one of each, got shape {scores.shape}")
    if not scores.max() < np.inf:
        raise BadInput("log_probs hold NaN or +inf; natural logs of probabilities are needed")
    if not 0 <= blank < scores.shape[1]:
        raise BadInput(f"blank {blank} is not one of the {scores.shape[1]} symbols 0 … {scores.shape[1] - 1}")
    return scores


def checked_labels(labels: ArrayLike, n_symbols: int, blank: int) -> NDArray[np.int64]:
    """Return `(n_labels,)` symbol indices, none of them `blank`."""
    given: NDArray[Any] = np.asarray(labels)
    if given.size == 0:
        return np.zeros(0, dtype=np.int64)
    if given.ndim != 1 or not np.issubdtype(given.dtype, np.integer):
        raise BadInput(f"labels must be one row of integers, got shape {given.shape} of {given.dtype}")
    if given.min() < 0 or given.max() >= n_symbols:
        raise BadInput(f"labels must lie in 0 … {n_symbols - 1}, got {given.min()} … {given.max()}")
    if (given == blank).any():
        raise BadInput(f"labels hold the blank {blank}; leave blanks out, the kernel puts them where they belong")
    return np.ascontiguousarray(given, dtype=np.int64)


def n_frames_needed(labels: NDArray[np.int64]) -> int:
    """Return the least number of frames that can spell `labels`: one each, and a blank between two alike."""
    return int(labels.size + np.count_nonzero(labels[1:] == labels[:-1]))


def check_fit(labels: NDArray[np.int64], n_frames: int) -> None:
    """Raise `DoesNotFit` where `labels` need more frames than there are."""
    needed = n_frames_needed(labels)
    if needed > n_frames:
        raise DoesNotFit(
            f"{labels.size} labels need at least {needed} frames, the recording has {n_frames}; "
            "give a shorter transcript or a longer recording"
        )


def check_possible(log_score: float, n_labels: int) -> None:
    """Raise `DoesNotFit` where every path has probability 0."""
    if log_score == -np.inf:
        raise DoesNotFit(f"no path through the emissions spells these {n_labels} labels: each has probability 0")
