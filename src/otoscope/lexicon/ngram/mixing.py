"""Linear mixtures of n-gram models: several models and weights in, one backoff model out."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.lexicon.ngram import walking
from otoscope.lexicon.ngram.estimation import LOG_NEVER
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.lexicon.ngram.sentences import BOS, EOS, UNKNOWN, Sentences, WordIds, as_sentences, token_ids
from otoscope.lexicon.ngram.trie import renormalized


def interpolate(models: Sequence[NGramModel], weights: Sequence[float]) -> NGramModel:
    """Mix models into one: P(w | h) = sum of weight * P_i(w | h) for each n-gram that any of them lists.

    What no model lists is backed off to, with weights that make the probabilities sum to 1 (static interpolation;
    Stolcke 2002, section 3.2). A word that a model lacks has no probability there: give all the same vocabulary where
    none should lose by that.

    Parameters
    ----------
    models
        One or more, of any orders; the mixture has the highest.
    weights
        One for each, positive, summing to 1.

    Raises
    ------
    BadInput
        The weights do not fit.
    """
    if len(weights) != len(models) or not models or min(weights) <= 0 or abs(sum(weights) - 1) > 1e-6:
        raise BadInput(f"{len(models)} models need as many positive weights that sum to 1, got {tuple(weights)}")
    words = (*dict.fromkeys(word for model in models for word in model.words[:-1]), BOS)
    mixture = _Mixture(models, np.array(weights), words)
    for order in range(1, max(model.order for model in models) + 1):
        mixture.lengthen(order)
    return renormalized(mixture.model())


class _Mixture:
    """The union of the models' n-grams, grown order by order; `state` is where each model stands after each node."""

    def __init__(self, models: Sequence[NGramModel], weights: NDArray[np.float64], words: tuple[str, ...]) -> None:
        self.models, self.weights, self.words = models, weights, words
        index = {word: id for id, word in enumerate(words)}
        self.to_union = [np.array([index[word] for word in model.words]) for model in models]
        self.to_model = [_inverse(to_union, len(words)) for to_union in self.to_union]
        self.node_of = [np.zeros(model.word.size, np.int64) for model in models]
        self.state = [np.zeros(1, np.int32) for _ in models]
        self.level_start = [0, 1]
        self.parents = [np.array([-1], np.int64)]
        self.ids = [np.array([-1], np.int64)]
        self.log_probs = [np.zeros(1)]

    def lengthen(self, order: int) -> None:
        """Add the n-grams of the next order."""
        n_words, start = len(self.words), self.level_start[-2]
        keys = []
        for model, node_of, to_union in zip(self.models, self.node_of, self.to_union, strict=True):
            level = model.level(order) if order <= model.order else slice(0, 0)
            keys.append(node_of[model.parent[level]] * n_words + to_union[model.word[level]])
        union = np.unique(np.concatenate(keys))
        parent, word = union // n_words, union % n_words
        prob = np.zeros(union.size)
        for i, model in enumerate(self.models):
            if order <= model.order:
                self.node_of[i][model.level(order)] = self.level_start[-1] + np.searchsorted(union, keys[i])
            logs, self.state[i] = model.advance(self.state[i][parent - start], self.to_model[i][word])
            prob += self.weights[i] * np.exp(logs)
        log_prob = np.log(prob)
        if order == 1:
            log_prob[-1] = LOG_NEVER
        self.level_start.append(self.level_start[-1] + union.size)
        for values, added in ((self.parents, parent), (self.ids, word), (self.log_probs, log_prob)):
            values.append(added)

    def model(self) -> NGramModel:
        log_probs = np.concatenate(self.log_probs).astype(np.float32)
        return NGramModel(
            self.words,
            np.array(self.level_start, np.int64),
            np.concatenate(self.parents).astype(np.int32),
            np.concatenate(self.ids).astype(np.int32),
            log_probs,
            np.zeros_like(log_probs),
        )


def _inverse(to_union: NDArray[np.int64], n_words: int) -> NDArray[np.int32]:
    to_model = np.full(n_words, -1, np.int32)
    to_model[to_union] = np.arange(to_union.size)
    return to_model


def tune_weights(
    models: Sequence[NGramModel],
    text: Sentences | str | os.PathLike[str],
    *,
    n_steps: int = 100,
    tolerance: float = 1e-6,
) -> tuple[float, ...]:
    """Return the weights under which a mixture of the models foretells a text best, by expectation maximisation.

    Each step sets a weight to the mean share that its model has in the probability of a token (Jelinek and Mercer
    1980). Tokens that no model knows are left out.

    Parameters
    ----------
    text
        Sentences that none of the models was estimated from, or a file with one a line.
    n_steps
        Stop after so many steps at the latest.
    tolerance
        Stop when no weight moved further than this.

    Raises
    ------
    BadInput
        There is no model, or no token in the text that any of them knows.
    """
    sentences = list(as_sentences(text))
    probs = [_token_probs(model, sentences) for model in models]
    table = np.stack(probs, axis=1) if probs else np.zeros((0, 0))
    table = table[table.sum(axis=1) > 0]
    if not table.size:
        raise BadInput("weights need models, and a text with words that they know")
    weights = np.full(len(models), 1.0 / len(models))
    for _ in range(n_steps):
        shares = table * weights
        updated = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
        moved = np.abs(updated - weights).max()
        weights = updated
        if moved < tolerance:
            break
    return tuple(weights.tolist())


def _token_probs(model: NGramModel, sentences: Sequence[str | Sequence[str]]) -> NDArray[np.float64]:
    """Return P(token | what precedes it) of each token but sentence starts; 0 for words that the model lacks."""
    index = WordIds(model.words, unknown=-1)
    index.pop(UNKNOWN, None)
    tokens = token_ids(as_sentences(sentences), index.__getitem__, bos=model.bos, eos=index[EOS])
    absent = tokens < 0
    logs = walking.score_tokens(model.trie, np.where(absent, model.unknown, tokens).astype(np.int32), model.bos)
    return np.where(absent, 0.0, np.exp(logs))[tokens != model.bos]
