"""The large-vocabulary decoder: acoustic scores in, words and word lattices out, at once or as they come."""

from __future__ import annotations

from numpy.typing import ArrayLike

from otoscope.core import BadInput
from otoscope.decoding.lattice import Decoding, Lattice
from otoscope.decoding.tree.graph import DecodingGraph
from otoscope.decoding.tree.run import DecodingRun
from otoscope.decoding.tree.search import Limits
from otoscope.decoding.tree.space import SearchSpace
from otoscope.lexicon.ngram.automaton import BackoffAutomaton


class TreeDecoder:
    """Time-synchronous beam search over a decoding graph with an n-gram model (Ney and Ortmanns 1999).

    Parameters
    ----------
    graph
        See `build_graph`.
    lm
        Any n-gram order; scores are exact at every word end, tokens recombine by its state.
    beam
        Tokens worse than the best by more than this, in nats, are dropped.
    max_active
        About how many tokens a frame keeps, the best ones.
    lm_scale, word_penalty, acoustic_scale
        The score of a path is `acoustic_scale · scores + transitions + lm_scale · log P(words)`, and `word_penalty`
        (negative for fewer words) for each word.
    lattice_beam
        Arcs whose best path is worse than the best one by more than this are left out of lattices.

    Raises
    ------
    BadInput
        Words that the language model cannot score, or limits that keep nothing.

    Notes
    -----
    A decoder holds no state of a recording: `start` gives each its own `DecodingRun`, so threads may share one.
    """

    def __init__(
        self,
        graph: DecodingGraph,
        lm: BackoffAutomaton,
        *,
        beam: float = 13.0,
        max_active: int = 7000,
        lm_scale: float = 1.0,
        word_penalty: float = 0.0,
        acoustic_scale: float = 1.0,
        lattice_beam: float = 8.0,
    ) -> None:
        if not (beam > 0 and max_active > 0 and lattice_beam >= 0 and lm_scale >= 0 and acoustic_scale > 0):
            raise BadInput(
                "a decoder needs beam, max_active, acoustic_scale above 0 and lattice_beam, lm_scale at least 0; got "
                f"{beam}, {max_active}, {acoustic_scale}, {lattice_beam}, {lm_scale}"
            )
        limits = Limits(float(beam), int(max_active), float(lm_scale), float(word_penalty), float(acoustic_scale))
        self.space = SearchSpace(graph, lm, limits, lattice_beam)
        self.space.arrays  # noqa: B018 (words that the model cannot score are refused now)

    @property
    def graph(self) -> DecodingGraph:
        """The graph it searches."""
        return self.space.graph

    def start(self) -> DecodingRun:
        """Begin a recording: `advance` it chunk by chunk, ask for `partial` results, `finish` it."""
        return DecodingRun(self.space)

    def lattice(self, scores: ArrayLike) -> Lattice:
        """Return the word lattice of a whole recording's `(n_frames, n_columns)` scores."""
        run = self.start()
        run.advance(scores)
        return run.finish()

    def decode(self, scores: ArrayLike) -> Decoding:
        """Return the best words for a whole recording's `(n_frames, n_columns)` scores."""
        run = self.start()
        run.advance(scores)
        return run.best()
