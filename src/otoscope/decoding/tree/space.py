"""Where a decoder searches: its graph and language model laid out for the inner loop, the same for all recordings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otoscope.core import BadInput
from otoscope.decoding.lattice.ngram_steps import NgramArrays, ngram_arrays, unigram_logs, word_ids
from otoscope.decoding.tree.graph import SILENCE_WORDS, DecodingGraph
from otoscope.decoding.tree.search import GraphArrays, Limits, look_ahead
from otoscope.lexicon.ngram.automaton import BackoffAutomaton

LOWEST_AHEAD = -1e4
"""Look-ahead of words that the language model gives no probability without a history."""


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """A decoding graph, a language model and limits; see `otoscope.decoding.tree.decoder.TreeDecoder`."""

    graph: DecodingGraph
    lm: BackoffAutomaton
    limits: Limits
    lattice_beam: float

    @cached_property
    def ngram(self) -> NgramArrays:
        """The language model's arrays."""
        return ngram_arrays(self.lm)

    @cached_property
    def arrays(self) -> GraphArrays:
        """The graph, its arcs weighed by the best words they lead to, best arcs first."""
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
