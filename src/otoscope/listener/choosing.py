"""Choosing among what is shown: pictures, printed words, keys. And where the eyes go meanwhile (the visual world).

Activations of the alternatives go in; out come shares of choice by frame (Luce 1959), an answer with its time, and the
shares of looks that a hypothesis of how choice and looks hang together foretells.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import gamma

from otoscope.core import BadFormat, BadInput
from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.io.delimited import read_delimited
from otoscope.listener.deciding import Decision, DecisionRule, decide
from otoscope.listener.races import log_posteriors, race_of
from otoscope.metrics.visual_world import ROLES, CurveFit, curve_fit

Floats = NDArray[np.float64]
DELAY_S = 0.2
"""Seconds to plan and launch an eye movement (Hallett 1986; Allopenna et al. 1998 take 200 ms)."""
UPTAKE_S = 0.25 / 3
"""Time constant of taking in a sound, seconds: within 250 ms, three constants, it is done but for a twentieth.

A second sound disturbs the recognition of the first when it comes less than 250 ms later, not after that, and the less
the later it comes (Massaro 1972, "Preperceptual images, processing time, and perceptual units in auditory perception",
Psychological Review 79; Massaro and Cohen 1975)."""
FIXATION_S, FIXATION_SPREAD = 0.275, 1 / 3
"""Mean duration of a fixation in visual search, seconds (Rayner 1998, "Eye movements in reading and information
processing", Psychological Bulletin 124, table 1), and its standard deviation over its mean (Engbert et al. 2005)."""


@dataclass(frozen=True, eq=False)
class Looks(ByValue):
    """Shares of looks over time: `times_s (n,)` from the onset of the target, and by role `curves (n,)` each."""

    times_s: Floats
    curves: Mapping[str, Floats]

    def __post_init__(self) -> None:
        times = frozen_array(self.times_s, n_dims=1, name="times_s", dtype=np.float64)
        curves = {k: frozen_array(v, n_dims=1, name=k, dtype=np.float64) for k, v in self.curves.items()}
        if any(values.shape != times.shape for values in curves.values()):
            raise BadInput(f"every curve needs a number for each of {times.size} times")
        set_frozen(self, times_s=times, curves=MappingProxyType(curves))

    def against(self, human: Looks) -> CurveFit:
        """Return how near these come to human looks; see `otoscope.metrics.visual_world`."""
        return curve_fit(self.times_s, self.curves, human.times_s, human.curves)


def read_looks(path: str | os.PathLike[str]) -> Looks:
    """Read human looks: a table with the columns `time_s`, `target`, `cohort`, `rhyme`, `unrelated`.

    Raises
    ------
    BadFormat
        A column is missing or a field is no number.
    """
    table = read_delimited(path)
    columns = {}
    for name in ("time_s", *ROLES):
        written = table.column(table.need(name))
        try:
            columns[name] = np.array([float(field) for field in written])
        except ValueError as error:
            raise BadFormat(f"{path}, column {name}: {error}") from None
    return Looks(columns.pop("time_s"), columns)


def choice(activations: ArrayLike, *, scale: float) -> Floats:
    """Return `(n_frames, n_options)`: how probably each alternative is chosen, exp(κ a) / Σ exp(κ a) (Luce 1959).

    Parameters
    ----------
    activations
        `(n_frames, n_options)` of the alternatives only: what is not shown takes no part.
    scale
        κ.
    """
    return np.exp(log_posteriors(activations, scale))


def choose(
    activations: ArrayLike,
    times_s: ArrayLike,
    rule: DecisionRule,
    *,
    scale: float,
    offset_s: float | None = None,
) -> Decision:
    """Return which alternative is taken, and when: the same rule on what is shown (N-alternative forced choice).

    Where the rule comes to no decision, none is made; give it a choice after the offset (`HickHyman`) or urgency to
    force one. `Decision.form` is the column.
    """
    return decide(race_of(activations, times_s, scale=scale), rule, offset_s=offset_s)


def certainty(shares: ArrayLike) -> Floats:
    """Return `(n_frames,)` how far choice is from chance: 1 - entropy / log(number of alternatives)."""
    p = np.asarray(shares, dtype=np.float64)
    if p.ndim != 2 or p.shape[1] < 2:
        raise BadInput(f"shares (n_frames, 2 or more alternatives) are needed, got {p.shape}")
    entropy = -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=1)
    return np.asarray(np.clip(1 - entropy / np.log(p.shape[1]), 0, 1))


def looks_by_strength(
    shares: ArrayLike, times_s: ArrayLike, strengths: ArrayLike, *, delay_s: float = DELAY_S
) -> Floats:
    """Return `(n_frames, n_options)` looks as Allopenna, Magnuson and Tanenhaus (1998) link them to activations.

    At each moment the share of choice is multiplied by the highest strength so far reached over the highest ever, since
    nobody looks at a picture before there is a reason to; all of it shows `delay_s` later.

    Parameters
    ----------
    shares
        `(n_frames, n_options)` by Luce's rule.
    times_s
        `(n_frames,)`.
    strengths
        `(n_frames,)` 0 or more: highest activation among the alternatives (TRACE), or the certainty of choice.
    """
    p, times, drive = _checked(shares, times_s, strengths)
    top = float(drive.max())
    scaled = p * (drive / top if top > 0 else drive)[:, None]
    return _later(scaled, times, delay_s)


def looks_by_saccades(
    shares: ArrayLike,
    times_s: ArrayLike,
    *,
    rate_hz: float = 4.0,
    strengths: ArrayLike | None = None,
    delay_s: float = DELAY_S,
) -> Floats:
    """Return `(n_frames, n_options)` looks of people who start at a cross and move their eyes now and then.

    Eye movements come at random, `rate_hz` a second times the strength at the time of planning, and go to an
    alternative as probably as it is then chosen: dF/dt = r s (p - F), with p and s of `delay_s` ago. What F lacks to 1
    is still at the cross.

    Parameters
    ----------
    shares, times_s
        As above.
    rate_hz
        Eye movements a second: people make three to four.
    strengths
        `(n_frames,)` 0 to 1, how much there is to move for; `None`: 1 throughout.
    """
    drive = np.ones(np.shape(times_s)) if strengths is None else strengths
    p, times, s = _checked(shares, times_s, drive)
    if not rate_hz > 0:
        raise BadInput(f"rate_hz must be above 0, got {rate_hz}")
    p, s = _later(p, times, delay_s), _later(s[:, None], times, delay_s)[:, 0]
    looks = np.zeros_like(p)
    for t in range(1, times.size):
        stay = np.exp(-rate_hz * s[t] * (times[t] - times[t - 1]))
        looks[t] = stay * looks[t - 1] + (1 - stay) * p[t]
    return looks


def taken_in(activations: ArrayLike, times_s: ArrayLike, *, constant_s: float = UPTAKE_S) -> Floats:
    """Return `(n_frames, n_options)` activations as they have been taken in: dA/dt = (a - A) / constant.

    What a sound tells is not there with the sound: it is taken in over the following quarter of a second. Activations
    grow by what frames tell, so a filter of the first order delays each frame's part alike.

    Parameters
    ----------
    activations
        `(n_frames, n_options)` a; only differences within a frame count, so they may be relative to anything.
    times_s
        `(n_frames,)`.
    constant_s
        Seconds; 0: at once.
    """
    a, times = np.asarray(activations, dtype=np.float64), np.asarray(times_s, dtype=np.float64)
    if a.ndim != 2 or times.shape != a.shape[:1] or not np.isfinite(a).all() or constant_s < 0:
        raise BadInput(f"finite activations (n_frames, n_options), a time each and a constant of 0 or more are needed, "
                       f"got {a.shape}, {times.shape}, {constant_s:g}")  # fmt: skip
    if constant_s == 0:
        return a
    a = a - a.mean(axis=1, keepdims=True)
    found = a.copy()
    for t in range(1, times.size):
        kept = np.exp(-(times[t] - times[t - 1]) / constant_s)
        found[t] = kept * found[t - 1] + (1 - kept) * a[t]
    return found


def looks_by_fixations(
    wanted: ArrayLike,
    times_s: ArrayLike,
    *,
    mean_s: float = FIXATION_S,
    spread: float = FIXATION_SPREAD,
    delay_s: float = DELAY_S,
) -> Floats:
    """Return `(n_frames, n_options)` looks of people whose eyes stay where they are for a fixation.

    A look that is seen at a time was begun at some moment of the fixation's length before, and chosen `delay_s` before
    that. Over trials moments of beginning are even, so a look has age a with density (1 - G(a)) / mean, G being the
    distribution of durations (a stationary renewal process), here a gamma distribution.

    Parameters
    ----------
    wanted
        `(n_frames, n_options)` the probability that an eye movement planned now goes to each; what is lacking to 1
        stays at the cross.
    times_s
        `(n_frames,)`; before the first nobody looks.
    mean_s, spread
        Mean duration of a fixation in seconds, and its standard deviation over the mean.
    delay_s
        Of planning and launching an eye movement.
    """
    w, times, _ = _checked(wanted, times_s, np.ones(np.shape(times_s)))
    if not mean_s > 0 or not spread > 0:
        raise BadInput(f"mean_s and spread must be above 0, got {mean_s:g} and {spread:g}")
    ages = np.arange(0, mean_s * (1 + 6 * spread), 0.005) + 0.0025
    density = gamma.sf(ages, spread**-2, scale=mean_s * spread**2)
    parts = [share * _later(w, times, delay_s + age) for age, share in zip(ages, density / density.sum(), strict=True)]
    return np.sum(parts, axis=0)


def mean_looks(trials: Sequence[Looks], *, times_s: ArrayLike) -> Looks:
    """Return the mean of several trials' curves at common times; before a trial begins its first value holds."""
    if not trials:
        raise BadInput("a mean of no trials was asked for")
    times = np.asarray(times_s, dtype=np.float64)
    roles = [role for role in trials[0].curves if all(role in trial.curves for trial in trials)]
    return Looks(
        times,
        {role: np.mean([np.interp(times, t.times_s, t.curves[role]) for t in trials], axis=0) for role in roles},
    )


def _checked(shares: ArrayLike, times_s: ArrayLike, strengths: ArrayLike) -> tuple[Floats, Floats, Floats]:
    p, times, drive = (np.asarray(each, dtype=np.float64) for each in (shares, times_s, strengths))
    if p.ndim != 2 or times.shape != p.shape[:1] or drive.shape != times.shape or times.size == 0:
        raise BadInput(
            f"shares (n_frames, n_options), times and strengths (n_frames,) differ: {p.shape}, {times.shape}"
        )
    if (drive < 0).any() or (np.diff(times) <= 0).any():
        raise BadInput("strengths must be 0 or more, and times must rise")
    return p, times, drive


def _later(values: Floats, times: Floats, delay_s: float) -> Floats:
    """Return what stood `delay_s` ago; nothing (0) before the first frame."""
    if delay_s < 0:
        raise BadInput(f"delay_s must be 0 or more, got {delay_s}")
    return np.stack([np.interp(times - delay_s, times, column, left=0.0) for column in values.T], axis=1)
