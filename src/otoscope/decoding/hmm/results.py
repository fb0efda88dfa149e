"""What the recursions return, and the checks they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput, DoesNotFit
from otoscope.core.arrays import ByValue


@dataclass(frozen=True, eq=False)
class StatePath(ByValue):
    """The best state sequence: `states (n_frames,)` and its natural-log score."""

    states: NDArray[np.int64]
    log_score: float


@dataclass(frozen=True, eq=False)
class StatePosteriors(ByValue):
    """P(state at frame | all emissions) as `posteriors (n_frames, n_states)`, and log P(emissions)."""

    posteriors: NDArray[np.float64]
    log_likelihood: float


def checked_emissions(log_emissions: ArrayLike) -> NDArray[Any]:
    """Return `(n_frames, n_states)` C-ordered float32 or float64 scores without NaN or +inf."""
    scores = shaped_emissions(log_emissions)
    check_clean(bool(scores.max() < np.inf))
    return scores


def shaped_emissions(log_emissions: ArrayLike) -> NDArray[Any]:
    """Return `(n_frames, n_states)` C-ordered float32 or float64 scores, for a kernel that tells if they are clean."""
    scores = np.ascontiguousarray(log_emissions)
    if scores.dtype != np.float32:
        scores = scores.astype(np.float64, copy=False)
    if scores.ndim != 2 or 0 in scores.shape:
        raise BadInput(f"log_emissions must be (n_frames, n_states) with at least one of each, got {scores.shape}")
    return scores


def check_clean(clean: bool) -> None:
    """Raise `BadInput` where emissions were found to hold NaN or +inf."""
    if not clean:
        raise BadInput("log_emissions hold NaN or +inf; natural logs of likelihoods are needed")


def checked_logs(values: ArrayLike, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return natural-log probabilities of a given shape, without NaN or +inf."""
    logs = np.ascontiguousarray(values, dtype=np.float64)
    if logs.shape != shape:
        raise BadInput(f"{name} must have shape {shape} to go with the emissions, got {logs.shape}")
    if not logs.max() < np.inf:
        raise BadInput(f"{name} holds NaN or +inf; natural logs of probabilities are needed")
    return logs


def check_reachable(log_score: float) -> None:
    """Raise `DoesNotFit` where no state sequence has a probability above 0."""
    if log_score == -np.inf:
        raise DoesNotFit("no state sequence of this model fits the emissions: each has probability 0")
