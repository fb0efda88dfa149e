"""What was said before counts: the words that the search without context left, weighed anew by an n-gram model.

At every frame the `N_ENDS` words that end best are kept with the frame in which each began; together they are a graph
of words. The best way through it is found with P(word | words before), `N_HISTORIES` histories kept at a frame (Ney and
Aubert 1994: a word's beginning is taken not to depend on the words before). Exact given the graph and the histories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.listener.graph_steps import best_ways

N_ENDS = 12
"""Words kept at each frame for ending there best."""
N_HISTORIES = 48
"""Histories kept at each frame."""


@dataclass(frozen=True)
class Edge:
    """A form from frame `first` to before `behind`; `sound` is its log-likelihood alone, without any prior."""

    form: int
    first: int
    behind: int
    sound: float


@dataclass(frozen=True, eq=False)
class WordGraph:
    """Edges as arrays `(n_edges,)`, as in `Edge`, in any order."""

    form: NDArray[np.int32]
    first: NDArray[np.int64]
    behind: NDArray[np.int64]
    sound: NDArray[np.float64]

    @classmethod
    def of(cls, edges: Sequence[Edge]) -> WordGraph:
        """Return the graph of edges."""
        parts = [(edge.form, edge.first, edge.behind) for edge in edges]
        form, first, behind = np.array(parts, np.int64).reshape(-1, 3).T
        return cls(form.astype(np.int32), first, behind, np.array([edge.sound for edge in edges], np.float64))

    def __len__(self) -> int:
        return self.form.size

    def __getitem__(self, k: int) -> Edge:
        """Return an edge."""
        return Edge(int(self.form[k]), int(self.first[k]), int(self.behind[k]), float(self.sound[k]))


def best_in_context(
    graph: WordGraph,
    silent: NDArray[np.float32],
    lexicon: MentalLexicon,
    model: NGramModel,
    *,
    weight: float,
    word_penalty: float = 0.0,
    before: Sequence[str] = (),
) -> tuple[tuple[Edge, int], ...]:
    """Return the best sequence of edges and the word that each is, silence between them allowed.

    Parameters
    ----------
    graph
        Any number of edges, ending anywhere.
    silent
        `(n_frames,)` log-likelihoods of silence.
    lexicon
        Whose forms they are; words that the model lacks are its unknown word, shared out by frequency.
    model
        Of any order.
    weight
        What log P(word | words before) counts.
    word_penalty
        Nats taken off for each word.
    before
        Words that were said before, from the start of the sentence.

    Raises
    ------
    BadInput
        The model has no unknown word, so that words it lacks could not be said.
    """
    order = np.argsort(graph.behind, kind="stable")
    starts = np.searchsorted(graph.behind[order], np.arange(len(silent) + 2))
    forms, which = np.unique(graph.form[order], return_inverse=True)
    words = words_of(forms.tolist(), lexicon, model)
    sound = graph.sound[order] - word_penalty
    edges, said = best_ways(
        np.asarray(silent, np.float64), starts, (graph.first[order], sound, which.ravel()), words, model.trie,
        int(node_after(model, before)[0]), float(weight), N_HISTORIES,
    )  # fmt: skip
    return tuple((graph[int(order[k])], int(words[1][j])) for k, j in zip(edges, said, strict=True))


def node_after(model: NGramModel, words: Sequence[str]) -> NDArray[np.int32]:
    """Return the node of the history after words said from the start of a sentence, `(1,)`."""
    node = np.array([model.bos + 1], np.int32)
    for word in model.ids(words):
        _, node = model.advance(node, np.array([word], np.int32))
    return node


def words_of(
    forms: Sequence[int], lexicon: MentalLexicon, model: NGramModel
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Return the words of forms: where each form's begin, place in the lexicon, id in the model, log share of it.

    Raises
    ------
    BadInput
        The model has no unknown word.
    """
    if model.unknown < 0:
        raise BadInput("a context model needs an unknown word (<unk>), for the words that it lacks")
    starts, words, ids, shares = [0], [], [], []
    for form in forms:
        for word in lexicon.forms.words[form]:
            known = model.index.get(lexicon.words[word])
            share = -float(np.log(len(lexicon.pronunciations[word])))
            words.append(word)
            ids.append(model.unknown if known is None else known)
            shares.append(share if known is not None else share + float(lexicon.log_priors[word]))
        starts.append(len(words))
    return (np.array(starts, np.int64), np.array(words, np.int64), np.array(ids, np.int32),
            np.array(shares, np.float64))  # fmt: skip
