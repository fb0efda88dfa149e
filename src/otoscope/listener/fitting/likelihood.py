"""How likely trial reaction times are under decision times: a shifted lognormal with listeners and what came before.

log(RT - shift) = log(t_dec(item) + t_exec - shift) + u(listener) + ρ (log RT before - its mean) + ε, ε ~ N(0, σ²).

Given decision times, t_exec and shift, the rest is ordinary least squares, done exactly; the listeners' intercepts sum
to zero over trials, so that the mean is left to t_dec and t_exec.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.listener.fitting.trials import Trials

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Explained:
    """What is left to regression: `listeners (n_listeners,)` u, `previous` ρ, `sigma` and `log_likelihood`."""

    listeners: Floats
    previous: float
    sigma: float
    log_likelihood: float


class Likelihood:
    """Likelihood of trials, prepared once.

    Parameters
    ----------
    trials
        One or more.
    weights
        `(n_trials,)` how often each counts (the bootstrap); `None`: once.
    """

    def __init__(self, trials: Trials, *, weights: Floats | None = None) -> None:
        if not len(trials):
            raise BadInput("no trials to fit")
        self.trials = trials
        self._w = np.ones(len(trials)) if weights is None else np.asarray(weights, dtype=np.float64)
        logs = np.log(trials.previous_rt_s)
        self.mean_previous = float(np.nanmean(logs)) if np.isfinite(logs).any() else 0.0
        self._x = self._within(np.where(np.isfinite(logs), logs - self.mean_previous, 0.0))

    def _listener_means(self, values: Floats) -> Floats:
        n = len(self.trials.listeners)
        total = np.bincount(self.trials.listener, weights=self._w * values, minlength=n)
        return total / np.maximum(np.bincount(self.trials.listener, weights=self._w, minlength=n), 1e-12)

    def _within(self, values: Floats) -> Floats:
        return values - self._listener_means(values)[self.trials.listener]

    def explained(self, times_s: Floats, *, shift_s: float = 0.0) -> Explained | None:
        """Return the best listeners, ρ and σ under item times t_dec + t_exec, `None` where a time is below the shift.

        Parameters
        ----------
        times_s
            `(n_items,)` t_dec + t_exec.
        shift_s
            Of the lognormal, below every reaction time.
        """
        predicted, rt = times_s[self.trials.item] - shift_s, self.trials.rt_s - shift_s
        if predicted.min() <= 0 or rt.min() <= 0:
            return None
        left = np.log(rt) - np.log(predicted)
        middle = float(np.average(left, weights=self._w))
        y = self._within(left)
        spread = float((self._w * self._x**2).sum())
        slope = float((self._w * self._x * y).sum() / spread) if spread > 0 else 0.0
        total = float(self._w.sum())
        # u sums to zero over trials: what the mean is off stays in the residuals
        squares = float((self._w * (y - slope * self._x + middle) ** 2).sum())
        sigma = float(np.sqrt(squares / total))
        ll = -total * (np.log(sigma) + 0.5 * np.log(2 * np.pi) + 0.5) - float((self._w * np.log(rt)).sum())
        raw = np.where(np.isfinite(self.trials.previous_rt_s), np.log(self.trials.previous_rt_s), self.mean_previous)
        u = self._listener_means(left - middle - slope * (raw - self.mean_previous))
        return Explained(u, slope, sigma, ll)

    def adjusted_of(self, trials: Trials, found: Explained) -> Floats:
        """Return log reaction times less listeners and what came before, `(n_trials,)`, of these or other trials."""
        before = np.log(trials.previous_rt_s) - self.mean_previous
        before = np.where(np.isfinite(before), before, 0.0)
        return np.asarray(np.log(trials.rt_s) - found.listeners[trials.listener] - found.previous * before)
