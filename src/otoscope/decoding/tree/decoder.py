"""The large-vocabulary decoder: acoustic scores in, words and word lattices out, at once or as they come."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput
from otoscope.decoding.lattice import Decoding, Lattice
from otoscope.decoding.lattice.ngram_steps import ngram_arrays, unigram_logs, word_ids
from otoscope.decoding.tree.graph import SILENCE_WORDS, DecodingGraph
from otoscope.decoding.tree.run import DecodingRun
from otoscope.decoding.tree.search import GraphArrays, Limits, look_ahead
from otoscope.lexicon.ngram.automaton import BackoffAutomaton

LOWEST_AHEAD = -1e4
"""Look-ahead of words that the language model gives no probability without a history."""


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
        self.graph, self.lm, self.lattice_beam = graph, lm, lattice_beam
        self.ngram = ngram_arrays(lm)
        self.limits = Limits(float(beam), int(max_active), float(lm_scale), float(word_penalty), float(acoustic_scale))
        self.arrays = self._arrays()

    def _arrays(self) -> GraphArrays:
        graph, limits = self.graph, self.limits
        ids = word_ids(graph.words, self.lm)
        logs = limits.lm_scale * unigram_logs(self.ngram, ids).astype(np.float64) + limits.word_penalty
        logs = np.maximum(np.nan_to_num(logs, nan=LOWEST_AHEAD, neginf=LOWEST_AHEAD), LOWEST_AHEAD)
        ahead = np.full(graph.n_nodes + graph.n_roots, LOWEST_AHEAD, dtype=np.float64)
        ahead[graph.n_nodes :] = (logs[graph.set_word] + graph.set_log).max()
        owner = np.repeat(np.arange(graph.n_nodes), np.diff(graph.exit_start))
        ahead[owner[graph.exit_words == SILENCE_WORDS]] = ahead[-1]
        exits = (graph.exit_start, graph.exit_words, graph.set_start, graph.set_word, graph.set_log.astype(np.float64))
        look_ahead((graph.arc_start, graph.arc_next), exits, logs, ahead, graph.n_nodes)
        source = np.repeat(np.arange(ahead.size), np.diff(graph.arc_start))
        arc_log = (graph.arc_log + ahead[graph.arc_next] - ahead[source]).astype(np.float32)
        order = np.lexsort((-arc_log, source))
        arc_next = graph.arc_next[order]
        return GraphArrays(
            graph.column,
            graph.log_loop,
            graph.arc_start,
            arc_next,
            arc_log[order],
            graph.column[arc_next],
            graph.exit_start,
            graph.exit_root,
            graph.exit_words,
            graph.exit_log,
            graph.set_start,
            graph.set_word,
            graph.set_log,
            ids,
            ahead.astype(np.float32),
        )

    def checked(self, scores: ArrayLike) -> NDArray[np.float32]:
        """Return scores as `(n_frames, n_columns)` float32, or raise `BadInput`."""
        checked = np.ascontiguousarray(scores, dtype=np.float32)
        if checked.ndim != 2 or checked.shape[1] < self.graph.n_columns:
            raise BadInput(
                f"scores must be (n_frames, n_columns) with at least {self.graph.n_columns} columns, "
                f"got shape {checked.shape}"
            )
        if checked.size and not checked.max() < math.inf:
            raise BadInput("scores hold NaN or +inf; log scores are needed")
        return checked

    def start(self) -> DecodingRun:
        """Begin a recording: `advance` it chunk by chunk, ask for `partial` results, `finish` it."""
        return DecodingRun(self)

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
