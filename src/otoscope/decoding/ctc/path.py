"""The best CTC path: of a known text (forced), of all texts (greedy), and by how much it is the best.

The recursion compares all three predecessors, so the path is optimal on ties too (one that compares fewer is not:
pytorch/audio issue 4221). Among equals staying wins over advancing, and advancing from the blank over skipping it; a
path that may end in the last label or in the blank after it ends in the label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core.arrays import ByValue
from otoscope.decoding.ctc.checks import check_fit, check_possible, checked_labels, checked_scores


@dataclass(frozen=True, eq=False)
class CtcPath(ByValue):
    """One path through the emissions.

    Parameters
    ----------
    labels
        `(n_labels,)` the labels it spells.
    log_score
        Sum of its symbol scores, nats.
    symbols
        `(n_frames,)` symbol at each frame, blanks included.
    starts, stops
        `(n_labels,)` frames `[start, stop)` in which each label is emitted.
    confidences
        `(n_labels,)` geometric mean of the label's probability over its own frames, in [0, 1] for normalised rows.
    """

    labels: NDArray[np.int64]
    log_score: float
    symbols: NDArray[np.int64]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    confidences: NDArray[np.float64]

    def __len__(self) -> int:
        return int(self.labels.size)


def forced_path(log_probs: ArrayLike, labels: ArrayLike, *, blank: int = 0) -> CtcPath:
    """Return the best path that spells `labels` (forced alignment).

    Parameters
    ----------
    log_probs
        `(n_frames, n_symbols)` natural-log symbol scores; they need not be normalised.
    labels
        `(n_labels,)` symbol indices without blanks; may be empty.
    blank
        Index of the blank symbol.

    Raises
    ------
    DoesNotFit
        The labels need more frames than there are, or every path has probability 0.
    BadInput
        Wrong shapes, NaN, or labels out of range.

    Notes
    -----
    Viterbi on the state graph of Graves et al. (2006), figure 3. Ties: stay before advance before skip.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.array([[-3, -3, 0, -3], [0, -3, -3, 0], [-1, -1, -1, -3]])
    >>> path = forced_path(scores, [3, 2])
    >>> path.log_score, path.symbols.tolist(), path.starts.tolist()
    (-4.0, [3, 0, 2], [0, 2])
    """
    scores = checked_scores(log_probs, blank)
    sequence = checked_labels(labels, scores.shape[1], blank)
    check_fit(sequence, scores.shape[0])
    total, states = _best_states(scores, sequence, blank)
    check_possible(total, sequence.size)
    symbols = np.where(states % 2 == 1, np.append(sequence, blank)[states // 2], blank)
    return _path(scores, symbols, np.where(states % 2 == 1, states // 2, -1), sequence)


def greedy(log_probs: ArrayLike, *, blank: int = 0) -> CtcPath:
    """Return the best path of all: the best symbol at each frame, the lower index on ties (best-path decoding).

    The labels are those of the best *path*; the best label *sequence* may be another, see `prefix_beam`.

    Examples
    --------
    >>> import numpy as np
    >>> greedy(np.log([[0.1, 0.9], [0.6, 0.4], [0.2, 0.8]])).labels.tolist()
    [1, 1]
    """
    scores = checked_scores(log_probs, blank)
    symbols = scores.argmax(axis=1)
    begins = symbols != blank
    begins[1:] &= symbols[1:] != symbols[:-1]
    places = np.where(symbols == blank, -1, np.cumsum(begins) - 1)
    return _path(scores, symbols, places, symbols[begins])


def path_margin(log_probs: ArrayLike, labels: ArrayLike, *, blank: int = 0) -> float:
    """Return by how many nats the best path that spells `labels` beats the second best; 0 on a tie, inf if it is alone.

    Parameters and errors as in `forced_path`.

    Notes
    -----
    The second best path leaves the best one somewhere, so its score is the largest max-marginal (best path through a
    state at a frame) off the best path: one forward and one backward pass.

    Examples
    --------
    >>> import numpy as np
    >>> float(round(path_margin(np.log([[0.1, 0.9], [0.3, 0.7]]), [1]), 6))  # 11 against 10
    0.847298
    """
    scores = checked_scores(log_probs, blank)
    sequence = checked_labels(labels, scores.shape[1], blank)
    check_fit(sequence, scores.shape[0])
    total, states = _best_states(scores, sequence, blank)
    check_possible(total, sequence.size)
    return float(total - _second_best(scores, sequence, blank, states))


def _path(scores: NDArray, symbols: NDArray, places: NDArray, labels: NDArray) -> CtcPath:
    """Make a path from the symbol and the label position (-1 in blanks) at each frame."""
    frames = scores[np.arange(symbols.size), symbols]
    own = places >= 0
    sums = np.bincount(places[own], weights=frames[own], minlength=labels.size)
    counts = np.bincount(places[own], minlength=labels.size)
    starts = np.searchsorted(places[own], np.arange(labels.size))
    starts = np.flatnonzero(own)[starts] if labels.size else starts
    return CtcPath(
        labels=labels.astype(np.int64),
        log_score=float(frames.sum()),
        symbols=symbols.astype(np.int64),
        starts=starts.astype(np.int64),
        stops=(starts + counts).astype(np.int64),
        confidences=np.exp(sums / np.maximum(counts, 1)),
    )


@njit(cache=True)
def _best_states(log_probs, labels, blank):  # type: ignore[no-untyped-def]
    """Score of the best path and its state at each frame: 2k for the blank before label k, 2k + 1 for the label."""
    n_frames, n_labels = log_probs.shape[0], labels.shape[0]
    label, gap = np.full((2, n_labels), -np.inf), np.full((2, n_labels + 1), -np.inf)
    label_from = np.zeros((n_frames, n_labels), dtype=np.uint8)
    gap_from = np.zeros((n_frames, n_labels + 1), dtype=np.uint8)
    gap[0, 0] = log_probs[0, blank]
    if n_labels:
        label[0, 0] = log_probs[0, labels[0]]
    no_skip = np.zeros(n_labels)
    no_skip[1:][labels[1:] == labels[:-1]] = -np.inf
    for t in range(1, n_frames):
        old, new, left = (t - 1) % 2, t % 2, n_frames - 1 - t
        _gap_step(log_probs[t, blank], n_labels - left, t, (label[old], gap[old]), gap[new], gap_from[t])
        emitted = log_probs[t][labels]
        _label_step(emitted, no_skip, n_labels - 1 - left, t, (label[old], gap[old]), label[new], label_from[t])
    last = (n_frames - 1) % 2
    state = 2 * n_labels
    total = gap[last, n_labels]
    if n_labels and label[last, n_labels - 1] >= total:
        total, state = label[last, n_labels - 1], 2 * n_labels - 1
    states = np.empty(n_frames, dtype=np.int64)
    for t in range(n_frames - 1, -1, -1):
        states[t] = state
        state -= label_from[t, state // 2] if state % 2 else gap_from[t, state // 2]
    return total, states


@njit(cache=True)
def _gap_step(emitted, first, t, before, now, came_from):  # type: ignore[no-untyped-def]
    """Blanks from `first` on: stay in the blank, or come from the label before."""
    label, gap = before
    if first <= 0:
        now[0] = gap[0] + emitted
    start, stop = max(first, 1), min(gap.shape[0] - 1, t) + 1
    for i in range(max(0, stop - start)):
        k = start + i
        advance = label[k - 1] > gap[k]
        now[k] = (label[k - 1] if advance else gap[k]) + emitted
        came_from[k] = advance


@njit(cache=True)
def _label_step(emitted, no_skip, first, t, before, now, came_from):  # type: ignore[no-untyped-def]
    """Labels from `first` on: stay, come from the blank before, or skip it from another label."""
    label, gap = before
    if first <= 0:
        advance = gap[0] > label[0] if label.shape[0] else False
        if label.shape[0]:
            now[0] = (gap[0] if advance else label[0]) + emitted[0]
            came_from[0] = advance
    start, stop = max(first, 1), min(label.shape[0] - 1, t) + 1
    for i in range(max(0, stop - start)):
        k = start + i
        advance = gap[k] > label[k]
        best = gap[k] if advance else label[k]
        skipped = label[k - 1] + no_skip[k]
        skip = skipped > best
        now[k] = (skipped if skip else best) + emitted[k]
        came_from[k] = 2 if skip else (1 if advance else 0)


@njit(cache=True)
def _second_best(log_probs, labels, blank, states):  # type: ignore[no-untyped-def]
    """Score of the best path that leaves `states` somewhere; -inf where there is none."""
    n_frames, n_states = log_probs.shape[0], 2 * labels.shape[0] + 1
    symbols = np.full(n_states, blank)
    symbols[1::2] = labels
    ahead = np.full((n_frames, n_states), -np.inf)
    ahead[0, : min(2, n_states)] = log_probs[0][symbols[: min(2, n_states)]]
    for t in range(1, n_frames):
        for s in range(n_states):
            best = ahead[t - 1, s]
            if s > 0:
                best = max(best, ahead[t - 1, s - 1])
            if s > 1 and s % 2 and symbols[s] != symbols[s - 2]:
                best = max(best, ahead[t - 1, s - 2])
            ahead[t, s] = best + log_probs[t, symbols[s]]
    after = np.full(n_states, -np.inf)
    after[max(0, n_states - 2) :] = 0.0
    second = -np.inf
    for t in range(n_frames - 1, -1, -1):
        for s in range(n_states):
            if s != states[t]:
                second = max(second, ahead[t, s] + after[s])
        coming = after + log_probs[t][symbols]
        for s in range(n_states):
            best = coming[s]
            if s + 1 < n_states:
                best = max(best, coming[s + 1])
            if s + 2 < n_states and s % 2 and symbols[s] != symbols[s + 2]:
                best = max(best, coming[s + 2])
            after[s] = best
    return second
