"""When a simulated word counts as recognised: the criteria by which reaction times of TRACE and TISK were published.

All look at the word that was said and its best rival. A reaction time is a cycle, counted from 0; NaN where the
criterion was never met, which counts as an error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.listener.peers.simulated import Simulated

Vector = NDArray[np.float64]
Cube = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Responses:
    """Reaction times of some inputs, by three criteria, in cycles; NaN where the word was not recognised.

    Attributes
    ----------
    relative
        `(n_inputs,)` the first cycle at which the word leads by more than 0.05.
    held
        The lead was kept for 10 cycles: the first, or the last, of these.
    absolute
        The word passed a threshold that no other word ever passes.
    """

    relative: Vector
    held: Vector
    absolute: Vector

    def accuracy(self, criterion: str) -> float:
        """Return the share of inputs recognised by `relative`, `held` or `absolute`."""
        return float(np.isfinite(getattr(self, criterion)).mean())


def leads(activations: Cube, targets: NDArray[np.int64]) -> tuple[Vector, Vector]:
    """Return `(n_inputs, n_cycles)` of the words said, and of their best rivals.

    Parameters
    ----------
    activations
        `(n_inputs, n_cycles, n_words)`.
    targets
        `(n_inputs,)` which word was said.
    """
    own = np.take_along_axis(activations, targets[:, None, None], axis=2)[:, :, 0]
    others = np.array(activations)
    np.put_along_axis(others, np.broadcast_to(targets[:, None, None], (*own.shape, 1)), -np.inf, axis=2)
    return own, others.max(axis=2)


def tisk_responses(simulated: Simulated, *, threshold: float = 0.35) -> Responses:
    """Return reaction times as those of TISK were published: a lead held counts from its first cycle.

    The lead that is held is one above 0.001. These figures are not in the papers; they are the ones by which the times
    of TISK with feedback on its 212 words come out, every one.
    """
    own, rival = leads(simulated.activations, simulated.targets())
    absolute = np.where((rival > threshold).any(axis=1), np.nan, _first(own > threshold))
    return Responses(_first(own - rival > 0.05), _first(_kept(own - rival > 0.001, 10)), absolute)


def trace_responses(simulated: Simulated, *, k: float = 20.0, threshold: float = 0.6) -> Responses:
    """Return reaction times as those of TRACE were published: of choices by Luce's rule, a held lead from its end.

    Parameters
    ----------
    simulated
        What TRACE made of words.
    k
        Of Luce's rule.
    threshold
        Of the probability to name the word.

    Notes
    -----
    That the columns `DiffRt`, `abzRt` and `tracePeak` of the published table hold probabilities of choice can be told
    from `tracePeak`, which comes within 10^-6 of 1, and from leads that grow by 0.05 in a cycle.
    """
    targets = simulated.targets()
    own, rival = leads(simulated.activations, targets)
    likely, unlikely = leads(simulated.choice(k), targets)
    held = _first(_kept(own > rival, 10)) + 10
    return Responses(_first(likely - unlikely > 0.05), held, _first(likely > threshold))


def _first(met: NDArray[np.bool_]) -> Vector:
    return np.where(met.any(axis=1), met.argmax(axis=1), np.nan)


def _kept(met: NDArray[np.bool_], n_cycles: int) -> NDArray[np.bool_]:
    """Return where a condition holds for so many cycles from there on."""
    if met.shape[1] < n_cycles:
        return np.zeros((len(met), 1), dtype=bool)
    windows = np.lib.stride_tricks.sliding_window_view(met, n_cycles, axis=1)
    return np.asarray(windows.all(axis=2), dtype=np.bool_)
