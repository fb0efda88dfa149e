"""Where the likelihood of a psychometric function is greatest, for many observers at once.

A grid over place, spread and lapse rate finds the hill (the likelihood has several, so a climb alone may end on the
wrong one), finer grids around the best its top. Bootstrap samples are climbed together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

Form = Literal["logistic", "gauss", "weibull", "gumbel"]
Vector = NDArray[np.float64]

LARGEST_LAPSE = 0.06
"""The prior of Wichmann and Hill (2001, part I): flat up to here, nothing beyond."""
N_PLACES, N_SPREADS, N_LAPSES = 41, 24, 4
N_ROUNDS = 14
AT_ONCE = 64


@dataclass(frozen=True)
class Search:
    """What is looked for and where.

    Parameters
    ----------
    axis
        `(n_levels,)` ascending: levels, or their logarithms for `weibull`.
    form, rising, guess
        Of the function.
    lapse
        Its lapse rate, `None` where that is looked for too.
    """

    axis: Vector
    form: Form
    rising: bool
    guess: float
    lapse: float | None

    @classmethod
    def over(cls, axis: Vector, form: Form, *, rising: bool, guess: float, lapse: float | None) -> Search:
        """Return a search along an ascending axis."""
        return cls(np.sort(axis), form, rising, guess, lapse)

    @property
    def least_spread(self) -> float:
        """A tenth of the smallest gap between levels: anything steeper looks the same."""
        return float(np.diff(self.axis).min()) / 10

    @property
    def places(self) -> tuple[float, float]:
        """Where thresholds are looked for: the levels, and as far again on either side."""
        reach = float(np.ptp(self.axis))
        return float(self.axis[0]) - reach, float(self.axis[-1]) + reach

    @property
    def log_spreads(self) -> tuple[float, float]:
        """Between which logarithms of spreads."""
        return float(np.log(self.least_spread)), float(np.log(2 * np.ptp(self.axis)))


def shares(search: Search, parameters: Vector) -> Vector:
    """Return the share recognised at each level, `(…, n_levels)`, of parameters `(…, 3)`: place, log spread, lapse."""
    place, log_spread, lapse = (parameters[..., index, None] for index in range(3))
    z = (search.axis - place) * np.exp(-log_spread)
    if search.form == "logistic":
        grown = expit(z)
    elif search.form == "gauss":
        grown = ndtr(z)
    else:
        grown = -np.expm1(-np.log(2) * np.exp(np.minimum(z, 50.0)))
    found: Vector = search.guess + (1 - search.guess - lapse) * (grown if search.rising else 1 - grown)
    return found


def log_likelihoods(search: Search, parameters: Vector, k: Vector, n: Vector) -> Vector:
    """Return the binomial log likelihood without its constant; `parameters` `(…, 3)`, counts `(…, n_levels)`."""
    share = np.clip(shares(search, parameters), 1e-12, 1 - 1e-12)
    found: Vector = (k * np.log(share) + (n - k) * np.log1p(-share)).sum(-1)
    return found


def best_parameters(search: Search, k: Vector, n: Vector) -> Vector:
    """Return the likeliest parameters `(n_observers, 3)` for counts `(n_observers, n_levels)` of `n` trials."""
    lapses = np.linspace(0, LARGEST_LAPSE, N_LAPSES) if search.lapse is None else np.array([search.lapse])
    grids = np.linspace(*search.places, N_PLACES), np.linspace(*search.log_spreads, N_SPREADS), lapses
    everywhere = np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1).reshape(-1, 3)
    share = np.clip(shares(search, everywhere), 1e-12, 1 - 1e-12)
    table = k @ np.log(share).T + (n - k) @ np.log1p(-share).T
    best = everywhere[np.argmax(table, axis=1)]
    steps = np.array([grids[0][1] - grids[0][0], grids[1][1] - grids[1][0], LARGEST_LAPSE / (N_LAPSES - 1)])
    return np.concatenate([_climbed(search, best[i : i + AT_ONCE], k[i : i + AT_ONCE], n, steps)
                           for i in range(0, len(best), AT_ONCE)])  # fmt: skip


def _climbed(search: Search, best: Vector, k: Vector, n: Vector, steps: Vector) -> Vector:
    third = np.zeros(1) if search.lapse is not None else np.array([-1.0, 0.0, 1.0])
    moves = np.stack(np.meshgrid(*[np.array([-1.0, -0.5, 0.0, 0.5, 1.0])] * 2, third, indexing="ij"), -1).reshape(-1, 3)
    moves = moves[np.argsort(np.abs(moves).sum(1), kind="stable")]
    low = np.array([search.places[0], search.log_spreads[0], 0.0])
    high = np.array([search.places[1], search.log_spreads[1], LARGEST_LAPSE if search.lapse is None else 1.0])
    for _ in range(N_ROUNDS):
        tried = np.clip(best[:, None] + moves * steps, low, high)
        value = log_likelihoods(search, tried, k[:, None], n)
        best = tried[np.arange(len(best)), np.argmax(value, axis=1)]
        steps = steps * 0.65
    return best


def polished(search: Search, k: Vector, n: Vector, start: Vector) -> Vector:
    """Return the parameters `(3,)` at the very top of the hill that `start` stands on."""
    from scipy.optimize import minimize

    free = 3 if search.lapse is None else 2

    def loss(parameters: Vector) -> float:
        return -float(log_likelihoods(search, np.append(parameters, start[free:]), k, n))

    bounds = [search.places, search.log_spreads, (0.0, LARGEST_LAPSE)][:free]
    found = minimize(loss, start[:free], bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-13, "gtol": 1e-8})
    return np.append(found.x, start[free:]) if -found.fun >= -loss(start[:free]) else start
