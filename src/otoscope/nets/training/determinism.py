"""The state of torch that decides on the outcome of a computation: pinned for a while, then given back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, cast

import torch


@contextlib.contextmanager
def deterministic(n_threads: int, *, device: str = "cpu") -> Iterator[None]:
    """Use deterministic algorithms, `n_threads` threads and a random state of our own; all restored at the end.

    New memory is not filled with NaN first, as torch would for such runs: that only helps to find faulty operations,
    and costs an eighth of the time. On a GPU algorithms stay free, since CTC's gradient has no deterministic one there.
    """
    memory = cast(Any, torch.utils.deterministic)
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    filled = memory.fill_uninitialized_memory
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if device.startswith("cuda") else []):
        torch.set_num_threads(n_threads)
        torch.use_deterministic_algorithms(not device.startswith("cuda"))
        memory.fill_uninitialized_memory = False
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(strict)
            memory.fill_uninitialized_memory = filled
