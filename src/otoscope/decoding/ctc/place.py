"""How likely labels are at their place, given the labels around them: a score for one word of a sentence.

P(labels | emissions) of a whole sentence falls whenever *any* of its words is disturbed. Here it is divided by
P(left context · anything · right context), so that what is left speaks of the one word. The contexts are still looked
for in the sound: where they are masked, they may be found in the word's own frames, and its score changes a little. A
score of the word's own frames alone is `log_likelihoods` with `stretches`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput
from otoscope.decoding.ctc.checks import check_fit, check_possible, checked_labels, checked_scores
from otoscope.decoding.ctc.forward import backward, final, forward, log_add


def place_log_posteriors(
    log_probs: ArrayLike, labels: ArrayLike, spans: Sequence[tuple[int, int]], *, blank: int = 0
) -> NDArray[np.float64]:
    """Return `(n_spans,)` log P(labels[a:b] stands between labels[:a] and labels[b:] | some label sequence does).

    Parameters
    ----------
    log_probs
        `(n_frames, n_symbols)` natural-log symbol probabilities.
    labels
        `(n_labels,)` symbol indices of the whole text, without blanks.
    spans
        Label positions `(a, b)` with `a <= b`, one for each word asked about; `(a, a)` asks that nothing stands there.
    blank
        Index of the blank symbol.

    Returns
    -------
    numpy.ndarray
        Each at most 0, in nats. For the span of all labels of normalised rows it is `log_likelihood`.

    Raises
    ------
    DoesNotFit
        The labels need more frames than there are, or every path has probability 0.
    BadInput
        A span out of range, wrong shapes, NaN, or labels out of range.

    Notes
    -----
    The denominator P(left · anything · right) sums every path once: split at the frame t where the left context is
    first complete and the last frame t' from which the right context is still complete, and let all symbols run free
    between. Where the last label on the left is the first on the right, paths that merge the two are left out.
    All spans share one forward and one backward pass; each then costs O(n_frames).

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.log([[0.1, 0.6, 0.3], [0.8, 0.1, 0.1], [0.2, 0.2, 0.6]])
    >>> place_log_posteriors(scores, [1, 2], [(0, 1), (1, 2), (0, 2)]).round(3)
    array([-0.569, -0.504, -0.973])
    """
    scores = checked_scores(log_probs, blank)
    sequence = checked_labels(labels, scores.shape[1], blank)
    check_fit(sequence, scores.shape[0])
    for a, b in spans:
        if not 0 <= a <= b <= sequence.size:
            raise BadInput(f"span ({a}, {b}) does not lie in 0 … {sequence.size}, the number of labels")
    bounds = np.asarray(spans, dtype=np.int64).reshape(-1, 2)
    total, values = _place(scores, sequence, bounds, blank)
    check_possible(total, sequence.size)
    return np.minimum(values, 0.0)


@njit(cache=True)
def _place(log_probs, labels, spans, blank):  # type: ignore[no-untyped-def]
    label, gap = forward(log_probs, labels, blank)
    label_after, gap_after = backward(log_probs, labels, blank)
    total = final(label[-1], gap[-1])
    values = np.empty(spans.shape[0])
    if total == -np.inf:
        return total, values
    n_symbols = log_probs.shape[1]
    free = _row_sums(log_probs, n_symbols)
    for i in range(spans.shape[0]):
        a, b = spans[i, 0], spans[i, 1]
        entered = _entered(log_probs, labels, a, label, gap)
        left = _left(log_probs, labels, b, label_after, gap_after, blank)
        if a > 0 and b < labels.shape[0] and labels[a - 1] == labels[b]:
            unlike = _row_sums(log_probs, labels[b])
            values[i] = total - _join_alike(entered, left, free, unlike, log_probs[:, labels[b]])
        else:
            values[i] = total - _join(entered, left, free)
    return total, values


@njit(cache=True)
def _row_sums(log_probs, without):  # type: ignore[no-untyped-def]
    """Log sum of all symbols at each frame, one left out (none if `without` is not a symbol)."""
    sums = np.full(log_probs.shape[0], -np.inf)
    for t in range(log_probs.shape[0]):
        for v in range(log_probs.shape[1]):
            if v != without:
                sums[t] = log_add(sums[t], log_probs[t, v])
    return sums


@njit(cache=True)
def _entered(log_probs, labels, a, label, gap):  # type: ignore[no-untyped-def]
    """At t + 1: log probability that labels[:a] is complete for the first time at frame t; at 0: that a is 0."""
    n_frames = log_probs.shape[0]
    entered = np.full(n_frames + 1, -np.inf)
    if a == 0:
        entered[0] = 0.0
        return entered
    k = a - 1
    if k == 0:
        entered[1] = log_probs[0, labels[0]]
    for t in range(1, n_frames):
        coming = gap[t - 1, k]
        if k > 0 and labels[k] != labels[k - 1]:
            coming = log_add(coming, label[t - 1, k - 1])
        entered[t + 1] = coming + log_probs[t, labels[k]]
    return entered


@njit(cache=True)
def _left(log_probs, labels, b, label_after, gap_after, blank):  # type: ignore[no-untyped-def]
    """At t: log probability of the frames from t on, the last t with all of labels[b:]; at n_frames: that b is all."""
    n_frames, n_labels = log_probs.shape[0], labels.shape[0]
    left = np.full(n_frames + 1, -np.inf)
    if b == n_labels:
        left[n_frames] = 0.0
        return left
    if b == n_labels - 1:
        left[n_frames - 1] = log_probs[n_frames - 1, labels[b]]
    for t in range(n_frames - 1):
        going = gap_after[t + 1, b + 1] + log_probs[t + 1, blank]
        if b + 1 < n_labels and labels[b + 1] != labels[b]:
            going = log_add(going, label_after[t + 1, b + 1] + log_probs[t + 1, labels[b + 1]])
        left[t] = going + log_probs[t, labels[b]]
    return left


@njit(cache=True)
def _join(entered, left, free):  # type: ignore[no-untyped-def]
    """Sum over t < t' of entered at t, anything between, left at t'."""
    total, between = -np.inf, -np.inf
    for t in range(left.shape[0]):
        between = log_add(between, entered[t])
        total = log_add(total, between + left[t])
        if t < free.shape[0]:
            between += free[t]
    return total


@njit(cache=True)
def _join_alike(entered, left, free, unlike, alike):  # type: ignore[no-untyped-def]
    """As `_join`, but between must hold a symbol unlike the label on both sides."""
    total, run, broken = -np.inf, -np.inf, -np.inf
    for t in range(left.shape[0] - 1):
        run = log_add(run, entered[t])
        total = log_add(total, broken + left[t])
        broken = log_add(broken + free[t], run + unlike[t])
        run += alike[t]
    return total
