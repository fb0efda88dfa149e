"""How near do curves of looks come to human ones? The measure of the listen-like-humans page, as it is computed there.

Curves of Target, Cohort, Rhyme and Unrelated are interpolated linearly to each millisecond from 0 to 1 s; from their
sum S a fifth one, Cross, is made (looks that have not left the cross); root mean square error and correlation are taken
over all five curves put together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core.errors import BadInput

Floats = NDArray[np.float64]
ROLES = ("target", "cohort", "rhyme", "unrelated")
"""What the four pictures are; a fifth curve, `cross`, is made of theirs."""


@dataclass(frozen=True)
class CurveFit:
    """`rmse` and `r` over all five curves put together, and the root mean square error of each curve."""

    rmse: float
    r: float
    by_curve: Mapping[str, float]


def at_each_ms(times_s: ArrayLike, curves: Mapping[str, ArrayLike]) -> dict[str, Floats]:
    """Return the four curves and `cross`, `(1001,)` each, at 0, 1 … 1000 ms.

    Raises
    ------
    BadInput
        A curve is missing, times do not rise or end before 0 or begin after 1 s.
    """
    times = np.asarray(times_s, dtype=np.float64)
    missing = [role for role in ROLES if role not in curves]
    if missing:
        raise BadInput(f"the curve of {missing[0]} is missing; {', '.join(ROLES)} are needed")
    if times.ndim != 1 or times.size < 2 or (np.diff(times) <= 0).any() or times[0] > 1 or times[-1] < 0:
        raise BadInput("times of the curves must rise and touch 0 to 1 s from the onset of the target")
    found = {}
    for role in ROLES:
        values = np.asarray(curves[role], dtype=np.float64)
        if values.shape != times.shape or not np.isfinite(values).all():
            raise BadInput(f"the curve of {role} needs a finite number for each of {times.size} times")
        found[role] = np.interp(np.arange(1001) / 1000, times, values)
    found["cross"] = cross(sum(found.values(), start=np.zeros(1001)))
    return found


def cross(total: ArrayLike) -> Floats:
    """Return looks that have not left the cross: clip(max S - S / max S, 0), 0 from its first zero on.

    Parameters
    ----------
    total
        `(n,)` S, the sum of the four curves.

    Examples
    --------
    >>> cross([0.0, 0.25, 0.5, 0.4]).tolist()
    [0.5, 0.0, 0.0, 0.0]
    """
    s = np.asarray(total, dtype=np.float64)
    top = float(s.max(initial=0.0))
    if top <= 0:
        return np.zeros_like(s)
    left = np.clip(top - s / top, 0, None)
    return np.where(np.maximum.accumulate(left <= 0), 0.0, left)


def curve_fit(
    times_s: ArrayLike, curves: Mapping[str, ArrayLike], human_times_s: ArrayLike, human: Mapping[str, ArrayLike]
) -> CurveFit:
    """Return error and correlation of curves with human ones, Cross of each made from its own four.

    Parameters
    ----------
    times_s, curves
        Of the model: seconds from the onset of the target, and by role (`ROLES`) the share of looks `(n,)`.
    human_times_s, human
        The same of people.
    """
    model, people = at_each_ms(times_s, curves), at_each_ms(human_times_s, human)
    ours, theirs = (np.concatenate([each[role] for role in (*ROLES, "cross")]) for each in (model, people))
    flat = ours.std() == 0 or theirs.std() == 0
    r = float("nan") if flat else float(np.corrcoef(ours, theirs)[0, 1])
    errors = {role: float(np.sqrt(np.mean((model[role] - people[role]) ** 2))) for role in model}
    return CurveFit(float(np.sqrt(np.mean((ours - theirs) ** 2))), r, errors)
