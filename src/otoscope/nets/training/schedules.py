"""Learning rates over a run, as shares of the peak.

`done` is the share of all planned steps that is done, so that a schedule keeps its form whatever the length of the run.
All but `newbob` depend on nothing else; none has a state of its own, so a run that was killed needs none back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

ScheduleName = Literal["cosine", "noam", "constant", "newbob"]


def cosine(done: float, warmup: float) -> float:
    """Fall to 0 as half a cosine after the warm-up (Loshchilov & Hutter 2017)."""
    return 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


def noam(done: float, warmup: float) -> float:
    """Fall as 1 / √step after the warm-up (Vaswani et al. 2017, equation 3)."""
    return math.sqrt(warmup / done) if warmup > 0 else 1 / math.sqrt(1 + done)


def constant(done: float, warmup: float) -> float:
    """Stay at the peak."""
    return 1.0


SCHEDULES: Mapping[str, Callable[[float, float], float]] = {
    "cosine": cosine,
    "noam": noam,
    "constant": constant,
    "newbob": constant,
}


def rate(name: str, done: float, *, warmup: float, valid_losses: Sequence[float] = ()) -> float:
    """Return the share of the peak rate at `done` in [0, 1]: linear up to `warmup`, then by the schedule.

    Examples
    --------
    >>> [round(rate("noam", done, warmup=0.25), 3) for done in (0.125, 0.25, 1.0)]
    [0.5, 1.0, 0.5]
    >>> rate("newbob", 0.5, warmup=0.0, valid_losses=[3.0, 2.0, 2.1, 1.0])
    0.5
    """
    if done < warmup:
        return done / warmup
    share = SCHEDULES[name](done, warmup)
    return share * 0.5 ** n_halvings(valid_losses) if name == "newbob" else share


def n_halvings(valid_losses: Sequence[float], *, least: float = 0.0025) -> int:
    """Return how often the loss failed to fall by the share `least` of the best before: the newbob rule of QuickNet."""
    best, count = math.inf, 0
    for loss in valid_losses:
        if best < math.inf and not loss < best - least * abs(best):
            count += 1
        best = min(best, loss)
    return count
