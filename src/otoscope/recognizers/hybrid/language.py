"""What a recogniser of this family may be told to hear: its language model and its lexicon."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from otoscope.core import BadInput
from otoscope.corpora.utterance import Utterance
from otoscope.lexicon.ngram import NGramModel, estimate
from otoscope.lexicon.normalization import normalize_words
from otoscope.recognizers.hmm.language import END_LOG, NOTHING_LOG

BOS, EOS = "<s>", "</s>"


def any_order(words: Sequence[str]) -> NGramModel:
    """Return the model in which all words are equally likely at any place: a word loop.

    An utterance ends after each word with probability one half, and has no words with 0.01.

    Examples
    --------
    >>> round(math.exp(any_order(["yes", "no"]).log_prob(["no", "yes"])), 6)
    0.061875

    Raises
    ------
    BadInput
        There is no word.
    """
    n = len(words)
    if not n:
        raise BadInput("a word loop needs a word at least")
    first, later = (math.log1p(-math.exp(log)) - math.log(n) for log in (NOTHING_LOG, END_LOG))
    n_unigrams = n + 2
    return NGramModel(
        (*words, EOS, BOS),
        np.array([0, 1, 1 + n_unigrams, 2 + n_unigrams + n], np.int64),
        np.array([-1] + [0] * n_unigrams + [n_unigrams] * (n + 1), np.int32),
        np.array([-1, *range(n_unigrams), *range(n + 1)], np.int32),
        np.array([0.0, *[later] * n, END_LOG, -99.0, *[first] * n, NOTHING_LOG], np.float32),
        np.zeros(2 + n_unigrams + n, np.float32),
    )


def model_of_texts(corpus: Sequence[Utterance]) -> NGramModel:
    """Return a trigram model of what is said in a corpus."""
    return estimate([normalize_words(u.text) for u in corpus], order=3, smoothing="witten-bell")
