"""Linear mixtures of n-gram models: several models and weights in, one backoff model out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from otoscope.core import BadInput, UnknownName
from otoscope.lexicon.ngram import walking
from otoscope.lexicon.ngram.estimation import LOG_NEVER
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.lexicon.ngram.sentences import BOS, EOS, UNKNOWN, Sentences, WordIds, as_sentences, token_ids
from otoscope.lexicon.ngram.trie import renormalized

Weighing = Literal["fixed", "history"]
WEIGHINGS: tuple[Weighing, ...] = ("fixed", "history")


def interpolate(models: Sequence[NGramModel], weights: Sequence[float], *, weighing: Weighing = "fixed") -> NGramModel:
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
    weighing
        `fixed`: the same weights after each history. `history`: the weights are what one knew beforehand of which
        model a text comes from, and after a history h they are proportional to weight * P_i(h), by Bayes' rule: texts
        of different kinds then hardly disturb each other.

    Raises
    ------
    BadInput
        The weights do not fit.
    """
    if len(weights) != len(models) or not models or min(weights) <= 0 or abs(sum(weights) - 1) > 1e-6:
        raise BadInput(f"{len(models)} models need as many positive weights that sum to 1, got {tuple(weights)}")
    check_weighing(weighing)
    words = (*dict.fromkeys(word for model in models for word in model.words[:-1]), BOS)
    mixture = _Mixture(models, np.log(weights), words, by_history=weighing == "history")
    for order in range(1, max(model.order for model in models) + 1):
        mixture.lengthen(order)
    return renormalized(mixture.model())


class _Mixture:
    """The union of the models' n-grams, grown order by order; `state` is where each model stands after each node."""

    def __init__(
        self,
        models: Sequence[NGramModel],
        log_weights: NDArray[np.float64],
        words: tuple[str, ...],
        *,
        by_history: bool,
    ) -> None:
        self.models, self.words, self.by_history = models, words, by_history
        index = {word: id for id, word in enumerate(words)}
        self.to_union = [np.array([index[word] for word in model.words]) for model in models]
        self.to_model = [_inverse(to_union, len(words)) for to_union in self.to_union]
        self.node_of = [np.zeros(model.word.size, np.int64) for model in models]
        self.state = [np.zeros(1, np.int32) for _ in models]
        self.log_shares = log_weights[:, None]  # (n_models, n_nodes of the last order): log of weight * P_i(h)
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
        logs = np.empty((len(self.models), union.size))
        for i, model in enumerate(self.models):
            if order <= model.order:
                self.node_of[i][model.level(order)] = self.level_start[-1] + np.searchsorted(union, keys[i])
            logs[i], self.state[i] = model.advance(self.state[i][parent - start], self.to_model[i][word])
        shares = self.log_shares[:, parent - start]
        log_prob = logsumexp(shares + logs, axis=0) - logsumexp(shares, axis=0)
        if order == 1:  # a sentence start is as likely as a sentence end
            logs[:, -1] = [model.log_probs[model.eos + 1] for model in self.models]
            log_prob[-1] = LOG_NEVER
        self.log_shares = shares + logs if self.by_history else shares
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


def check_weighing(name: str) -> Weighing:
    """Return a kind of weighing by its name.

    Raises
    ------
    UnknownName
        There is no such kind.
    """
    for weighing in WEIGHINGS:
        if name == weighing:
            return weighing
    raise UnknownName("weighing", name, WEIGHINGS)


def tune_weights(
    models: Sequence[NGramModel],
    text: Sentences | str | os.PathLike[str],
    *,
    weighing: Weighing = "fixed",
    tolerance: float = 1e-5,
) -> tuple[float, ...]:
    """Return the weights under which a mixture of the models foretells a text best, by expectation maximisation.

    Each step sets a weight to the mean share that its model has in the probability of a token (Jelinek and Mercer
    1980). Tokens that no model knows are left out. With `history` weighing a weight is multiplied by its model's mean
    share in the tokens over that in their histories, until the two agree, which is where the gradient vanishes.

    Parameters
    ----------
    text
        Sentences that none of the models was estimated from, or a file with one a line.
    weighing
        How the weights will be used; see `interpolate`.
    tolerance
        Stop when no weight moves further than this, or after 500 steps.

    Raises
    ------
    BadInput
        There is no model, or no token in the text that any of them knows.
    """
    check_weighing(weighing)
    sentences = list(as_sentences(text))
    both = [_token_logs(model, sentences) for model in models]
    logs = np.stack([token for token, _ in both], axis=1) if both else np.zeros((0, 0))
    known = np.isfinite(logs).any(axis=1)
    if not known.any():
        raise BadInput("weights need models, and a text with words that they know")
    before = np.stack([history for _, history in both], axis=1)[known] if weighing == "history" else 0.0 * logs[known]
    log_weights = np.full(len(models), -np.log(len(models)))
    for _ in range(500):
        prior = _normalized(log_weights + before)
        gained = np.exp(_normalized(prior + logs[known])).mean(axis=0) / np.exp(prior).mean(axis=0)
        updated = _normalized((log_weights + np.log(np.maximum(gained, 1e-300)))[None])[0]
        updated = np.maximum(updated, np.log(1e-12))
        moved = np.abs(np.exp(updated) - np.exp(log_weights)).max()
        log_weights = updated
        if moved < tolerance:
            break
    return tuple(np.exp(log_weights - logsumexp(log_weights)).tolist())


def _normalized(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    return logs - logsumexp(logs, axis=1, keepdims=True)


def _token_logs(
    model: NGramModel, sentences: Sequence[str | Sequence[str]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, for each token but sentence starts, log P(token | h) and log P(h), h being what the model looks back at.

    Words that the model lacks have log P = -inf as tokens, and `LOG_NEVER` as part of a history.
    """
    index = WordIds(model.words, unknown=-1)
    index.pop(UNKNOWN, None)
    tokens = token_ids(as_sentences(sentences), index.__getitem__, bos=model.bos, eos=index[EOS])
    is_start = tokens == model.bos
    ids = np.where(tokens < 0, model.unknown, tokens).astype(np.int32)
    logs = walking.score_tokens(model.trie, ids, model.bos)
    history = np.zeros(tokens.size)
    for length in range(1, model.order):  # histories of up to order - 1 words, not beyond the sentence start
        history = _history_logs(model, ids, is_start, length, history)
    return np.where(tokens < 0, -np.inf, logs)[~is_start], history[~is_start]


def _history_logs(
    model: NGramModel,
    ids: NDArray[np.int32],
    is_start: NDArray[np.bool_],
    length: int,
    shorter: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return `(n_tokens,)` log P of the `length` tokens before each; that of fewer where the sentence has fewer."""
    positions = np.arange(ids.size)
    since_start = positions - np.maximum.accumulate(np.where(is_start, positions, 0))
    ends = np.flatnonzero(since_start >= length)
    logs, nodes = np.zeros(ends.size), np.zeros(ends.size, np.int32)
    for back in range(length, 0, -1):
        steps, nodes = model.advance(nodes, ids[ends - back])
        starts = is_start[ends - back]
        logs += np.where(starts, model.log_probs[model.eos + 1], steps)
    updated = shorter.copy()
    updated[ends] = logs
    return updated
