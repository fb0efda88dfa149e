"""A row of the table, and turns: every contender once, in order, again and again."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    job: str
    who: str
    seconds: float
    ratio: float
    """Median over the turns of this one's time divided by the peer's in the same turn."""
    limit: float | None
    agreement: str


def turns(contenders: Mapping[str, Callable[[], object]], n_repeats: int) -> dict[str, list[float]]:
    """Return the wall times of each contender: one after the other, after a first turn that warms all up."""
    for run in contenders.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(n_repeats):
        for name, run in contenders.items():
            began = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - began)
    return times


def rows_of(
    job: str,
    times: Mapping[str, list[float]],
    peer: str,
    *,
    limits: Mapping[str, float] | None = None,
    agreement: Mapping[str, str] | None = None,
) -> list[Row]:
    """Return a row for each contender; the ratio is to the peer's time in the same turn."""
    limits, agreement = limits or {}, agreement or {}
    found = []
    for name, own in times.items():
        ratio = statistics.median(mine / theirs for mine, theirs in zip(own, times[peer], strict=True))
        found.append(Row(job, name, statistics.median(own), ratio, limits.get(name), agreement.get(name, "")))
    return found
