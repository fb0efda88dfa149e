"""How long a word takes from the end of its sound to a partial result that has it and keeps it.

In come the partial results of a streaming recogniser, each with the time at which it was there; out come the times at
which each word of the final result became stable, and how far behind the sound that was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.core.arrays import ByValue, frozen_array, set_frozen


@dataclass(frozen=True, eq=False)
class Latency(ByValue):
    """Delays of words in seconds.

    Parameters
    ----------
    delays_s
        `(n_words,)` from a word's end in the signal to the first partial result that holds it and all words before
        it for good; computing included. Negative where a word is known before it ends.
    signal_delays_s
        The same with computing taken as instant: what the method itself must wait for.
    n_utterances
        How many utterances were streamed.
    """

    delays_s: NDArray[np.float64]
    signal_delays_s: NDArray[np.float64]
    n_utterances: int

    def __post_init__(self) -> None:
        for name in ("delays_s", "signal_delays_s"):
            set_frozen(self, **{name: frozen_array(getattr(self, name), n_dims=1, name=name, dtype=np.float64)})

    def summary(self) -> dict[str, float | int | None]:
        """Return number of words, median and 95th percentile, in seconds (`None` where there are no words)."""
        rows: dict[str, float | int | None] = {"n_utterances": self.n_utterances, "n_words": self.delays_s.size}
        for name, delays in (("", self.delays_s), ("signal_", self.signal_delays_s)):
            rows[f"{name}median_s"] = float(np.median(delays)) if delays.size else None
            rows[f"{name}p95_s"] = float(np.quantile(delays, 0.95)) if delays.size else None
        return rows


def stable_since(partials: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Return, for each word of the last partial result, the index of the first that holds it for good.

    A word is held where a partial result begins with all words of the last one up to and with it; for good, where all
    later ones do too.

    Examples
    --------
    >>> stable_since([(), ("so",), ("so", "mike"), ("so", "my"), ("so", "my", "fellow")])
    (1, 3, 4)
    """
    if not partials:
        raise BadInput("no partial results were given, not even a last one")
    final = tuple(partials[-1])
    since = [len(partials) - 1] * len(final)
    n_held = len(final)
    for index in range(len(partials) - 1, -1, -1):
        common = next((i for i, (x, y) in enumerate(zip(final, partials[index], strict=False)) if x != y), None)
        n_common = min(len(final), len(partials[index])) if common is None else common
        n_held = min(n_held, n_common)
        since[:n_held] = [index] * n_held
    return tuple(since)
