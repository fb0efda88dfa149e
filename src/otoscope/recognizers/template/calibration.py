"""From distances to probabilities: a temperature and a threshold, found on words held out of the templates in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.recognizers.template.matching import Learner

FALSE_REJECTION = 0.0005
"""Share of known words that the threshold may turn away, where their distances are normally distributed."""
MARGIN = 1.1
"""The threshold is wider than the examples ask for by this factor: rooms and voices differ more than they do."""
MOST_FOLDS = 10
UNREACHABLE_NATS = 100.0
"""How far below rejection a word counts whose templates cannot be warped onto a stretch."""


@dataclass(frozen=True)
class Calibration:
    """What turns distances into log-probabilities.

    Parameters
    ----------
    temperature
        Distance that makes a factor of e.
    threshold
        A stretch farther than this from every word is none of them.
    right
        Share of held-out words that came out right, rejections not counted; `None` where it was not measured.
    false_rejection, false_acceptance
        Share of held-out words beyond the threshold; share of words whose own templates were left out that lie within
        it all the same: what happens to a word the recogniser does not know.
    """

    temperature: float
    threshold: float
    right: float | None = None
    false_rejection: float | None = None
    false_acceptance: float | None = None

    def log_posteriors(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return `(n_words + 1,)` natural logs: each word, and last "none of them", whose distance is the threshold.

        Examples
        --------
        >>> Calibration(1.0, 2.0).log_posteriors(np.array([1.0, 2.0])).round(2)
        array([-0.55, -1.55, -1.55])
        """
        beyond = np.where(np.isfinite(distances), distances, self.threshold + UNREACHABLE_NATS * self.temperature)
        scores = -np.append(beyond, self.threshold) / self.temperature
        return np.asarray(scores - np.logaddexp.reduce(scores))


def calibrated(learner: Learner, examples: Sequence[Sequence[NDArray[Any]]]) -> Calibration:
    """Return the calibration of a learner on examples of each word, every one held out once.

    Parameters
    ----------
    learner
        Makes a matcher from the examples that are left.
    examples
        For each word, the frames of two examples or more.

    Raises
    ------
    BadInput
        A word with fewer than two examples: none can be held out.

    Notes
    -----
    In fold k every word's examples k, k + n_folds, … are held out. The temperature maximises the log-probability of
    the right words, smoothed by one error in n + 1 (the rule of succession), so that it stays finite where all are
    right. The threshold is the mean distance of held-out words from their own templates, plus as many standard
    deviations as leave `FALSE_REJECTION` of a normal distribution above it, times `MARGIN`.
    """
    fewest = min(len(own) for own in examples)
    if fewest < 2:
        raise BadInput("a word has a single example; calibration holds one out, so give two or more of each word")
    n_folds = min(fewest, MOST_FOLDS)
    rows, words = [], []
    for fold in range(n_folds):
        matcher = learner.matcher([[e for i, e in enumerate(own) if i % n_folds != fold] for own in examples])
        for word, own in enumerate(examples):
            rows += [matcher.distances(example) for example in own[fold::n_folds]]
            words += [word] * len(own[fold::n_folds])
    return _fitted(np.stack(rows), np.array(words))


def _fitted(distances: NDArray[np.float64], words: NDArray[np.int64]) -> Calibration:
    items = np.arange(len(words))
    own = distances[items, words]
    others = distances.copy()
    others[items, words] = np.inf
    reached = own[np.isfinite(own)]
    if reached.size == 0:
        raise BadInput("no held-out word can be warped onto the templates of its own kind; allow a looser slope")
    from scipy.special import ndtri

    threshold = MARGIN * float(reached.mean() + ndtri(1 - FALSE_REJECTION) * reached.std())
    smooth = 1 / (len(words) + 1)
    largest = float(np.nanmax(np.where(np.isfinite(distances), distances, np.nan)))
    bounded = np.where(np.isfinite(distances), distances, 2 * largest)
    temperatures = np.geomspace(0.003, 3.0, 121) * max(float(reached.mean()), 1e-6)
    gains = []
    for temperature in temperatures:
        scores = -bounded / temperature
        logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        gains.append((1 - smooth) * logs[items, words].mean() + smooth * logs.mean())
    return Calibration(
        float(temperatures[int(np.argmax(gains))]),
        threshold,
        float((distances.argmin(axis=1) == words).mean()),
        float((own > threshold).mean()),
        float((others.min(axis=1) <= threshold).mean()),
    )
