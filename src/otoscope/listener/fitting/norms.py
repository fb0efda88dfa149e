"""A fit to norms of items, where a database gives no trials (AELP): mean z-scored times, a straight line of times.

z(item) = a + b (t_dec) + ε, weighted by what is known of each mean: execution time and units go into a and b, so that
only λ, κ, θ and β are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from otoscope.core import BadInput
from otoscope.listener.fitting.fit import BOUNDS, Times
from otoscope.listener.fitting.predicting import DurationTimes
from otoscope.listener.fitting.published import ItemNorms

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NormFit:
    """Parameters under which the weighted squares are least, the line `a + b t`, and `times_s (n_items,)`."""

    parameters: Mapping[str, float]
    a: float
    b: float
    times_s: Floats


def fit_norms(
    z: Floats, weights: Floats, times: Times, *, fixed: Mapping[str, float] | None = None,
    start: Mapping[str, float] | None = None,
) -> NormFit:  # fmt: skip
    """Find the parameters whose decision times lie best on a line with mean z-scored times.

    Parameters
    ----------
    z, weights
        `(n_items,)`; a weight of 0 leaves an item out.
    times
        Decision times of the items.
    fixed, start
        As for `otoscope.listener.fitting.fit.fit_rts`.

    Raises
    ------
    BadInput
        Fewer than five items have a weight.
    """
    if int((weights > 0).sum()) < 5:
        raise BadInput("a fit to norms needs five items or more")
    known = dict(fixed or {})
    names = [name for name in times.names if name not in known]
    low, high = (np.log([BOUNDS[name][k] for name in names]) for k in (0, 1))

    def at(point: Floats) -> tuple[dict[str, float], Floats]:
        here = known | dict(zip(names, np.exp(np.clip(point, low, high)).tolist(), strict=True))
        return here, times(here)

    def loss(point: Floats) -> float:
        a, b = _line(at(point)[1], z, weights)
        outside = float(np.sum(np.maximum(low - point, 0) + np.maximum(point - high, 0)))
        return float(np.average((z - a - b * at(point)[1]) ** 2, weights=weights)) + outside

    starts = [np.log([start[n] for n in names])] if start else [low + s * (high - low) for s in (0.35, 0.5, 0.65)]
    options = {"xatol": 1e-3, "fatol": 1e-7, "maxiter": 800, "adaptive": True}
    point = np.zeros(0)
    if names:
        found = [minimize(loss, one, method="Nelder-Mead", options=options) for one in starts]
        point = min(found, key=lambda each: float(each.fun)).x
    parameters, t = at(point)
    return NormFit(parameters, *_line(t, z, weights), t)


def _line(t: Floats, z: Floats, weights: Floats) -> tuple[float, float]:
    """Return intercept and slope of weighted least squares; longer decisions never make shorter times."""
    mean_t, mean_z = np.average(t, weights=weights), np.average(z, weights=weights)
    spread = float(np.average((t - mean_t) ** 2, weights=weights))
    slope = float(np.average((t - mean_t) * (z - mean_z), weights=weights)) / spread if spread > 1e-12 else 0.0
    return float(mean_z - max(slope, 0.0) * mean_t), max(slope, 0.0)


def weights_of(norms: ItemNorms) -> Floats:
    """Return `(n_items,)` one over the squared standard error of each mean, 0 where it is not known or no word."""
    known = np.isfinite(norms.z_rt) & np.isfinite(norms.z_rt_sd) & (norms.z_rt_sd > 0) & (norms.n > 0) & norms.is_word
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(known, norms.n / norms.z_rt_sd**2, 0.0)


def held_out_r(
    z: Floats, weights: Floats, times: Times, *, fixed: Mapping[str, float] | None = None, n_folds: int = 5,
    seed: int = 0,
) -> float:  # fmt: skip
    """Return the correlation of mean times with those foretold by fits to the other folds."""
    heard = np.flatnonzero(weights > 0)
    if not 2 <= n_folds <= heard.size:
        raise BadInput(f"items can be parted into 2 to {heard.size} folds, got {n_folds}")
    fold = np.random.default_rng(seed).permutation(heard.size) % n_folds
    foretold = np.zeros(heard.size)
    for nth in range(n_folds):
        part = weights.copy()
        part[heard[fold == nth]] = 0.0
        fit = fit_norms(z, part, times, fixed=fixed)
        foretold[fold == nth] = (fit.a + fit.b * fit.times_s)[heard[fold == nth]]
    own = z[heard]
    return float(np.corrcoef(foretold, own)[0, 1]) if foretold.std() > 0 and own.std() > 0 else float("nan")


def duration_r(z: Floats, weights: Floats, duration_s: Floats, *, n_folds: int = 5, seed: int = 0) -> float:
    """Return the same of durations alone."""
    fixed = {"per_second": 1.0}  # the slope of the line does its work
    return held_out_r(z, weights, DurationTimes(duration_s), fixed=fixed, n_folds=n_folds, seed=seed)
