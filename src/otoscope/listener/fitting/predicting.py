"""Decision times of many items under many parameters: what a fit asks for again and again.

For every item the activations of its candidates are kept, sound and prior apart, so that λ, κ, θ and β can change
without listening again. Times run smoothly in θ: between two frames the lead is taken to grow evenly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput
from otoscope.listener.competing import Competition

Floats = NDArray[np.float64]
PARAMETERS = ("frequency_weight", "acoustic_scale", "threshold", "beta_s")
"""λ, κ, θ (nats of activation) and β (seconds a bit)."""


@dataclass(frozen=True)
class HeardItem:
    """What stood while an item was heard.

    Parameters
    ----------
    acoustic
        `(n_frames, n_candidates)` activations without prior; forms of one word are to be pooled before (their best).
    log_prior
        `(n_candidates,)`.
    times_s
        `(n_frames,)` from the onset of the item.
    offset_s
        Where it ends, from its onset.
    """

    acoustic: Floats
    log_prior: Floats
    times_s: Floats
    offset_s: float

    def __post_init__(self) -> None:
        for name in ("acoustic", "log_prior", "times_s"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.float64))
        if self.acoustic.shape != (self.times_s.size, self.log_prior.size) or min(self.acoustic.shape) < 2:
            raise BadInput(
                f"activations {self.acoustic.shape} for {self.times_s.size} times, {self.log_prior.size} words"
            )


def heard_item(competition: Competition, *, onset_s: float, offset_s: float) -> HeardItem:
    """Return what stood, of the forms that were tracked (`track` of `compete`): the likeliest few hundred, say.

    Parameters
    ----------
    competition
        Of two tracked forms or more, no two of one word.
    onset_s, offset_s
        Of the speech, on the time axis of the competition; frames before the onset are left out.
    """
    tree, times = competition.tree, competition.grid.times_s()
    log_prior = np.empty(tree.n_forms)
    log_prior[tree.form] = tree.log_prior
    own = log_prior[list(competition.track)]
    heard = times >= onset_s
    weighted = competition.frequency_weight * own if competition.frequency_weight else 0.0
    acoustic = competition.tracked[heard].astype(np.float64) - weighted
    return HeardItem(acoustic, own, times[heard] - onset_s, offset_s - onset_s)


class DecisionTimes:
    """Times at which items are decided on, from the onset of each.

    The lead of the best candidate reaches θ, or β H seconds go by after the offset, whichever is first (targets D1 and
    D2, entropy version).

    Parameters
    ----------
    items
        What stood while each was heard.
    """

    names = PARAMETERS

    def __init__(self, items: Sequence[HeardItem]) -> None:
        if not items:
            raise BadInput("no items to decide on")
        self._items = tuple(items)

    def __len__(self) -> int:
        return len(self._items)

    def __call__(self, parameters: Mapping[str, float]) -> Floats:
        """Return `(n_items,)` seconds.

        Raises
        ------
        BadInput
            A parameter of `PARAMETERS` is missing.
        """
        missing = [name for name in PARAMETERS if name not in parameters]
        if missing:
            raise BadInput(f"the parameter {missing[0]} is missing; decisions need {', '.join(PARAMETERS)}")
        weight, kappa, theta, beta = (float(parameters[name]) for name in PARAMETERS)
        return np.array(
            [_decided(i.acoustic, i.log_prior, i.times_s, i.offset_s, weight, kappa, theta, beta) for i in self._items]
        )


@njit(cache=True)
def _chosen(acoustic: NDArray, log_prior: NDArray, offset_s: float, weight: float, kappa: float, beta: float) -> float:
    """Return offset + β H of what stands in one frame `(n_words,)`."""
    top = -np.inf
    for w in range(log_prior.size):
        top = max(top, kappa * (acoustic[w] + weight * log_prior[w]))
    if top == -np.inf:
        return offset_s + beta * np.log2(log_prior.size)
    total, mean = 0.0, 0.0
    for w in range(log_prior.size):
        value = kappa * (acoustic[w] + weight * log_prior[w]) - top
        if value > -700.0:
            total += np.exp(value)
            mean += np.exp(value) * value
    bits = (np.log(total) - mean / total) / np.log(2.0)
    return offset_s + beta * max(bits, 0.0)


@njit(cache=True)
def _decided(
    acoustic: NDArray, log_prior: NDArray, times: NDArray, offset_s: float,
    weight: float, kappa: float, theta: float, beta: float,
) -> float:  # fmt: skip
    n_frames, n_words = acoustic.shape
    at = min(np.searchsorted(times, offset_s - 1e-9), n_frames - 1)
    latest = _chosen(acoustic[at], log_prior, offset_s, weight, kappa, beta)
    before, leader = 0.0, -1
    for t in range(n_frames):
        best, second, first = -np.inf, -np.inf, -1
        for w in range(n_words):
            value = acoustic[t, w] + weight * log_prior[w]
            if value > best:
                best, second, first = value, best, w
            elif value > second:
                second = value
        lead = best - second
        if lead >= theta and best > -np.inf:
            if t == 0:
                return times[0]
            from_lead = before if first == leader else 0.0
            part = (theta - from_lead) / (lead - from_lead) if lead > from_lead else 1.0
            return min(latest, times[t - 1] + min(max(part, 0.0), 1.0) * (times[t] - times[t - 1]))
        before, leader = lead, first
    return latest


class DurationTimes:
    """The baseline: decisions a fixed part of the duration after the onset."""

    names = ("per_second",)

    def __init__(self, duration_s: ArrayLike) -> None:
        self._duration = np.asarray(duration_s, dtype=np.float64)
        if self._duration.ndim != 1 or not np.isfinite(self._duration).all():
            raise BadInput("the duration-only baseline needs the duration of every item")

    def __len__(self) -> int:
        return self._duration.size

    def __call__(self, parameters: Mapping[str, float]) -> Floats:
        """Return `(n_items,)` seconds."""
        return parameters["per_second"] * self._duration
