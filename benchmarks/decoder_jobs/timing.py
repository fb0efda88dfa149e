"""A row of the table, and the time that one thread takes to decode."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from otoscope.decoding.edit_distance import edit_distance


@dataclass(frozen=True)
class Row:
    job: str
    who: str
    beam: str
    word_error_rate: float
    real_time_factor: float
    times_ours: float


def timed(
    decode: Callable[[np.ndarray], str], emissions: list[np.ndarray], said: list[list[str]]
) -> tuple[float, float]:
    """Return (seconds of one thread, word error rate) after a first run to warm up."""
    decode(emissions[0])
    seconds, errors = 0.0, 0
    for scores, words in zip(emissions, said, strict=True):
        began = time.thread_time()
        heard = decode(scores)
        seconds += time.thread_time() - began
        errors += edit_distance(words, heard.split())
    return seconds, errors / sum(map(len, said))
