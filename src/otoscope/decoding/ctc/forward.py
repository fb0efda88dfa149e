"""CTC likelihood and posteriors: the forward-backward recursions of Graves et al. (2006).

States are kept as two rows, blanks `(n_labels + 1,)` and labels `(n_labels,)`: blank `k` lies before label `k`.
Sums run in log space in float64, so that a text that does not fit the sound at all still has a finite score.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput
from otoscope.core.arrays import ByValue
from otoscope.decoding.band_sums import BandLattice, cell_posteriors
from otoscope.decoding.ctc.checks import check_fit, check_possible, checked_labels, checked_scores, n_frames_needed


@dataclass(frozen=True, eq=False)
class Occupancy(ByValue):
    """How likely each label and blank of a known text is at each frame.

    Parameters
    ----------
    log_likelihood
        Natural log of P(labels | emissions), all paths summed.
    labels
        `(n_labels,)` symbol indices.
    blank
        Index of the blank symbol.
    label_posteriors
        `(n_frames, n_labels)` P(label k is being emitted at frame t | emissions, labels).
    blank_posteriors
        `(n_frames, n_labels + 1)` the same for the blank before label k, and the one after the last.
    """

    log_likelihood: float
    labels: NDArray[np.int64]
    blank: int
    label_posteriors: NDArray[np.float64]
    blank_posteriors: NDArray[np.float64]

    def symbol_posteriors(self, n_symbols: int) -> NDArray[np.float64]:
        """Return `(n_frames, n_symbols)` P(symbol at frame t | emissions, labels): rows sum to one.

        It is also the gradient of `log_likelihood` with respect to `log_probs` taken as free variables.
        """
        posteriors = self.label_posteriors @ np.eye(n_symbols)[self.labels]
        posteriors[:, self.blank] += self.blank_posteriors.sum(axis=1)
        return posteriors

    def loss_gradient(self, log_probs: ArrayLike) -> NDArray[np.float64]:
        """Return `(n_frames, n_symbols)` d(-log_likelihood)/d(logits), `log_probs` being log-softmax of the logits.

        Graves et al. (2006), equation 16: softmax less `symbol_posteriors`.
        """
        probs = np.exp(np.asarray(log_probs, dtype=np.float64))
        return probs - self.symbol_posteriors(probs.shape[1])


def log_likelihood(log_probs: ArrayLike, labels: ArrayLike, *, blank: int = 0) -> float:
    """Return log P(labels | emissions), summed over all CTC paths, in nats.

    Parameters
    ----------
    log_probs
        `(n_frames, n_symbols)` natural-log symbol probabilities; they need not be normalised.
    labels
        `(n_labels,)` symbol indices without blanks; may be empty.
    blank
        Index of the blank symbol.

    Returns
    -------
    float
        At most 0 for normalised rows; `-inf` where every path has probability 0.

    Raises
    ------
    DoesNotFit
        The labels need more frames than there are.
    BadInput
        Wrong shapes, NaN, or labels out of range.

    Notes
    -----
    Graves, Fernández, Gomez and Schmidhuber (2006), equations 5 to 8.

    Examples
    --------
    >>> import numpy as np
    >>> fair = np.log(np.full((2, 2), 0.5))
    >>> float(round(np.exp(log_likelihood(fair, [1])), 12))  # paths 01, 10 and 11 of four
    0.75
    """
    scores = checked_scores(log_probs, blank)
    sequence = checked_labels(labels, scores.shape[1], blank)
    check_fit(sequence, scores.shape[0])
    return float(_likelihood(scores, sequence, blank))


def log_likelihoods(
    log_probs: ArrayLike,
    sequences: Sequence[ArrayLike],
    *,
    blank: int = 0,
    stretches: Sequence[tuple[int, int]] | None = None,
) -> NDArray[np.float64]:
    """Return `(n_sequences,)` log P(labels | emissions) of many label sequences on one emission matrix.

    As `log_likelihood`, but a sequence that needs more frames than there are has the score `-inf`: its probability
    is 0, and the others are still wanted.

    Parameters
    ----------
    log_probs, blank
        As in `log_likelihood`.
    sequences
        Label sequences, each `(n_labels,)`.
    stretches
        Frames `[start, stop)` in which each sequence must be all that is spelled: the score of a word at its place,
        which nothing outside that place can change. All frames if `None`.

    Examples
    --------
    >>> import numpy as np
    >>> fair = np.log(np.full((2, 2), 0.5))
    >>> log_likelihoods(fair, [[1], [], [1, 1]]).round(3)
    array([-0.288, -1.386,   -inf])
    >>> log_likelihoods(fair, [[1], [1]], stretches=[(0, 1), (1, 2)]).round(3)
    array([-0.693, -0.693])
    """
    scores = checked_scores(log_probs, blank)
    whole = (0, scores.shape[0])
    bounds = [whole] * len(sequences) if stretches is None else stretches
    if len(bounds) != len(sequences):
        raise BadInput(f"{len(bounds)} stretches for {len(sequences)} label sequences; one each is needed")
    values = np.full(len(sequences), -np.inf)
    for i, (labels, (start, stop)) in enumerate(zip(sequences, bounds, strict=True)):
        if not 0 <= start < stop <= scores.shape[0]:
            raise BadInput(f"stretch ({start}, {stop}) must hold at least one of the frames 0 … {scores.shape[0] - 1}")
        sequence = checked_labels(labels, scores.shape[1], blank)
        if n_frames_needed(sequence) <= stop - start:
            values[i] = _likelihood(scores[start:stop], sequence, blank)
    return values


def forward_backward(log_probs: ArrayLike, labels: ArrayLike, *, blank: int = 0) -> Occupancy:
    """Return the posterior of each label and blank of a known text at each frame.

    Parameters and errors as in `log_likelihood`; `DoesNotFit` also where every path has probability 0.

    Notes
    -----
    Graves et al. (2006), equations 5 to 10 and 14 to 16.

    Examples
    --------
    >>> import numpy as np
    >>> fair = np.log(np.full((2, 2), 0.5))
    >>> forward_backward(fair, [1]).label_posteriors.ravel().round(3)  # paths 01, 10 and 11
    array([0.667, 0.667])
    """
    scores = checked_scores(log_probs, blank)
    sequence = checked_labels(labels, scores.shape[1], blank)
    check_fit(sequence, scores.shape[0])
    total, posteriors = cell_posteriors(_lattice(scores, sequence, blank))
    check_possible(total, sequence.size)
    return Occupancy(total, sequence, blank, posteriors[:, 1::2].copy(), posteriors[:, 0::2].copy())


def _lattice(scores: NDArray[np.float64], labels: NDArray[np.int64], blank: int) -> BandLattice:
    """Blanks and labels in turn: stay, advance by one state, or by two from a label to a different one."""
    symbols = np.full(2 * labels.size + 1, blank)
    symbols[1::2] = labels
    into = np.full((3, symbols.size), -np.inf)
    into[0] = into[1, 1:] = 0.0
    into[2, 3::2][labels[1:] != labels[:-1]] = 0.0
    start = np.where(np.arange(symbols.size) < 2, 0.0, -np.inf)
    return BandLattice(np.take(scores, symbols, axis=1), into, start, min(2, symbols.size))


@njit(cache=True, inline="always")
def log_add(a: float, b: float) -> float:
    """log(exp(a) + exp(b)), right for -inf."""
    if a < b:
        a, b = b, a
    if b == -np.inf:
        return a
    return a + math.log1p(math.exp(b - a))


@njit(cache=True)
def forward(log_probs, labels, blank):  # type: ignore[no-untyped-def]
    """Forward scores of labels `(n_frames, n_labels)` and blanks `(n_frames, n_labels + 1)`, emission at t included."""
    n_frames, n_labels = log_probs.shape[0], labels.shape[0]
    label = np.full((n_frames, n_labels), -np.inf)
    gap = np.full((n_frames, n_labels + 1), -np.inf)
    gap[0, 0] = log_probs[0, blank]
    if n_labels:
        label[0, 0] = log_probs[0, labels[0]]
    for t in range(1, n_frames):
        _forward_step(log_probs[t], labels, blank, n_labels, (label[t - 1], gap[t - 1]), (label[t], gap[t]), t)
    return label, gap


@njit(cache=True)
def _forward_step(frame, labels, blank, n_left, before, now, t):  # type: ignore[no-untyped-def]
    """One frame of the recursion, over the states that can be reached and can still reach the end."""
    label, gap = before
    new_label, new_gap = now
    n_labels = labels.shape[0]
    for k in range(max(0, n_labels - n_left), min(n_labels, t) + 1):
        total = gap[k]
        if k > 0:
            total = log_add(total, label[k - 1])
        new_gap[k] = total + frame[blank]
    for k in range(max(0, n_labels - 1 - n_left), min(n_labels - 1, t) + 1):
        total = log_add(label[k], gap[k])
        if k > 0 and labels[k] != labels[k - 1]:
            total = log_add(total, label[k - 1])
        new_label[k] = total + frame[labels[k]]


@njit(cache=True)
def backward(log_probs, labels, blank):  # type: ignore[no-untyped-def]
    """Backward scores, shaped as `forward`'s, of everything after frame t (emission at t left out)."""
    n_frames, n_labels = log_probs.shape[0], labels.shape[0]
    label = np.full((n_frames, n_labels), -np.inf)
    gap = np.full((n_frames, n_labels + 1), -np.inf)
    gap[n_frames - 1, n_labels] = 0.0
    if n_labels:
        label[n_frames - 1, n_labels - 1] = 0.0
    for t in range(n_frames - 2, -1, -1):
        frame = log_probs[t + 1]
        n_left = n_frames - 1 - t
        for k in range(max(0, n_labels - n_left), n_labels + 1):
            total = gap[t + 1, k] + frame[blank]
            if k < n_labels:
                total = log_add(total, label[t + 1, k] + frame[labels[k]])
            gap[t, k] = total
        for k in range(max(0, n_labels - 1 - n_left), n_labels):
            total = log_add(label[t + 1, k] + frame[labels[k]], gap[t + 1, k + 1] + frame[blank])
            if k + 1 < n_labels and labels[k + 1] != labels[k]:
                total = log_add(total, label[t + 1, k + 1] + frame[labels[k + 1]])
            label[t, k] = total
    return label, gap


@njit(cache=True)
def final(label, gap):  # type: ignore[no-untyped-def]
    """Total of the two states a path may end in, from one row of forward scores."""
    if label.shape[0] == 0:
        return gap[0]
    return log_add(label[-1], gap[-1])


@njit(cache=True)
def _likelihood(log_probs, labels, blank):  # type: ignore[no-untyped-def]
    n_frames, n_labels = log_probs.shape[0], labels.shape[0]
    label = np.full((2, n_labels), -np.inf)
    gap = np.full((2, n_labels + 1), -np.inf)
    gap[0, 0] = log_probs[0, blank]
    if n_labels:
        label[0, 0] = log_probs[0, labels[0]]
    for t in range(1, n_frames):
        old, new = (t - 1) % 2, t % 2
        _forward_step(log_probs[t], labels, blank, n_frames - 1 - t, (label[old], gap[old]), (label[new], gap[new]), t)
    last = (n_frames - 1) % 2
    return final(label[last], gap[last])
