"""The nouns of lattices: a decoded word, the words of a recording, and the lattice of many readings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core.arrays import ByValue
from otoscope.decoding.lattice.sums import best_after


@dataclass(frozen=True)
class DecodedWord:
    """A word with its frames `[start_frame, end_frame)` and what spoke for it.

    `acoustic` holds scaled acoustic scores, transitions and pronunciation; `lm` is log P(word | words before), not
    scaled; `posterior` is the probability of this word at this place, `None` where no lattice was asked.
    """

    word: str
    start_frame: int
    end_frame: int
    acoustic: float
    lm: float
    posterior: float | None = None


@dataclass(frozen=True)
class Decoding:
    """The words of a recording and the score of their path; `complete` is `False` where the path ends inside a word."""

    words: tuple[DecodedWord, ...]
    log_score: float
    complete: bool
    n_frames: int

    @property
    def text(self) -> str:
        """The words joined by spaces."""
        return " ".join(word.word for word in self.words)


@dataclass(frozen=True, eq=False)
class Lattice(ByValue):
    """A graph of words in time. Node 0 is the start; arcs stand so that all arcs into a node come before those out.

    Parameters
    ----------
    vocabulary
        Word of each id.
    node_frame
        `(n_nodes,)` frames before each node.
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

    def best(self) -> Decoding:
        """Return the best path."""
        weight, final = self.arc_scores(), self.final_scores()
        after = best_after(self.source, self.target, weight, final)
        starts = np.searchsorted(self.source[order := np.argsort(self.source, kind="stable")], range(self.n_nodes + 1))
        node, words = 0, []
        while after[node] > final[node]:
            arcs = order[starts[node] : starts[node + 1]]
            arc = int(arcs[np.argmax(weight[arcs] + after[self.target[arcs]])])
            if self.word[arc] >= 0:
                words.append(self.decoded(arc))
            node = int(self.target[arc])
        return Decoding(tuple(words), float(after[0]), complete=self.complete, n_frames=self.n_frames)

    def decoded(self, arc: int, posterior: float | None = None) -> DecodedWord:
        """Return the word of an arc."""
        return DecodedWord(
            self.vocabulary[self.word[arc]],
            int(self.node_frame[self.source[arc]]),
            int(self.node_frame[self.target[arc]]),
            float(self.acoustic[arc]),
            float(self.lm[arc]),
            posterior,
        )
