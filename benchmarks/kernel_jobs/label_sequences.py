"""CTC beside its peers: prefix beam, forced path, loss and gradient."""

from __future__ import annotations

import logging

import numpy as np

from kernel_jobs.job import Job, Run, close, peers
from otoscope.decoding import ctc


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
