"""How far activations are to be believed: κ and λ under which the true words of a list are likeliest.

In running speech, κ and the doubt under which the decided words are right as often as their highest probability says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from otoscope.core import BadInput
from otoscope.listener.slots import NEAR_FRAMES, Slot
from otoscope.metrics.calibration import Reliability, reliability

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Heard:
    """What stood at the end of one item: `acoustic` and `log_prior (n_candidates,)`, and which was the `true` one.

    The true word must be among the candidates; leaving out items where it is not would make κ too large.
    """

    acoustic: Floats
    log_prior: Floats
    true: int

    def __post_init__(self) -> None:
        for name in ("acoustic", "log_prior"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        if self.acoustic.ndim != 1 or self.acoustic.shape != self.log_prior.shape:
            raise BadInput(f"a prior a candidate is needed, got {self.acoustic.shape} and {self.log_prior.shape}")
        if not 0 <= self.true < self.acoustic.size or not np.isfinite(self.acoustic[self.true]):
            raise BadInput("the true word must be among the candidates, with a finite score")


@dataclass(frozen=True)
class Calibration:
    """Scales of greatest likelihood.

    Parameters
    ----------
    acoustic_scale, frequency_weight
        κ and λ of exp(κ (log P(signal | w) + λ log P(w))).
    log_likelihood
        Of the true words, summed over items, natural.
    reliability
        Confidence in the best candidate against how often it was right, under these scales.
    before
        The same under κ = 1 and the λ given or found.
    n_items
        How many items there were.
    """

    acoustic_scale: float
    frequency_weight: float
    log_likelihood: float
    reliability: Reliability
    before: Reliability
    n_items: int


def calibrate(items: Sequence[Heard], *, frequency_weight: float | None = None, n_bins: int = 10) -> Calibration:
    """Find κ, and λ unless it is given, by maximum likelihood: a temperature (Guo et al. 2017) and a weight of priors.

    The log-likelihood is concave in κ and κλ, so the optimum is the only one.

    Parameters
    ----------
    items
        What stood at the end of each.
    frequency_weight
        λ, where it is fixed.
    n_bins
        Bins of the reliability diagrams.

    Raises
    ------
    BadInput
        There are no items, or the likelihood grows without end: every true word is the best, so that nothing
        bounds κ.
    """
    if not items:
        raise BadInput("calibration needs items whose true word is known")
    tables = [_columns(item, frequency_weight) for item in items]
    n_weights = tables[0].shape[1]
    start = np.full(n_weights, 0.1)
    found = minimize(
        _loss, start, args=(tables, [i.true for i in items]), jac=True, method="L-BFGS-B",
        bounds=[(1e-6, 1e3)] + [(0.0, 1e4)] * (n_weights - 1),
    )  # fmt: skip
    kappa = float(found.x[0])
    scores = [table @ found.x for table in tables]
    if all(int(np.argmax(row)) == item.true for row, item in zip(scores, items, strict=True)):
        raise BadInput("every true word leads in every item: κ has no finite optimum; take harder or more items")
    weight = float(found.x[1] / kappa) if frequency_weight is None else frequency_weight
    sure = [_confidence(item, kappa, weight) for item in items]
    before = [_confidence(item, 1.0, weight) for item in items]
    return Calibration(
        kappa,
        weight,
        -float(found.fun) * len(items),
        reliability(*zip(*sure, strict=True), n_bins=n_bins),
        reliability(*zip(*before, strict=True), n_bins=n_bins),
        len(items),
    )


def _columns(item: Heard, weight: float | None) -> Floats:
    """Return `(n_candidates, n_weights)` what the weights multiply, candidates of no score left far below."""
    acoustic = np.where(np.isfinite(item.acoustic), item.acoustic, np.nanmin(item.acoustic[item.true]) - 1e6)
    acoustic = acoustic - acoustic.max()
    if weight is not None:
        return (acoustic + weight * item.log_prior)[:, None]
    return np.stack([acoustic, item.log_prior], axis=1)


def _loss(weights: Floats, tables: list[Floats], true: list[int]) -> tuple[float, Floats]:
    """Return the mean negative log-likelihood and its slope."""
    value, slope = 0.0, np.zeros_like(weights)
    for table, t in zip(tables, true, strict=True):
        scores = table @ weights
        value += float(logsumexp(scores) - scores[t])
        slope += softmax(scores) @ table - table[t]
    return value / len(tables), slope / len(tables)


def _confidence(item: Heard, kappa: float, weight: float) -> tuple[float, bool]:
    p = softmax(kappa * (item.acoustic + weight * item.log_prior))
    best = int(np.argmax(p))
    return float(min(p[best], 1.0)), best == item.true


@dataclass(frozen=True, eq=False)
class DecidedWord:
    """A word of running speech that was decided: its place, which forms of it are its own, whether it was said."""

    slot: Slot
    own: NDArray[np.bool_]
    right: bool

    def peak(self, *, scale: float, doubt: float) -> float:
        """Return the highest probability that it comes to under a κ and a doubt."""
        own = self.slot.believed(scale=scale, doubt=doubt)[:, self.own].sum(axis=1)
        return float(min(own.max(), 1.0))


@dataclass(frozen=True)
class Belief:
    """κ and doubt of running speech; see `otoscope.listener.slots`."""

    scale: float
    doubt: float

    def peaks(self, words: Sequence[DecidedWord]) -> Floats:
        """Return the highest probability of each word, `(n_words,)`."""
        return _Peaks(words).under(self.scale, self.doubt)

    def log_loss(self, words: Sequence[DecidedWord]) -> float:
        """Return the mean of -log P(what was the case, right or wrong), in nats."""
        return log_loss(self.peaks(words), np.array([word.right for word in words]))

    def reliability(self, words: Sequence[DecidedWord], *, n_bins: int = 10) -> Reliability:
        """Return how often words were right, by their highest probability."""
        return reliability(self.peaks(words), [word.right for word in words], n_bins=n_bins)


def calibrate_running(words: Sequence[DecidedWord]) -> Belief:
    """Find the κ and the doubt of running speech under which words are right as often as their peaks say.

    Both are those of the least mean log-loss of right against wrong, found by the method of Nelder and Mead (1965).

    Parameters
    ----------
    words
        Decided words, some right and some wrong.

    Raises
    ------
    BadInput
        All are right or all are wrong, so that no doubt would be too small or too large.
    """
    if len({word.right for word in words}) < 2:
        raise BadInput(f"decided words that are right and such that are wrong are needed, got {len(words)} of one kind")

    peaks, right = _Peaks(words), np.array([word.right for word in words])
    found = minimize(
        lambda logs: log_loss(peaks.under(*np.exp(logs)), right), np.log([0.1, 0.1]), method="Nelder-Mead",
        options={"xatol": 0.01, "fatol": 1e-5},
    )  # fmt: skip
    scale, doubt = np.exp(found.x)
    return Belief(float(scale), float(doubt))


def log_loss(said: Floats, right: NDArray[np.bool_]) -> float:
    """Return the mean of -log P(what was the case), in nats; probabilities are taken to be 0.0001 from 0 and 1."""
    given = np.clip(said, 1e-4, 1 - 1e-4)
    return float(-np.mean(np.where(right, np.log(given), np.log1p(-given))))


class _Peaks:
    """The highest probabilities of many words at once: finite activations of all their frames in a row."""

    def __init__(self, words: Sequence[DecidedWord]) -> None:
        values, own, going, least, missing, n_frames, n_values = [], [], [], [], [], [], []
        for word in words:
            slot, there = word.slot, np.isfinite(word.slot.activations)
            frames = there.any(axis=1) & (np.arange(len(there)) >= NEAR_FRAMES)
            there, top = there[frames], slot.activations[frames].max(axis=1)
            values.append((slot.activations[frames] - top[:, None])[there])
            own.append(np.broadcast_to(word.own, there.shape)[there])
            going.append(slot.going[frames][there])
            least.append(np.minimum(slot.least[frames] - top, 0.0))
            missing.append(slot.missing[frames])
            n_frames.append(int(frames.sum()))
            n_values.append(there.sum(axis=1))
        self._values, self._own, self._going = np.concatenate(values), np.concatenate(own), np.concatenate(going)
        self._least, self._missing = np.concatenate(least), np.concatenate(missing)
        self._frames = np.concatenate(([0], np.cumsum(np.concatenate(n_values))[:-1]))
        self._words = np.concatenate(([0], np.cumsum(n_frames)[:-1]))

    def under(self, scale: float, doubt: float) -> Floats:
        """Return the peaks `(n_words,)`; the sums are those of `otoscope.listener.slots.Slot.believed`."""
        weights = np.exp(scale * self._values)
        total, own, going = (np.add.reduceat(part, self._frames)
                             for part in (weights, weights * self._own, weights * self._going))  # fmt: skip
        unseen = self._missing * np.exp(scale * self._least)
        peaks = np.maximum.reduceat(own / (total + going / total * unseen + doubt), self._words)
        return np.asarray(np.minimum(peaks, 1.0))
