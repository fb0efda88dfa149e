"""Taking the poor paths out of a lattice."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import numpy as np

from otoscope.decoding.lattice.arcs import LatticeArcs
from otoscope.decoding.lattice.sums import best_after, best_before

_Lattice = TypeVar("_Lattice", bound=LatticeArcs)

ROUNDING = 1e-9
"""Share of the best score by which sums in another order may differ."""


def without_poor_paths(lattice: _Lattice, beam: float) -> _Lattice:
    """Return the lattice without arcs whose best path is worse than the best of all by more than `beam` nats.

    Nodes that are left without an arc go too; the first one stays.
    """
    weight, final = lattice.arc_scores(), lattice.final_scores()
    before = best_before(lattice.source, lattice.target, weight, final.size)
    after = best_after(lattice.source, lattice.target, weight, final)
    floor = after[0] - beam - ROUNDING * abs(after[0])
    arcs = np.flatnonzero(before[lattice.source] + weight + after[lattice.target] >= floor)
    kept = np.zeros(final.size, dtype=bool)
    kept[0] = True
    kept[lattice.source[arcs]] = kept[lattice.target[arcs]] = True
    number = (np.cumsum(kept) - 1).astype(np.int32)
    ends = kept & (before + final >= floor)
    return dataclasses.replace(
        lattice,
        node_frame=lattice.node_frame[kept],
        source=number[lattice.source[arcs]],
        target=number[lattice.target[arcs]],
        word=lattice.word[arcs],
        acoustic=lattice.acoustic[arcs],
        lm=lattice.lm[arcs],
        final_acoustic=np.where(ends, lattice.final_acoustic, -np.inf)[kept],
        final_lm=lattice.final_lm[kept],
    )
