"""Entropy pruning: an n-gram model in, a smaller one that foretells almost as well out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.lexicon.ngram.trie import lower_log_probs, renormalized, subset, unlisted_mass


def prune(model: NGramModel, threshold: float, *, histories: NGramModel | None = None) -> NGramModel:
    """Drop each n-gram without which perplexity rises by less than a share of `threshold` (Stolcke 1998).

    Each is judged on its own, longest first; one that a longer listed n-gram begins with stays. Backoff weights are
    computed anew.

    Parameters
    ----------
    model
        A model of order 2 or more whose probabilities sum to 1.
    threshold
        Relative rise in perplexity, such as 1e-8; 0 keeps all.
    histories
        The model that says how likely each history is; `model` itself by default. Under Kneser–Ney smoothing the lower
        orders say how many *different* words precede a word, not how likely it is, and pruning suffers (Chelba et al.
        2010): give a Witten–Bell model of the same text.

    Raises
    ------
    BadInput
        The threshold is negative or not a number.
    """
    if not threshold >= 0:
        raise BadInput(f"a pruning threshold is 0 or more, such as 1e-8; got {threshold}")
    return _without(model, _rises(model, histories or model) < threshold)


def prune_to(model: NGramModel, n_ngrams: int, *, histories: NGramModel | None = None) -> NGramModel:
    """Drop n-grams as `prune` does, under the threshold that leaves at most `n_ngrams` of order 2 or more.

    Raises
    ------
    BadInput
        `n_ngrams` is negative.
    """
    if n_ngrams < 0:
        raise BadInput(f"a model cannot have {n_ngrams} n-grams")
    rises = _rises(model, histories or model)
    longer = rises[model.level_start[2] :]
    ranked = np.sort(longer)[::-1]
    low, high = 0, min(n_ngrams, longer.size)  # how many to keep by rank; those they begin with come on top
    while low < high:
        middle = (low + high + 1) // 2
        kept = _closed(model, rises >= ranked[middle - 1])
        low, high = (middle, high) if kept[model.level_start[2] :].sum() <= n_ngrams else (low, middle - 1)
    return _without(model, rises < ranked[low - 1] if low else np.isfinite(rises))


def _without(model: NGramModel, dropped: NDArray[np.bool_]) -> NGramModel:
    return renormalized(subset(model, _closed(model, ~dropped)))


def _closed(model: NGramModel, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep also what a kept n-gram begins with."""
    kept = kept.copy()
    for order in range(model.order, 2, -1):
        level = model.level(order)
        kept[model.parent[level][kept[level]]] = True
    return kept


def _rises(model: NGramModel, histories: NGramModel) -> NDArray[np.float64]:
    """Return `(n_nodes,)` the relative rise in perplexity if the n-gram alone is dropped; infinite for unigrams."""
    log_history = _log_probability_of_nodes(model, histories)
    rises = np.full(model.word.size, np.inf)
    for order in range(2, model.order + 1):
        rises[model.level(order)] = np.expm1(divergence(model, order, log_history))
    return rises


def divergence(model: NGramModel, order: int, log_history: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much dropping each n-gram of `order` alone changes the model, in nats (Stolcke 1998, equation 5).

    D = -P(h) { P(w | h) [log P(w | h') + log alpha'(h) - log P(w | h)] + [log alpha'(h) - log alpha(h)] (1 - sum of
    P(v | h) over listed v) }, where h' is the shorter history and alpha' the backoff weight after dropping h w.

    Parameters
    ----------
    log_history
        `(n_nodes,)` log-probability of each node as a history.
    """
    level, above = model.level(order), model.level(order - 1)
    history = model.parent[level] - above.start
    lower = lower_log_probs(model, order, model.backoffs)
    own_mass, lower_mass = unlisted_mass(model, order, lower)
    log_prob = model.log_probs[level].astype(float)
    prob = np.exp(log_prob)
    log_alpha = (np.log(own_mass) - np.log(lower_mass))[history]
    log_alpha_after = np.log(own_mass[history] + prob) - np.log(lower_mass[history] + np.exp(lower))
    change = prob * (lower + log_alpha_after - log_prob) + (log_alpha_after - log_alpha) * own_mass[history]
    return -np.exp(log_history[model.parent[level]]) * change


def _log_probability_of_nodes(model: NGramModel, histories: NGramModel) -> NDArray[np.float64]:
    """Return `(n_nodes,)` the log-probability of each n-gram; a sentence start is as likely as a sentence end."""
    logs = np.zeros(model.word.size)
    state = np.zeros(model.word.size, np.int32)
    ids = histories.ids(model.words)
    ids[model.bos] = histories.bos
    for order in range(1, model.order):
        level = model.level(order)
        parent = model.parent[level]
        steps, state[level] = histories.advance(state[parent], ids[model.word[level]])
        logs[level] = logs[parent] + steps
        if order == 1:
            logs[model.bos + 1] = logs[model.eos + 1]
    return logs
