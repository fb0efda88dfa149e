"""Time each decoding kernel beside its peers, in turn, in one run; results are checked to agree before any is timed.

Usage: python benchmarks/kernels.py [--repeats N] [--only WORD] [--json FILE]

Peers that are not installed are named with the reason and left out. Everything runs on one thread, and times are that
thread's processor time, not the clock's, so that other work on the machine does least harm. A turn of who is fast lasts
as many calls as fill `TURN_S`: a tenth of a millisecond cannot be told from one call.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import importlib.util
import json
import platform
from dataclasses import asdict
from pathlib import Path

import numpy as np

from kernel_jobs.label_sequences import beam_job, forced_job, loss_job
from kernel_jobs.markov import forward_backward_job, viterbi_job
from kernel_jobs.timing import Timing, check, measure
from kernel_jobs.warping import dtw_job

JOBS = (dtw_job, viterbi_job, forward_backward_job, beam_job, forced_job, loss_job)


def table(timings: list[Timing]) -> str:
    lines = ["| job | who | median ms | fastest ms | times ours |", "|---|---|---:|---:|---:|"]
    lines += [f"| {t.job} | {t.who} | {t.median_ms:.3g} | {t.fastest_ms:.3g} | {t.times_ours:.1f} |" for t in timings]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", default="", help="run only jobs whose name has this word")
    parser.add_argument("--json", type=Path, help="also write the timings to this file")
    options = parser.parse_args()
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)
    timings, absent = [], []
    for make in JOBS:
        job = make()
        if options.only.lower() in job.name.lower():
            check(job)
            timings += measure(job, options.repeats)
            absent += [f"{job.name}: {reason}" for reason in job.absent]
    print(table(timings))
    print("\n".join(f"left out - {line}" for line in absent))
    if options.json:
        machine = {"python": platform.python_version(), "numpy": np.__version__, "machine": platform.machine()}
        rows = [{k: float(f"{v:.3g}") if isinstance(v, float) else v for k, v in asdict(t).items()} for t in timings]
        left_out = f"Left out: {'; '.join(absent)}." if absent else ""
        report = {"name": "kernels", "machine": machine, "table": rows, "summary": left_out}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
