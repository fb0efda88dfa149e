"""The output lattice of a transducer: sums over all alignments, their gradient, and the best alignment.

A node (t, u) stands for "at frame t, u labels written". The blank leads to (t + 1, u), label u to (t, u + 1); a path
ends with the blank at (n_frames - 1, n_labels). All in log space and float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput
from otoscope.core.arrays import ByValue
from otoscope.decoding.ctc.forward import log_add


@dataclass(frozen=True, eq=False)
class Occupancies(ByValue):
    """How likely a path is to take each step, given that it writes the labels.

    Parameters
    ----------
    log_likelihood
        log P(labels), nats.
    blank
        `(n_frames, n_labels + 1)` P(the blank is taken at this node), the gradient of `log_likelihood` with respect to
        the blank's log-probabilities.
    label
        `(n_frames, n_labels)` the same for the next label.
    """

    log_likelihood: float
    blank: NDArray[np.float64]
    label: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TransducerPath(ByValue):
    """The best alignment: `frames` `(n_labels,)`, at which frame each label is written, rising; `log_score` in nats."""

    frames: NDArray[np.int64]
    log_score: float


def log_likelihood(blank: ArrayLike, label: ArrayLike) -> float:
    """Return log P(labels | sound), summed over all alignments, in nats.

    Parameters
    ----------
    blank
        `(n_frames, n_labels + 1)` natural-log probability of the blank at each node.
    label
        `(n_frames, n_labels)` natural-log probability of the next label at each node.

    Raises
    ------
    BadInput
        The shapes do not match, or there are NaN.

    Notes
    -----
    Graves (2012), equations 16 and 17.

    Examples
    --------
    >>> import numpy as np
    >>> fair = np.log(0.5)  # two frames, one label: it can be written at either
    >>> float(np.exp(log_likelihood(np.full((2, 2), fair), np.full((2, 1), fair))))
    0.25
    """
    blanks, labels = _checked(blank, label)
    alpha = _forward(blanks, labels)
    return float(alpha[-1, -1] + blanks[-1, -1])


def occupancies(blank: ArrayLike, label: ArrayLike) -> Occupancies:
    """Return the posterior of each step of the lattice, which is the gradient of `log_likelihood`.

    Parameters, errors and shapes as in `log_likelihood`; all zeros where every alignment has probability 0.

    Notes
    -----
    Graves (2012), equations 16 to 20.
    """
    blanks, labels = _checked(blank, label)
    total, blank_share, label_share = _occupancies(blanks, labels)
    return Occupancies(float(total), blank_share, label_share)


def forced_frames(blank: ArrayLike, label: ArrayLike) -> TransducerPath:
    """Return the best alignment of the labels; among equals the one that writes them later.

    Parameters and errors as in `log_likelihood`.

    Examples
    --------
    >>> import numpy as np
    >>> label = np.log([[0.1], [0.8], [0.1]])
    >>> forced_frames(np.log([[0.9, 1.0], [0.2, 1.0], [0.9, 1.0]]), label).frames.tolist()
    [1]
    """
    blanks, labels = _checked(blank, label)
    total, frames = _best(blanks, labels)
    return TransducerPath(frames, float(total))


def _checked(blank: ArrayLike, label: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    blanks = np.ascontiguousarray(blank, dtype=np.float64)
    labels = np.ascontiguousarray(label, dtype=np.float64)
    if blanks.ndim != 2 or 0 in blanks.shape or labels.shape != (blanks.shape[0], blanks.shape[1] - 1):
        raise BadInput(
            "a transducer lattice needs blank (n_frames, n_labels + 1) and label (n_frames, n_labels) with at least "
            f"one frame, got {blanks.shape} and {labels.shape}"
        )
    if not (blanks.max() < np.inf and (labels.size == 0 or labels.max() < np.inf)):
        raise BadInput("a transducer lattice holds NaN or +inf; natural logs of probabilities are needed")
    return blanks, labels


@njit(cache=True)
def _forward(blank, label):  # type: ignore[no-untyped-def]
    """Log probability of all ways from (0, 0) to each node (equation 16)."""
    n_frames, n_nodes = blank.shape
    alpha = np.full((n_frames, n_nodes), -np.inf)
    alpha[0, 0] = 0.0
    for u in range(1, n_nodes):
        alpha[0, u] = alpha[0, u - 1] + label[0, u - 1]
    for t in range(1, n_frames):
        alpha[t, 0] = alpha[t - 1, 0] + blank[t - 1, 0]
        for u in range(1, n_nodes):
            alpha[t, u] = log_add(alpha[t - 1, u] + blank[t - 1, u], alpha[t, u - 1] + label[t, u - 1])
    return alpha


@njit(cache=True)
def _backward(blank, label):  # type: ignore[no-untyped-def]
    """Log probability of all ways from each node to the end, the last blank counted in (equation 18)."""
    n_frames, n_nodes = blank.shape
    beta = np.full((n_frames, n_nodes), -np.inf)
    last = n_nodes - 1
    beta[n_frames - 1, last] = blank[n_frames - 1, last]
    for u in range(last - 1, -1, -1):
        beta[n_frames - 1, u] = beta[n_frames - 1, u + 1] + label[n_frames - 1, u]
    for t in range(n_frames - 2, -1, -1):
        beta[t, last] = beta[t + 1, last] + blank[t, last]
        for u in range(last - 1, -1, -1):
            beta[t, u] = log_add(beta[t + 1, u] + blank[t, u], beta[t, u + 1] + label[t, u])
    return beta


@njit(cache=True)
def _occupancies(blank, label):  # type: ignore[no-untyped-def]
    n_frames, n_nodes = blank.shape
    alpha, beta = _forward(blank, label), _backward(blank, label)
    total = beta[0, 0]
    blank_share, label_share = np.zeros(blank.shape), np.zeros(label.shape)
    if total == -np.inf:
        return total, blank_share, label_share
    for t in range(n_frames):
        for u in range(n_nodes):
            if t + 1 < n_frames:
                blank_share[t, u] = np.exp(alpha[t, u] + blank[t, u] + beta[t + 1, u] - total)
            elif u == n_nodes - 1:
                blank_share[t, u] = np.exp(alpha[t, u] + blank[t, u] - total)
            if u + 1 < n_nodes:
                label_share[t, u] = np.exp(alpha[t, u] + label[t, u] + beta[t, u + 1] - total)
    return total, blank_share, label_share


@njit(cache=True)
def _best(blank, label):  # type: ignore[no-untyped-def]
    n_frames, n_nodes = blank.shape
    best = np.full((n_frames, n_nodes), -np.inf)
    written = np.zeros((n_frames, n_nodes), dtype=np.bool_)  # whether a node was reached by a label
    best[0, 0] = 0.0
    for t in range(n_frames):
        for u in range(n_nodes):
            if t > 0:
                best[t, u] = best[t - 1, u] + blank[t - 1, u]
            if u > 0:
                coming = best[t, u - 1] + label[t, u - 1]
                if t == 0 or coming >= best[t, u]:
                    best[t, u], written[t, u] = coming, True
    frames = np.empty(n_nodes - 1, dtype=np.int64)
    t, u = n_frames - 1, n_nodes - 1
    while u > 0:
        if written[t, u]:
            u -= 1
            frames[u] = t
        else:
            t -= 1
    return best[n_frames - 1, n_nodes - 1] + blank[n_frames - 1, n_nodes - 1], frames
