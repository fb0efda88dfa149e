"""How sure a lattice is of its words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.decoding.lattice.arcs import LatticeArcs
from otoscope.decoding.lattice.sums import sums_after, sums_before


def arc_posteriors(lattice: LatticeArcs, scale: float) -> NDArray[np.float64]:
    """Return `(n_arcs,)` share of each arc among all paths, their scores times `scale`."""
    if not scale > 0:
        raise BadInput(f"the scale of posteriors must be above 0, got {scale}")
    weight, final = scale * lattice.arc_scores(), scale * lattice.final_scores()
    before = sums_before(lattice.source, lattice.target, weight, final.size)
    after = sums_after(lattice.source, lattice.target, weight, final)
    return np.exp(before[lattice.source] + weight + after[lattice.target] - after[0])


def word_posteriors(lattice: LatticeArcs, posteriors: NDArray[np.float64], arcs: Sequence[int]) -> list[float]:
    """Return for each of some arcs how probable its word is at its place.

    Wessel et al. (2001), equation 12 (their C_max): at each of the arc's frames the posteriors of all arcs with the
    same word are summed; the best frame counts.
    """
    start, end = lattice.node_frame[lattice.source], lattice.node_frame[lattice.target]
    chosen = np.array(arcs, dtype=np.int64)
    return _best_frame(start, end, lattice.word, posteriors, chosen).clip(max=1.0).tolist()


@njit(cache=True, nogil=True)
def _best_frame(start, end, word, posteriors, chosen):  # type: ignore[no-untyped-def]
    best = np.zeros(chosen.shape[0])
    for i in range(chosen.shape[0]):
        first, stop = start[chosen[i]], end[chosen[i]]
        shares = np.zeros(stop - first)
        for a in range(start.shape[0]):
            if word[a] == word[chosen[i]]:
                for t in range(max(first, start[a]), min(stop, end[a])):
                    shares[t - first] += posteriors[a]
        best[i] = shares.max()
    return best
