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


@dataclass(frozen=True)
class _Way:
    """A history at a frame boundary: its score, the model's node, and the words so far as a chain."""

    score: float
    node: int
    last: tuple[Edge, int, object] | None


def best_in_context(
    edges: Sequence[Edge],
    silent: NDArray[np.float32],
    lexicon: MentalLexicon,
    model: NGramModel,
    *,
    weight: float,
    word_penalty: float = 0.0,
) -> tuple[tuple[Edge, int], ...]:
    """Return the best sequence of edges and the word that each is, silence between them allowed.

    Parameters
    ----------
    edges
        Any number, ending anywhere.
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

    Raises
    ------
    BadInput
        The model has no unknown word, so that words it lacks could not be said.
    """
    if model.unknown < 0:
        raise BadInput("a context model needs an unknown word (<unk>), for the words that it lacks")
    ending: dict[int, list[Edge]] = {}
    for edge in edges:
        ending.setdefault(edge.behind, []).append(edge)
    ids = {form: _ids(form, lexicon, model) for form in {edge.form for edge in edges}}
    here: list[list[_Way]] = [[_Way(0.0, model.bos + 1, None)]]
    for t in range(1, len(silent) + 1):
        found = [_Way(way.score + float(silent[t - 1]), way.node, way.last) for way in here[t - 1]]
        for edge in ending.get(t, ()):
            found += _said(edge, here[edge.first], ids[edge.form], model, weight, word_penalty)
        here.append(_best(found))
    way, words = here[-1][0].last, []
    while way is not None:
        words.append(way[:2])
        way = way[2]  # type: ignore[assignment]
    return tuple(reversed(words))


def _ids(form: int, lexicon: MentalLexicon, model: NGramModel) -> list[tuple[int, int, float]]:
    """Return the words of a form: place in the lexicon, id in the model, log share of it."""
    said = []
    for word in lexicon.forms.words[form]:
        known = model.index.get(lexicon.words[word])
        share = -float(np.log(len(lexicon.pronunciations[word])))
        said.append((word, known, share) if known is not None else (
            word, model.unknown, share + float(lexicon.log_priors[word])))  # fmt: skip
    return said


def _said(
    edge: Edge,
    before: Sequence[_Way],
    words: Sequence[tuple[int, int, float]],
    model: NGramModel,
    weight: float,
    penalty: float,
) -> list[_Way]:
    nodes, scores = np.array([way.node for way in before], np.int32), np.array([way.score for way in before])
    ways = []
    for word, known, share in words:
        log_p, after = model.advance(nodes, np.full(nodes.size, known, np.int32))
        totals = scores + edge.sound + weight * (log_p + share) - penalty
        ways += [
            _Way(float(total), int(node), (edge, word, way.last))
            for total, node, way in zip(totals, after, before, strict=True)
        ]
    return ways


def _best(ways: Sequence[_Way]) -> list[_Way]:
    """Return the best way to each history, of these the best."""
    of_node: dict[int, _Way] = {}
    for way in ways:
        if way.node not in of_node or way.score > of_node[way.node].score:
            of_node[way.node] = way
    return sorted(of_node.values(), key=lambda way: -way.score)[:N_HISTORIES]
