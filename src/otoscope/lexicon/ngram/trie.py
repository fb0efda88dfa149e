"""Operations on the arrays of a model that several rooms of this package need: dropping nodes, restoring sums to 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otoscope.lexicon.ngram import walking
from otoscope.lexicon.ngram.model import NGramModel

SMALLEST = 1e-12
"""The least probability that is left to words not listed, where rounding has eaten it up."""


def subset(model: NGramModel, kept: NDArray[np.bool_]) -> NGramModel:
    """Return a model that lists only the nodes `kept`, `(n_nodes,)`; every parent of a kept node must be kept."""
    if kept.all():
        return model
    new_id = np.cumsum(kept, dtype=np.int32) - np.int32(1)
    before = np.concatenate(([0], np.cumsum(kept)))
    parent = model.parent[kept]
    parent[1:] = new_id[parent[1:]]
    return NGramModel(
        model.words,
        before[model.level_start].astype(np.int64),
        parent,
        model.word[kept],
        model.log_probs[kept],
        model.backoffs[kept],
    )


def unlisted_mass(
    model: NGramModel, order: int, lower: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, for each history of `order` - 1 words, what is left for the words it does not list.

    Parameters
    ----------
    lower
        Log-probabilities of the n-grams of `order` under the shorter history.

    Returns
    -------
    `(n_histories,)` each: 1 - sum P(w | h), and 1 - sum P(w | shorter h), over the words w that h lists.
    """
    level, above = model.level(order), model.level(order - 1)
    history, size = model.parent[level] - above.start, above.stop - above.start
    own = 1.0 - np.bincount(history, np.exp(model.log_probs[level].astype(float)), size)
    shorter = 1.0 - np.bincount(history, np.exp(lower), size)
    return np.maximum(own, SMALLEST), np.maximum(shorter, SMALLEST)


def lower_log_probs(model: NGramModel, order: int, backoffs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return log P(w | shorter h) for each n-gram h w of `order`, under other backoff weights."""
    level = model.level(order)
    logs, _ = walking.advance(
        model.trie._replace(backoffs=backoffs), model.suffix[model.parent[level]], model.word[level]
    )
    return logs


def renormalized(model: NGramModel) -> NGramModel:
    """Return the model with backoff weights that make the probabilities after each history sum to 1.

    Katz (1987): alpha(h) = (1 - sum of P(w | h)) / (1 - sum of P(w | shorter h)) over the words w that h lists.
    """
    backoffs = np.zeros_like(model.backoffs)
    for order in range(2, model.order + 1):
        above = model.level(order - 1)
        own, shorter = unlisted_mass(model, order, lower_log_probs(model, order, backoffs))
        has_children = np.diff(model.first_child[above.start : above.stop + 1]) > 0
        backoffs[above] = np.where(has_children, np.log(own) - np.log(shorter), 0.0)
    return NGramModel(model.words, model.level_start, model.parent, model.word, model.log_probs, backoffs)
