"""From deciding to answering: the time that the hand, the eye or the tongue takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import log_ndtr

from otoscope.core import BadInput

Floats = NDArray[np.float64]


class Execution(Protocol):
    """How long answering takes."""

    @property
    def mean_s(self) -> float:
        """Seconds on average."""
        ...

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Return `(n,)` seconds."""
        ...


@dataclass(frozen=True)
class Constant:
    """Always the same time."""

    seconds: float = 0.2

    def __post_init__(self) -> None:
        if not self.seconds >= 0:
            raise BadInput(f"answering takes 0 seconds or more, got {self.seconds}")

    @property
    def mean_s(self) -> float:
        """That time."""
        return self.seconds

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Return `(n,)` times."""
        return np.full(n, self.seconds)


@dataclass(frozen=True)
class ExGaussian:
    """A normal time and an exponential one added (Luce 1986; Ratcliff 1979), each draw at least 0.

    Parameters
    ----------
    mu_s, sigma_s
        Of the normal part.
    tau_s
        Mean of the exponential part.
    """

    mu_s: float
    sigma_s: float
    tau_s: float

    def __post_init__(self) -> None:
        if self.sigma_s <= 0 or self.tau_s <= 0:
            raise BadInput(f"sigma_s and tau_s must be above 0, got {self.sigma_s} and {self.tau_s}")

    @property
    def mean_s(self) -> float:
        """μ + τ."""
        return self.mu_s + self.tau_s

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Return `(n,)` times; negative ones become 0."""
        drawn = rng.normal(self.mu_s, self.sigma_s, n) + rng.exponential(self.tau_s, n)
        return np.maximum(drawn, 0.0)

    def log_density(self, seconds: ArrayLike) -> Floats:
        """Return the natural logarithm of the density at each time."""
        x = np.asarray(seconds, dtype=np.float64) - self.mu_s
        ratio = self.sigma_s / self.tau_s
        return np.asarray(-np.log(self.tau_s) + ratio**2 / 2 - x / self.tau_s + log_ndtr(x / self.sigma_s - ratio))

    @classmethod
    def fitted(cls, seconds: ArrayLike) -> ExGaussian:
        """Return the one under which times are likeliest, from 10 times or more of one listener.

        Raises
        ------
        BadInput
            There are fewer, they are all the same, or not finite.
        """
        x = np.asarray(seconds, dtype=np.float64)
        if x.ndim != 1 or x.size < 10 or not np.isfinite(x).all() or np.ptp(x) == 0:
            raise BadInput(f"an ex-Gaussian needs 10 or more finite, different times, got {x.size}")
        spread = float(x.std())
        skew = float(np.clip(np.mean(((x - x.mean()) / spread) ** 3) / 2, 1e-3, 0.97))
        tau = spread * skew ** (1 / 3)
        start = np.array([x.mean() - tau, np.log(max(spread**2 - tau**2, 1e-4 * spread**2)) / 2, np.log(tau)])
        floor = np.log(1e-4 * spread)

        def loss(p: Floats) -> float:
            return -float(cls(p[0], np.exp(max(p[1], floor)), np.exp(max(p[2], floor))).log_density(x).sum())

        found = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-8, "maxiter": 4000})
        mu, sigma, tau = found.x[0], np.exp(max(found.x[1], floor)), np.exp(max(found.x[2], floor))
        return cls(float(mu), float(sigma), float(tau))
