"""The word lattice: the readings of a recording that came near the best one, in one graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.decoding.lattice.arcs import LatticeArcs
from otoscope.decoding.lattice.confidence import arc_posteriors, word_posteriors
from otoscope.decoding.lattice.n_best import best_readings
from otoscope.decoding.lattice.oracle import fewest_errors
from otoscope.decoding.lattice.pruning import without_poor_paths
from otoscope.decoding.lattice.rescoring import with_other_lm
from otoscope.decoding.lattice.words import DecodedWord, Decoding
from otoscope.lexicon.ngram.automaton import BackoffAutomaton


class Lattice(LatticeArcs):
    """A graph of words in time, and what it says: readings, posteriors, other scores; its parts are `LatticeArcs`'.

    Notes
    -----
    A word's start depends on the language-model state before it only (Ortmanns, Ney and Aubert 1997, who condition on
    one word): the best path is exact, the score of another one may be that of a slightly worse placing of its words.
    """

    def best(self, *, scale: float | None = None) -> Decoding:
        """Return the best path, each word with its posterior; `scale` as in `posteriors`."""
        return self.n_best(1, scale=scale)[0]

    def n_best(self, n: int, *, scale: float | None = None) -> tuple[Decoding, ...]:
        """Return the `n` best readings, all of different words, best first; fewer where the lattice holds no more.

        Each is scored by its best path, and its words carry their posteriors.
        """
        if n < 1:
            raise BadInput(f"n_best needs n of at least 1, got {n}")
        posteriors = self.posteriors(scale=scale)
        found = []
        for score, arcs in best_readings(self, n):
            shares = word_posteriors(self, posteriors, arcs)
            words = tuple(self._decoded(arc, share) for arc, share in zip(arcs, shares, strict=True))
            found.append(Decoding(words, score, complete=self.complete, n_frames=self.n_frames))
        return tuple(found)

    def posteriors(self, *, scale: float | None = None) -> NDArray[np.float64]:
        """Return `(n_arcs,)` share of each arc among all paths, by forward-backward.

        Parameters
        ----------
        scale
            Path scores are multiplied by this first. By default `1 / max(1, lm_scale)`: where the language model is
            scaled up, acoustic scores are overconfident, and are scaled down instead (Wessel et al. 2001).
        """
        return arc_posteriors(self, 1.0 / max(1.0, self.lm_scale) if scale is None else scale)

    def rescore(
        self, lm: BackoffAutomaton, *, lm_scale: float | None = None, word_penalty: float | None = None
    ) -> Lattice:
        """Return the lattice with the scores of another language model; nodes are split by its states.

        Raises
        ------
        BadInput
            A word of the lattice is not in `lm`, which has no unknown word.
        """
        scale = self.lm_scale if lm_scale is None else lm_scale
        penalty = self.word_penalty if word_penalty is None else word_penalty
        return with_other_lm(self, lm, lm_scale=scale, word_penalty=penalty)

    def pruned(self, beam: float) -> Lattice:
        """Return the lattice without arcs whose best path is worse than the best of all by more than `beam` nats."""
        return without_poor_paths(self, beam)

    def oracle_errors(self, reference: Sequence[str]) -> int:
        """Return the word errors of that path which has the fewest."""
        return fewest_errors(self, reference)

    def oracle_error_rate(self, reference: Sequence[str]) -> float:
        """Return the oracle's errors for each word of the reference."""
        if not reference:
            raise BadInput("an error rate needs a reference of one word at least")
        return self.oracle_errors(reference) / len(reference)

    def _decoded(self, arc: int, posterior: float) -> DecodedWord:
        return DecodedWord(
            self.vocabulary[self.word[arc]],
            int(self.node_frame[self.source[arc]]),
            int(self.node_frame[self.target[arc]]),
            float(self.acoustic[arc]),
            float(self.lm[arc]),
            posterior,
        )
