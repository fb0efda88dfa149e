"""What a word lattice consists of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core.arrays import ByValue


@dataclass(frozen=True, eq=False)
class LatticeArcs(ByValue):
    """A graph of words in time; `otoscope.decoding.lattice.lattice.Lattice` also answers questions about it.

    Arcs lead to nodes of a higher number, and are sorted by the node they lead to.

    Parameters
    ----------
    vocabulary
        Word of each id.
    node_frame
        `(n_nodes,)` frames before each node; node 0 is the start.
    source, target, word
        `(n_arcs,)` int32; word -1 is a silence.
    acoustic, lm
        `(n_arcs,)` float64: scaled acoustic score with all transitions; log P(word | history), not scaled.
    final_acoustic, final_lm
        `(n_nodes,)` of ending in a node; `final_acoustic` is minus infinity where no path ends.
    lm_scale, word_penalty
        An arc of a word weighs `acoustic + lm_scale · lm + word_penalty`, one of silence `acoustic`.
    n_frames
        Frames of the recording.
    complete
        `False` where no path ended in a whole word: the paths then are the best unfinished ones.
    """

    vocabulary: tuple[str, ...]
    node_frame: NDArray[np.int32]
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    word: NDArray[np.int32]
    acoustic: NDArray[np.float64]
    lm: NDArray[np.float64]
    final_acoustic: NDArray[np.float64]
    final_lm: NDArray[np.float64]
    lm_scale: float
    word_penalty: float
    n_frames: int
    complete: bool = True

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return int(self.node_frame.size)

    @property
    def n_arcs(self) -> int:
        """Number of arcs."""
        return int(self.source.size)

    def arc_scores(self) -> NDArray[np.float64]:
        """Return `(n_arcs,)` what each arc adds to a path's score."""
        return self.acoustic + np.where(self.word >= 0, self.lm_scale * self.lm + self.word_penalty, 0.0)

    def final_scores(self) -> NDArray[np.float64]:
        """Return `(n_nodes,)` what ending in a node adds to a path's score."""
        return self.final_acoustic + self.lm_scale * self.final_lm
