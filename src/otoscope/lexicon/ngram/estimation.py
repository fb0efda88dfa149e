"""Estimation of n-gram models: sentences in, a smoothed model out."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, UnknownName
from otoscope.lexicon.ngram.counting import NGramCounts, count_ngrams
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.lexicon.ngram.sentences import BOS, EOS, UNKNOWN, Sentences, WordIds, as_sentences, token_ids
from otoscope.lexicon.ngram.smoothing import SMOOTHING
from otoscope.lexicon.ngram.trie import subset

LOG_NEVER = -99.0 * float(np.log(10.0))
"""Log-probability of the sentence start, as SRILM writes it: it is given, never foretold."""
MAX_ORDER = 8


def estimate(
    text: Sentences | str | os.PathLike[str],
    *,
    order: int = 3,
    smoothing: str = "kneser-ney",
    vocabulary: Iterable[str] | None = None,
    min_counts: Sequence[int] = (),
) -> NGramModel:
    """Estimate an interpolated n-gram model; after each history the probabilities sum to 1.

    Parameters
    ----------
    text
        Sentences, or the path of a file with one a line (`.gz` and `.xz` are unpacked).
    order
        Length of the longest n-grams.
    smoothing
        `kneser-ney` (modified, as kenlm's lmplz) or `witten-bell`, which a few sentences suffice for.
    vocabulary
        The words of the model; any other is counted as `<unk>`. By default all words of the text; then `<unk>` gets
        the share of one word that was never seen.
    min_counts
        For each order from 1 on, how often an n-gram must stand in the text to be listed; 1 beyond the end. Unigrams
        are listed always.

    Raises
    ------
    BadInput
        The text is empty, the order is not between 1 and 8, the vocabulary holds something that is no word, or
        Kneser–Ney smoothing cannot be had from so little text.
    UnknownName
        There is no such smoothing.

    Examples
    --------
    >>> model = estimate(["the cat sat", "the cat ran"], order=2, smoothing="witten-bell")
    >>> model.perplexity(["the cat sat"]) < model.perplexity(["sat cat the"])
    True
    """
    if not 1 <= order <= MAX_ORDER:
        raise BadInput(f"an n-gram model has an order of 1 to {MAX_ORDER}, got {order}")
    if smoothing not in SMOOTHING:
        raise UnknownName("smoothing", smoothing, SMOOTHING)
    minima = _minima(min_counts, order)
    words, tokens = _tokens(text, vocabulary)
    if not tokens.size:
        raise BadInput("no model can be estimated from a text of no sentences")
    return _smoothed(words, count_ngrams(tokens, len(words), order), smoothing, minima)


def _minima(min_counts: Sequence[int], order: int) -> list[int]:
    minima = [1, *min_counts[1:order]] if min_counts else []
    minima += [max(minima, default=1)] * (order - len(minima))
    if any(later < earlier for earlier, later in pairwise(minima)) or len(min_counts) > order:
        raise BadInput(f"min_counts needs up to {order} numbers that do not fall, got {tuple(min_counts)}")
    return minima


def _tokens(
    text: Sentences | str | os.PathLike[str], vocabulary: Iterable[str] | None
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Return the words of the model, `<s>` last, and the text as their ids."""
    sentences = as_sentences(text)
    if vocabulary is None:
        growing: defaultdict[str, int] = defaultdict(lambda: len(growing))
        _, eos = growing[UNKNOWN], growing[EOS]
        ids = token_ids(sentences, growing.__getitem__, bos=-1, eos=eos)
        return (*growing, BOS), np.where(ids < 0, len(growing), ids).astype(np.int32)
    words = (UNKNOWN, EOS, *dict.fromkeys(word for word in vocabulary if word not in (UNKNOWN, EOS, BOS)), BOS)
    odd = next((word for word in words if word.split() != [word]), None)
    if odd is not None:
        raise BadInput(f"a word of a vocabulary has no blanks and is not empty, got {odd!r}")
    index = WordIds(words, unknown=0)
    return words, token_ids(sentences, index.__getitem__, bos=len(words) - 1, eos=1)


def _smoothed(words: tuple[str, ...], counts: NGramCounts, smoothing: str, minima: list[int]) -> NGramModel:
    """Interpolate each order with the one below: P(w | h) = kept / total + freed share of h * P(w | shorter h)."""
    log_probs = np.zeros(counts.word.size, np.float32)
    backoffs = np.zeros(counts.word.size, np.float32)
    listed = np.ones(counts.word.size, bool)
    lower = np.array([1.0 / (len(words) - 1)])  # any word but the sentence start
    for order in range(1, counts.order + 1):
        level, above = counts.level(order), counts.level(order - 1)
        kept, freed = SMOOTHING[smoothing](counts, order)
        if order > 1:
            listed[level] = counts.count[level] >= minima[order - 1]
            freed = np.where(listed[level], freed, kept + freed)
            kept = np.where(listed[level], kept, 0.0)
        history = counts.parent[level] - above.start
        size = above.stop - above.start
        total = np.bincount(history, kept + freed, size)
        total[total == 0] = 1.0
        gamma = np.bincount(history, freed, size) / total
        lower = kept / total[history] + gamma[history] * lower[counts.suffix[level] - above.start]
        with np.errstate(divide="ignore"):
            log_probs[level] = np.log(lower)
            backoffs[above] = np.where(gamma > 0, np.log(gamma), 0.0)
    backoffs[0] = 0.0  # every word is listed after the empty history
    log_probs[len(words)] = LOG_NEVER
    model = NGramModel(words, counts.level_start, counts.parent, counts.word, log_probs, backoffs)
    return subset(model, listed)
