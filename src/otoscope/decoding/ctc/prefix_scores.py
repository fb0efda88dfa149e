"""How likely a text begins so, by CTC: what one-pass joint CTC/attention decoding adds to each hypothesis.

The score of a prefix is log Σ P(text | sound) over all texts that begin with it; it is walked label by label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core.arrays import ByValue
from otoscope.decoding.ctc.checks import checked_labels, checked_scores
from otoscope.decoding.ctc.forward import log_add


@dataclass(frozen=True, eq=False)
class PrefixState(ByValue):
    """What is kept of a prefix.

    Parameters
    ----------
    last
        Its last label, -1 before the first.
    log_score
        log P(a text begins with it).
    forward
        `(n_frames, 2)` log probability that exactly the prefix is spelled after each frame, ending in its last label
        (column 0) or in the blank (column 1).
    """

    last: int
    log_score: float
    forward: NDArray[np.float64]

    @property
    def log_complete(self) -> float:
        """log P(the text is the prefix and ends here), nats."""
        return float(np.logaddexp(self.forward[-1, 0], self.forward[-1, 1]))


class PrefixScorer:
    """Scores prefixes on one matrix of emissions (Watanabe, Hori, Kim, Hershey & Hayashi 2017, algorithm 2).

    Parameters
    ----------
    log_probs
        `(n_frames, n_symbols)` natural-log symbol probabilities.
    blank
        Index of the blank symbol.

    Examples
    --------
    >>> import numpy as np
    >>> scorer = PrefixScorer(np.log([[0.6, 0.4], [0.6, 0.4]]))
    >>> one, = scorer.extend(scorer.start(), [1])
    >>> round(float(np.exp(one.log_score)), 2), round(float(np.exp(scorer.start().log_complete)), 2)
    (0.64, 0.36)
    """

    def __init__(self, log_probs: ArrayLike, *, blank: int = 0) -> None:
        self.log_probs, self.blank = checked_scores(log_probs, blank), blank

    def start(self) -> PrefixState:
        """Return the empty prefix, with which every text begins."""
        forward = np.full((self.log_probs.shape[0], 2), -np.inf)
        forward[:, 1] = np.cumsum(self.log_probs[:, self.blank])
        return PrefixState(-1, 0.0, forward)

    def scores(self, state: PrefixState, labels: ArrayLike) -> NDArray[np.float64]:
        """Return `(n_labels,)` log P(a text begins with the prefix and this label)."""
        candidates = checked_labels(labels, self.log_probs.shape[1], self.blank)
        return _scores(self.log_probs, state.forward, state.last, candidates)

    def extend(self, state: PrefixState, labels: ArrayLike) -> tuple[PrefixState, ...]:
        """Return the prefix with each of some labels put behind it."""
        candidates = checked_labels(labels, self.log_probs.shape[1], self.blank)
        found = []
        for label in candidates.tolist():
            score, forward = _extended(self.log_probs, state.forward, state.last, label, self.blank)
            found.append(PrefixState(label, float(score), forward))
        return tuple(found)


@njit(cache=True)
def _entering(forward, last, label, t):  # type: ignore[no-untyped-def]
    """Log probability that `label` may begin at frame t > 0: after the blank, or after another label."""
    return forward[t - 1, 1] if label == last else log_add(forward[t - 1, 0], forward[t - 1, 1])


@njit(cache=True)
def _scores(log_probs, forward, last, labels):  # type: ignore[no-untyped-def]
    scores = np.full(labels.shape[0], -np.inf)
    for i in range(labels.shape[0]):
        label = labels[i]
        total = log_probs[0, label] if last < 0 else -np.inf
        for t in range(1, log_probs.shape[0]):
            total = log_add(total, _entering(forward, last, label, t) + log_probs[t, label])
        scores[i] = total
    return scores


@njit(cache=True)
def _extended(log_probs, forward, last, label, blank):  # type: ignore[no-untyped-def]
    n_frames = log_probs.shape[0]
    after = np.full((n_frames, 2), -np.inf)
    if last < 0:
        after[0, 0] = log_probs[0, label]
    total = after[0, 0]
    for t in range(1, n_frames):
        entered = _entering(forward, last, label, t) + log_probs[t, label]
        after[t, 0] = log_add(after[t - 1, 0] + log_probs[t, label], entered)
        after[t, 1] = log_add(after[t - 1, 0], after[t - 1, 1]) + log_probs[t, blank]
        total = log_add(total, entered)
    return total, after
