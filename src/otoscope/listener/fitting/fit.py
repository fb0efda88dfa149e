"""Fit the listener's parameters to human reaction times, with intervals, held-out items, a baseline and a ceiling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from otoscope.core import BadInput
from otoscope.listener.fitting.likelihood import Explained, Likelihood
from otoscope.listener.fitting.trials import Trials

Floats = NDArray[np.float64]
BOUNDS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "frequency_weight": (0.05, 30.0),
        "acoustic_scale": (0.005, 2.0),
        "threshold": (0.5, 200.0),
        "beta_s": (0.002, 1.0),
        "per_second": (0.02, 3.0),
        "execution_s": (0.02, 2.0),
    }
)
"""Where each parameter is looked for; all are fitted on a logarithmic scale."""


class Times(Protocol):
    """Decision times of all items under named parameters."""

    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102
    def __len__(self) -> int: ...
    def __call__(self, parameters: Mapping[str, float]) -> Floats: ...  # noqa: D102


@dataclass(frozen=True)
class RtFit:
    """Parameters of greatest likelihood.

    Parameters
    ----------
    parameters
        By name, those that were fixed too; `execution_s` is t_exec.
    fixed
        Names of those that were given, not fitted.
    explained
        Listeners, ρ, σ and the log-likelihood.
    times_s
        `(n_items,)` t_dec + t_exec.
    shift_s
        Of the lognormal.
    intervals
        Bootstrap intervals by name; empty where none were asked for.
    """

    parameters: Mapping[str, float]
    fixed: tuple[str, ...]
    explained: Explained
    times_s: Floats
    shift_s: float
    intervals: Mapping[str, tuple[float, float]]

    @property
    def log_likelihood(self) -> float:
        """Of all trials, natural."""
        return self.explained.log_likelihood


def fit_rts(
    trials: Trials,
    times: Times,
    *,
    fixed: Mapping[str, float] | None = None,
    start: Mapping[str, float] | None = None,
    shift_s: float = 0.0,
    weights: Floats | None = None,
) -> RtFit:
    """Find the parameters under which trial reaction times are likeliest.

    A coarse search from several starts (Nelder and Mead 1965) on logarithms of the parameters.

    Parameters
    ----------
    trials
        Answered rightly, usually (`Trials.answered`).
    times
        Decision times of the items of `trials` under `times.names`: `DecisionTimes`, `DurationTimes`.
    fixed
        Parameters that are known, among them perhaps `execution_s`.
    start
        Where to begin; by default from three places within `BOUNDS`.
    shift_s
        Of the lognormal; reaction times must be longer.
    weights
        `(n_trials,)` how often each trial counts.
    """
    if len(times) != len(trials.items):
        raise BadInput(f"decision times of {len(times)} items for trials of {len(trials.items)}")
    known = dict(fixed or {})
    names = [name for name in (*times.names, "execution_s") if name not in known]
    likelihood = Likelihood(trials, weights=weights)
    low, high = (np.log([BOUNDS[name][k] for name in names]) for k in (0, 1))

    def at(point: Floats) -> tuple[dict[str, float], Floats]:
        here = known | dict(zip(names, np.exp(np.clip(point, low, high)).tolist(), strict=True))
        return here, times(here) + here["execution_s"]

    def loss(point: Floats) -> float:
        found = likelihood.explained(at(point)[1], shift_s=shift_s)
        outside = float(np.sum(np.maximum(low - point, 0) + np.maximum(point - high, 0)))
        return 1e12 if found is None else -found.log_likelihood / len(trials) + outside

    point = _searched(loss, _starts(names, low, high, start)) if names else np.zeros(0)
    parameters, total = at(point)
    explained = likelihood.explained(total, shift_s=shift_s)
    if explained is None:
        raise BadInput(f"some reaction times are not above the shift of {shift_s:g} s; take a smaller one")
    return RtFit(parameters, tuple(known), explained, total, shift_s, {})


def _starts(names: list[str], low: Floats, high: Floats, start: Mapping[str, float] | None) -> list[Floats]:
    if start is not None:
        return [np.log([start[name] for name in names])]
    return [low + share * (high - low) for share in (0.5, 0.35, 0.65)]


def _searched(loss: Callable[[Floats], float], starts: list[Floats]) -> Floats:
    options = {"xatol": 1e-3, "fatol": 1e-7, "maxiter": 1200, "adaptive": True}
    best = min((minimize(loss, s, method="Nelder-Mead", options=options) for s in starts), key=lambda found: found.fun)
    if len(starts) == 1:
        return np.asarray(best.x)
    again = minimize(loss, best.x, method="Nelder-Mead", options=options)
    return np.asarray(again.x if again.fun < best.fun else best.x)


def bootstrapped(
    trials: Trials, times: Times, fit: RtFit, *, n: int = 100, confidence: float = 0.95, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Return percentile intervals of the fitted parameters; items are drawn anew, with all their trials.

    Parameters
    ----------
    trials, times, fit
        What was fitted, and the fit, near which each search begins.
    n, confidence, seed
        Of the bootstrap.
    """
    rng = np.random.default_rng(seed)
    names = [name for name in fit.parameters if name not in fit.fixed]
    known = {name: fit.parameters[name] for name in fit.fixed}
    drawn = []
    heard = np.unique(trials.item)
    for _ in range(n):
        counts = np.zeros(len(trials.items))
        np.add.at(counts, rng.choice(heard, heard.size), 1)
        # from elsewhere each time: the likelihood is jagged where winners change, and a search from the fit stays there
        start = {name: fit.parameters[name] * float(np.exp(rng.normal(0, 0.2))) for name in names}
        again = fit_rts(trials, times, fixed=known, start=start, shift_s=fit.shift_s, weights=counts[trials.item])
        drawn.append([again.parameters[name] for name in names])
    ends = np.percentile(np.array(drawn), [50 * (1 - confidence), 50 * (1 + confidence)], axis=0)
    return {name: (float(a), float(b)) for name, a, b in zip(names, *ends, strict=True)}
