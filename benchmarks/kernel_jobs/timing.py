"""Checked first, then timed in turn: the processor time of a call."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from kernel_jobs.job import Job, Run

TURN_S = 0.02


@dataclass(frozen=True)
class Timing:
    job: str
    who: str
    median_ms: float
    fastest_ms: float
    times_ours: float


def check(job: Job) -> None:
    """Stop where a peer finds something else than we do; this also compiles and warms everything."""
    ours, *others = job.runs
    result = job.runs[ours]()
    for who in others:
        found = job.runs[who]()
        if who in job.same and not job.same[who](result, found):
            raise SystemExit(f"{job.name}: {who} found {found}, {ours} found {result}; timings would compare nothing")


def turn_ms(run: Run) -> float:
    """Mean processor time of a call, in milliseconds, over a turn."""
    n_calls, begin = 0, time.thread_time()
    while (spent := time.thread_time() - begin) < TURN_S:
        run()
        n_calls += 1
    return spent / n_calls * 1000


def measure(job: Job, repeats: int) -> list[Timing]:
    """Time all in turn, `repeats` times over."""
    times: dict[str, list[float]] = {who: [] for who in job.runs}
    for _ in range(repeats):
        for who, run in job.runs.items():
            times[who].append(turn_ms(run))
    medians = {who: statistics.median(values) for who, values in times.items()}
    ours = next(iter(medians.values()))
    return [Timing(job.name, who, medians[who], min(times[who]), medians[who] / ours) for who in job.runs]
