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
import logging
import math
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from otoscope.decoding import ctc, dtw, hmm

Run = Callable[[], object]
TURN_S = 0.02


@dataclass(frozen=True)
class Job:
    """One thing to do, and who can do it; the first of `runs` is ours, `same` compares a peer's result with ours."""

    name: str
    runs: dict[str, Run]
    same: dict[str, Callable[[object, object], bool]]
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timing:
    job: str
    who: str
    median_ms: float
    fastest_ms: float
    times_ours: float


def peers(*names: str) -> tuple[set[str], tuple[str, ...]]:
    """Which modules can be imported, and a line for each that cannot."""
    there = {name for name in names if importlib.util.find_spec(name)}
    return there, tuple(f"{name}: not installed" for name in names if name not in there)


def close(a: object, b: object) -> bool:
    return bool(np.allclose(a, b, rtol=1e-6, atol=1e-8))


def dtw_job() -> Job:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1000, 39)), rng.normal(size=(1000, 39))
    there, absent = peers("librosa", "dtaidistance")
    runs: dict[str, Run] = {"otoscope": lambda: dtw.dtw(x, y, pattern="symmetric1").distance}
    if "librosa" in there:
        import librosa

        def by_librosa() -> float:
            totals, _ = librosa.sequence.dtw(x.T, y.T, metric="euclidean")
            return totals[-1, -1]

        runs["librosa"] = by_librosa
    if "dtaidistance" in there:
        from dtaidistance import dtw as dtai
        from dtaidistance import dtw_ndim

        def by_dtaidistance() -> float:
            distance, totals = dtw_ndim.warping_paths_fast(x, y, inner_dist="euclidean")
            dtai.best_path(totals)
            return distance

        runs["dtaidistance"] = by_dtaidistance
    return Job("DTW 1000x1000, 39 dims, with path", runs, {"librosa": close, "dtaidistance": close}, absent)


def left_to_right() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Emissions that force the last state at the end, a band, and the same as a full matrix with its start."""
    rng = np.random.default_rng(1)
    n_frames, n_states = 1000, 500
    emissions = rng.normal(size=(n_frames, n_states))
    emissions[-1, :-1] = -np.inf
    band = np.log(np.full((n_states, 2), 0.5))
    matrix = np.zeros((n_states, n_states))
    matrix[np.arange(n_states), np.arange(n_states)] = 0.5
    matrix[np.arange(n_states - 1), np.arange(1, n_states)] = 0.5
    start = np.zeros(n_states)
    start[0] = 1.0
    return emissions, band, matrix, start


def torch_rows(emissions: np.ndarray, join: str) -> Iterator[object]:
    """The recursion in torch, one call a frame; `join` is `maximum` or `logaddexp`."""
    import torch

    scores, half = torch.from_numpy(emissions), math.log(0.5)
    row = torch.full((scores.shape[1],), -torch.inf, dtype=torch.float64)
    row[0] = scores[0, 0]
    for frame in scores[1:]:
        advanced = torch.cat([row.new_full((1,), -torch.inf), row[:-1]])
        stays = row >= advanced if join == "maximum" else None
        row = getattr(torch, join)(row, advanced) + half + frame
        yield row, stays


def viterbi_job() -> Job:
    emissions, band, matrix, start = left_to_right()
    there, absent = peers("torch", "hmmlearn")
    runs: dict[str, Run] = {"otoscope": lambda: hmm.viterbi_banded(emissions, band).log_score}
    if "torch" in there:

        def by_torch() -> float:
            rows = list(torch_rows(emissions, "maximum"))
            state, path = emissions.shape[1] - 1, []
            for _, stays in reversed(rows):  # type: ignore[misc]
                path.append(state)
                state -= not stays[state]
            return float(rows[-1][0][-1])  # type: ignore[index]

        runs["torch loop"] = by_torch
    if "hmmlearn" in there:
        from hmmlearn import _hmmc

        runs["hmmlearn"] = lambda: _hmmc.viterbi(start, matrix, emissions)[0]
    return Job(
        "Viterbi, 1000 frames x 500 states left-to-right", runs, {"torch loop": close, "hmmlearn": close}, absent
    )


def forward_backward_job() -> Job:
    emissions, band, matrix, start = left_to_right()
    there, absent = peers("torch", "hmmlearn")
    runs: dict[str, Run] = {"otoscope": lambda: hmm.forward_backward_banded(emissions, band).log_likelihood}
    if "torch" in there:
        import torch

        def by_torch() -> float:
            ahead = torch.stack([row for row, _ in torch_rows(emissions, "logaddexp")])  # type: ignore[misc]
            behind = torch.stack(
                [row for row, _ in torch_rows(emissions[::-1, ::-1].copy(), "logaddexp")]  # type: ignore[misc]
            )
            (ahead[:-1] + behind[:-1].flip(0, 1) - ahead[-1, -1]).exp()
            return float(ahead[-1, -1])

        runs["torch loop"] = by_torch
    if "hmmlearn" in there:
        from hmmlearn import _hmmc

        def by_hmmlearn() -> float:
            likelihoods = np.exp(emissions)
            total, ahead, scaling = _hmmc.forward_scaling(start, matrix, likelihoods)
            posteriors = ahead * _hmmc.backward_scaling(start, matrix, likelihoods, scaling)
            posteriors /= posteriors.sum(axis=1, keepdims=True)
            return total

        runs["hmmlearn"] = by_hmmlearn
    same = {"torch loop": close, "hmmlearn": close}
    return Job("forward-backward, 1000 frames x 500 states", runs, same, absent)


def spoken(n_frames: int, n_labels: int, n_symbols: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Log probabilities as a trained net gives them, and the labels that were said: one or two frames each."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(1, n_symbols, size=n_labels)
    scores = rng.normal(size=(n_frames, n_symbols))
    starts = np.linspace(1, n_frames - 3, n_labels).astype(int)
    winners = np.zeros(n_frames, dtype=int)
    winners[starts] = labels
    scores[np.arange(n_frames), winners] += rng.normal(7.0, 1.5, size=n_frames)
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True), labels


def beam_job() -> Job:
    log_probs, _ = spoken(500, 100, 32, seed=2)
    there, absent = peers("pyctcdecode")
    letters = ["", *(chr(ord("A") + i) for i in range(31))]
    runs: dict[str, Run] = {
        "otoscope": lambda: "".join(letters[s] for s in ctc.prefix_beam(log_probs, beam=100)[0].labels)
    }
    if "pyctcdecode" in there:
        logging.disable(logging.WARNING)
        from pyctcdecode import build_ctcdecoder

        decoder = build_ctcdecoder(letters)
        runs["pyctcdecode"] = lambda: decoder.decode(log_probs, beam_width=100)
    same = {name: lambda a, b: a == b for name in runs}
    return Job("CTC prefix beam, 500 x 32, beam 100", runs, same, absent)


def forced_job() -> Job:
    log_probs, labels = spoken(1500, 300, 32, seed=3)
    there, absent = peers("ctc_segmentation", "torch")
    runs: dict[str, Run] = {"otoscope": lambda: ctc.forced_path(log_probs, labels).starts}
    if "torch" in there:
        runs["torch loop"] = lambda: torch_forced(log_probs, labels)
    if "ctc_segmentation" in there:
        import ctc_segmentation

        config = ctc_segmentation.CtcSegmentationParameters(index_duration=1.0)
        config.char_list = [str(s) for s in range(32)]
        truth, _ = ctc_segmentation.prepare_token_list(config, [labels])
        single = log_probs.astype(np.float32)
        runs["ctc-segmentation"] = lambda: ctc_segmentation.ctc_segmentation(config, single, truth)[0][2:-1].astype(int)

    def near(a: object, b: object) -> bool:
        """It times tokens by another score (any stay is free): all but 2 % within one frame."""
        return float(np.mean(np.abs(np.asarray(a) - np.asarray(b)) <= 1)) >= 0.98

    same = {"torch loop": lambda a, b: bool(np.array_equal(a, b)), "ctc-segmentation": near}  # type: ignore[arg-type]
    return Job("CTC forced path, 1500 frames x 300 tokens", runs, same, absent)


def torch_forced(log_probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    import torch

    symbols = torch.zeros(2 * len(labels) + 1, dtype=torch.int64)
    symbols[1::2] = torch.from_numpy(labels)
    emitted = torch.from_numpy(log_probs)[:, symbols]
    skip = torch.full((len(symbols),), -torch.inf, dtype=torch.float64)
    skip[3::2] = torch.where(symbols[3::2] != symbols[1:-2:2], 0.0, -torch.inf)
    row = torch.full((len(symbols),), -torch.inf, dtype=torch.float64)
    row[:2] = emitted[0, :2]
    nothing, steps = row.new_full((2,), -torch.inf), []
    for frame in emitted[1:]:
        choices = torch.stack([row, torch.cat([nothing[:1], row[:-1]]), torch.cat([nothing, row[:-2]]) + skip])
        best, step = choices.max(dim=0)
        steps.append(step)
        row = best + frame
    state = len(symbols) - 1 - int(row[-2] >= row[-1])
    states = [state]
    for step in reversed(steps):
        state -= int(step[state])
        states.append(state)
    path = np.array(states[::-1])
    return np.searchsorted(path, np.arange(1, len(symbols), 2))


def loss_job() -> Job:
    log_probs, labels = spoken(1500, 300, 32, seed=4)
    there, absent = peers("torch")
    runs: dict[str, Run] = {"otoscope": lambda: ctc.forward_backward(log_probs, labels).loss_gradient(log_probs)}
    if "torch" in there:
        import torch

        given, targets = torch.from_numpy(log_probs), torch.from_numpy(labels)[None]
        lengths = torch.tensor([len(log_probs)]), torch.tensor([len(labels)])

        def by_torch() -> object:
            logits = given.clone().requires_grad_()
            scores = logits.log_softmax(-1)[:, None]
            torch.nn.functional.ctc_loss(scores, targets, *lengths, reduction="sum").backward()
            return logits.grad

        runs["torch ctc_loss"] = by_torch
    return Job("CTC loss and gradient, 1500 frames x 300 tokens", runs, {"torch ctc_loss": close}, absent)


JOBS = (dtw_job, viterbi_job, forward_backward_job, beam_job, forced_job, loss_job)


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
