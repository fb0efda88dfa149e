"""Psychometric functions: how the share recognised goes with a level, and the level at which it breaks.

In come levels and how many of how many trials were recognised at each; out come threshold, slope, and how well the
curve fits, each with an interval. Wichmann and Hill (2001), The psychometric function I and II, Perception &
Psychophysics 63, 1293-1329.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, ndtr, ndtri

from otoscope.core.errors import BadInput
from otoscope.metrics.psychometric_search import LARGEST_LAPSE, Form, Search, best_parameters, log_likelihoods, polished

Vector = NDArray[np.float64]
N_BOOTSTRAP = 400


@dataclass(frozen=True)
class PsychometricFunction:
    """ψ(x) = guess + (1 - guess - lapse) F(x), or with 1 - F(x) where it falls (Wichmann and Hill 2001, eq. 1).

    Parameters
    ----------
    threshold
        The level at which F is one half, whatever the form.
    spread
        How slowly F rises: with z = (x - threshold) / spread, F is 1 / (1 + e^-z) (`logistic`), the normal
        distribution function (`gauss`), or 1 - 2^-exp(z) (`gumbel`); `weibull` is `gumbel` over ln x, its exponent
        β = 1 / spread.
    guess, lapse
        Share recognised by chance, and share missed though nothing stands in the way.
    form, rising
        Which F, and whether recognition grows with the level.

    Examples
    --------
    >>> at = PsychometricFunction(threshold=-5.0, spread=2.0, guess=0.1, lapse=0.02)
    >>> at([-5.0]).round(2).tolist(), round(at.slope, 3), round(at.level_at(0.5), 2)
    ([0.54], 0.11, -5.0)
    """

    threshold: float
    spread: float
    guess: float = 0.0
    lapse: float = 0.0
    form: Form = "logistic"
    rising: bool = True

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise BadInput(f"unknown form {self.form!r}; one of {', '.join(get_args(Form))}")
        if self.spread <= 0 or self.guess < 0 or self.lapse < 0 or self.guess + self.lapse >= 1:
            raise BadInput("a psychometric function needs spread > 0 and guess + lapse below 1, none of them negative")
        if self.form == "weibull" and self.threshold <= 0:
            raise BadInput(f"a Weibull function needs a threshold above 0, got {self.threshold}; take gumbel")

    def __call__(self, levels: ArrayLike) -> Vector:
        """Return the share recognised at each level."""
        inner = along(np.asarray(levels, dtype=np.float64), self.form) - along(np.array(self.threshold), self.form)
        grown = distribution(inner / self.spread, self.form)
        share: Vector = self.guess + (1 - self.guess - self.lapse) * (grown if self.rising else 1 - grown)
        return share

    def level_at(self, share: float) -> float:
        """Return the level at which F (1 - F where it falls) is `share`, which lies between 0 and 1."""
        if not 0 < share < 1:
            raise BadInput(f"a share lies between 0 and 1, got {share}")
        z = quantile(share if self.rising else 1 - share, self.form)
        inner = float(along(np.array(self.threshold), self.form)) + self.spread * z
        return float(np.exp(inner)) if self.form == "weibull" else inner

    @property
    def slope(self) -> float:
        """The change of ψ with the level at the threshold; negative where it falls."""
        steepness = {"logistic": 0.25, "gauss": 1 / np.sqrt(2 * np.pi)}.get(self.form, np.log(2) / 2)
        by_level = 1 / self.threshold if self.form == "weibull" else 1.0
        value = (1 - self.guess - self.lapse) * steepness / self.spread * by_level
        return float(value if self.rising else -value)


def along(levels: Vector, form: str) -> Vector:
    """Return the axis on which a form is a function of (x - threshold) / spread: the levels, or their logarithms."""
    if form != "weibull":
        return levels
    if (levels <= 0).any():
        raise BadInput("a Weibull function needs levels above 0; for levels in dB take gumbel, its form over logs")
    logs: Vector = np.log(levels)
    return logs


def distribution(z: Vector, form: str) -> Vector:
    """Return F(z), one half at 0."""
    if form == "logistic":
        found: Vector = expit(z)
    elif form == "gauss":
        found = ndtr(z)
    else:
        found = -np.expm1(-np.log(2) * np.exp(np.minimum(z, 50.0)))
    return found


def quantile(share: float, form: str) -> float:
    """Return z at which F(z) is `share`."""
    if form == "logistic":
        return float(logit(share))
    if form == "gauss":
        return float(ndtri(share))
    return float(np.log(-np.log1p(-share) / np.log(2)))


@dataclass(frozen=True)
class PsychometricFit:
    """A function fitted to counts, and what can be said of it.

    Parameters
    ----------
    function
        The function of greatest likelihood; outside the levels tried it is a guess.
    levels, n_recognized, n_trials
        What it was fitted to.
    threshold
        The level at which recognition is half way; `None` where that lies outside the levels tried.
    beyond
        Where the threshold lies if not among the levels tried: `below` or `above` all of them, or "".
    interval, slope_interval
        Bootstrap intervals (percentiles); an end is `None` where it lies beyond the levels tried.
    deviance, p_value
        2 (log likelihood of the observed shares - that of the function), and the share of simulated observers
        who behave exactly as the function says with no smaller deviance: a small one says that the form is wrong.
    stepwise
        Whether recognition jumps from none to all between two neighbouring levels: the interval is then theirs, and
        the slope only a lower bound.
    """

    function: PsychometricFunction
    levels: tuple[float, ...]
    n_recognized: tuple[int, ...]
    n_trials: tuple[int, ...]
    threshold: float | None
    beyond: Literal["", "below", "above"]
    interval: tuple[float | None, float | None]
    slope_interval: tuple[float, float]
    deviance: float
    p_value: float
    stepwise: bool = False


def fit_psychometric(
    levels: ArrayLike,
    n_recognized: ArrayLike,
    n_trials: ArrayLike,
    *,
    form: Form = "logistic",
    rising: bool = True,
    guess: float = 0.0,
    lapse: float | None = None,
    confidence: float = 0.95,
    n_bootstrap: int = N_BOOTSTRAP,
    seed: int = 0,
) -> PsychometricFit:
    """Fit a psychometric function by maximum likelihood.

    Parameters
    ----------
    levels, n_recognized, n_trials
        `(n_levels,)` each; levels in any order, no two alike.
    form, rising, guess
        What is fitted: see `PsychometricFunction`.
    lapse
        Its lapse rate; `None` fits one between 0 and 0.06, as Wichmann and Hill advise.
    confidence, n_bootstrap, seed
        Of the intervals: parametric bootstrap, drawn from the fitted function (Wichmann and Hill, part II).

    Raises
    ------
    BadInput
        Fewer than two levels, counts that cannot be, or levels a Weibull function does not take.

    Examples
    --------
    >>> fit = fit_psychometric([-10, -5, 0, 5], [0, 3, 17, 20], [20, 20, 20, 20], seed=1)
    >>> round(fit.threshold, 1), fit.beyond, fit.p_value > 0.05
    (-2.5, '', True)
    """
    x, k, n = _checked(levels, n_recognized, n_trials)
    search = Search.over(along(x, form), form, rising=rising, guess=guess, lapse=lapse)
    share = k / n
    if share.min() == share.max() and share[0] in (0.0, 1.0):
        return _flat(search, x, k, n, recognized=bool(share[0]))
    step = _step(share, rising)
    if step is not None:
        return _stepwise(search, x, k, n, after=step)
    best = polished(search, k, n, best_parameters(search, k[None], n)[0])
    function = _function(search, best)
    deviance = _deviance(search, best[None], k[None], n)[0]
    rng = np.random.default_rng(seed)
    drawn = rng.binomial(n.astype(np.int64), np.clip(function(x), 0, 1), size=(n_bootstrap, x.size)).astype(float)
    refits = best_parameters(search, drawn, n)
    worse = float((_deviance(search, refits, drawn, n) >= deviance - 1e-9).sum())
    ends = 100 * np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    thresholds = np.percentile([_function(search, one).threshold for one in refits], ends)
    slopes = np.percentile([_function(search, one).slope for one in refits], ends)
    beyond = _beyond(function.threshold, x)
    return PsychometricFit(
        function,
        tuple(x.tolist()),
        tuple(int(one) for one in k),
        tuple(int(one) for one in n),
        threshold=None if beyond else function.threshold,
        beyond=beyond,
        interval=(_within(thresholds[0], x), _within(thresholds[1], x)),
        slope_interval=(float(slopes[0]), float(slopes[1])),
        deviance=float(deviance),
        p_value=(1 + worse) / (1 + n_bootstrap),
    )


def _checked(levels: ArrayLike, n_recognized: ArrayLike, n_trials: ArrayLike) -> tuple[Vector, Vector, Vector]:
    x, k, n = (np.asarray(each, dtype=np.float64) for each in (levels, n_recognized, n_trials))
    if x.ndim != 1 or x.shape != k.shape or x.shape != n.shape or x.size < 2 or np.unique(x).size != x.size:
        raise BadInput(f"a fit needs two or more different levels with their counts, got shapes {x.shape}, {k.shape}")
    if not np.isfinite(x).all() or (n < 1).any() or (k < 0).any() or (k > n).any():
        raise BadInput("each level must be finite, with at least one trial and 0 to all of them recognised")
    order = np.argsort(x)
    return x[order], k[order], n[order]


def _function(search: Search, parameters: Vector) -> PsychometricFunction:
    place, log_spread, lapse = (float(one) for one in parameters)
    threshold = float(np.exp(place)) if search.form == "weibull" else place
    return PsychometricFunction(threshold, float(np.exp(log_spread)), search.guess, lapse, search.form, search.rising)


def _deviance(search: Search, parameters: Vector, k: Vector, n: Vector) -> Vector:
    share = k / n
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(k > 0, k * np.log(share), 0) + np.where(k < n, (n - k) * np.log1p(-share), 0)
    found: Vector = 2 * (own.sum(1) - log_likelihoods(search, parameters, k, n))
    return found


def _beyond(threshold: float, x: Vector) -> Literal["", "below", "above"]:
    return "below" if threshold < x[0] else "above" if threshold > x[-1] else ""


def _within(threshold: float, x: Vector) -> float | None:
    return float(threshold) if x[0] <= threshold <= x[-1] else None


def _step(share: Vector, rising: bool) -> int | None:
    """Return the index of the last level before recognition jumps between none and all, `None` if it does not."""
    ordered = share if rising else share[::-1]
    n_none = int((ordered == 0).sum())
    if not (0 < n_none < share.size and (ordered[:n_none] == 0).all() and (ordered[n_none:] == 1).all()):
        return None
    return n_none - 1 if rising else share.size - n_none - 1


def _stepwise(search: Search, x: Vector, k: Vector, n: Vector, *, after: int) -> PsychometricFit:
    low, high = float(x[after]), float(x[after + 1])
    place = float(search.axis[after] + search.axis[after + 1]) / 2
    lapse = 0.0 if search.lapse is None else search.lapse
    function = _function(search, np.array([place, np.log(search.least_spread), lapse]))
    counts = tuple(x.tolist()), tuple(int(one) for one in k), tuple(int(one) for one in n)
    steepest = (function.slope, np.inf) if search.rising else (-np.inf, function.slope)
    return PsychometricFit(function, *counts, function.threshold, "", (low, high), steepest, 0.0, 1.0, stepwise=True)


def _flat(search: Search, x: Vector, k: Vector, n: Vector, *, recognized: bool) -> PsychometricFit:
    """Return that nothing is known but on which side of all levels the threshold lies."""
    below = recognized == search.rising
    reach = float(np.ptp(search.axis))
    place = float(search.axis[0]) - reach if below else float(search.axis[-1]) + reach
    function = _function(search, np.array([place, np.log(reach / 8), search.lapse or 0.0]))
    counts = tuple(x.tolist()), tuple(int(one) for one in k), tuple(int(one) for one in n)
    return PsychometricFit(function, *counts, None, "below" if below else "above", (None, None), (-np.inf, np.inf), 0.0,
                           1.0)  # fmt: skip


def wilson_interval(n_recognized: int, n_trials: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share by Wilson (1927): right where few or all trials succeed.

    Examples
    --------
    >>> [round(end, 3) for end in wilson_interval(8, 10)]
    [0.49, 0.943]
    """
    if not 0 <= n_recognized <= n_trials or n_trials < 1:
        raise BadInput(f"{n_recognized} of {n_trials} trials is no share")
    z = float(ndtri((1 + confidence) / 2))
    share, weight = n_recognized / n_trials, z * z / n_trials
    middle = (share + weight / 2) / (1 + weight)
    reach = z * np.sqrt(share * (1 - share) / n_trials + weight / (4 * n_trials)) / (1 + weight)
    return float(max(0.0, middle - reach)), float(min(1.0, middle + reach))


__all__ = [
    "LARGEST_LAPSE",
    "Form",
    "PsychometricFit",
    "PsychometricFunction",
    "fit_psychometric",
    "wilson_interval",
]
