"""Viterbi and forward-backward beside a loop in torch and hmmlearn."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from kernel_jobs.job import Job, Run, close, peers
from otoscope.decoding import hmm


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
