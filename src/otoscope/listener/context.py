"""What a listener expects before a word begins: how often words are said, what was said before, what was just heard.

Each source gives `(n_words,)` log-probabilities over the words of a lexicon; `interpolated` mixes them with the
frequency prior, and `form_priors` turns the result into priors of the forms of the word tree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from otoscope.core import BadInput
from otoscope.lexicon.mental_lexicon import MentalLexicon, pooled
from otoscope.lexicon.ngram.model import NGramModel

Floats = NDArray[np.float64]


def form_priors(lexicon: MentalLexicon, log_priors: Floats) -> Floats:
    """Return `(n_forms,)` log priors of the lexicon's forms, in their order, homophones pooled."""
    _check(lexicon, log_priors)
    return pooled(lexicon, log_priors).log_prior


def interpolated(lexicon: MentalLexicon, expected: Floats, *, weight: float) -> Floats:
    """Return log((1 - w) P(word by frequency) + w P(word in context)) (Jelinek and Mercer 1980).

    Parameters
    ----------
    lexicon
        The words.
    expected
        `(n_words,)` log-probabilities in context; minus infinity where a word is not expected at all.
    weight
        0 leaves the frequency prior, 1 takes the context alone.
    """
    _check(lexicon, expected)
    if not 0 <= weight <= 1:
        raise BadInput(f"the weight of the context lies between 0 and 1, got {weight}")
    with np.errstate(divide="ignore"):
        return np.asarray(np.logaddexp(np.log1p(-weight) + lexicon.log_priors, np.log(weight) + expected))


def ngram_priors(lexicon: MentalLexicon, model: NGramModel, history: Sequence[str]) -> Floats:
    """Return log P(word | history) under an n-gram model, over the words of the lexicon.

    Words that the model lacks share what it gives to the unknown word in proportion to their frequency (next to
    nothing where it has none); what it gives to words that the lexicon lacks, and to the end of the sentence, is spread
    over all.

    Parameters
    ----------
    lexicon
        The words.
    model
        Of any order.
    history
        Words said before, from the start of the sentence.
    """
    node = np.array([model.bos + 1], np.int32)
    for word in model.ids(history):
        _, node = model.advance(node, np.array([word], np.int32))
    known = np.array([word in model.index for word in lexicon.words])
    ids = model.ids([word for word, there in zip(lexicon.words, known, strict=True) if there])
    log_p = np.full(len(lexicon), -np.inf)
    log_p[known], _ = model.advance(np.repeat(node, ids.size), ids)
    if not known.all():
        unknown, _ = model.advance(node, np.array([model.unknown], np.int32))
        shares = lexicon.log_priors[~known]
        log_p[~known] = unknown[0] + shares - logsumexp(shares)
    return np.asarray(log_p - logsumexp(log_p))


def cloze_priors(lexicon: MentalLexicon, cloze: Mapping[str, float]) -> Floats:
    """Return log-probabilities from a cloze table: which word people put in a gap (Taylor 1953).

    Parameters
    ----------
    lexicon
        The words.
    cloze
        Word → share of people who gave it; what is missing to 1 (other answers) goes to the other words by frequency.

    Raises
    ------
    UnknownName
        A word is not in the lexicon.
    BadInput
        A share is not above 0, or they sum to more than 1.
    """
    shares = np.zeros(len(lexicon))
    for word, share in cloze.items():
        if not 0 < share <= 1:
            raise BadInput(f"shares of people lie above 0 and up to 1, got {share} for {word!r}")
        shares[lexicon.position(word)] = share
    total = float(shares.sum())
    if total > 1 + 1e-9:
        raise BadInput(f"shares of people sum to 1 at most, got {total:g}; divide counts by the number of people")
    others = np.where(shares > 0, 0.0, np.exp(lexicon.log_priors))
    if others.sum() > 0:
        shares = shares + max(1 - total, 0.0) * others / others.sum()
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(shares / shares.sum()))


def repetition_priors(
    lexicon: MentalLexicon, heard: Sequence[str], *, boost: float = 1.0, half_life: float = 20.0
) -> Floats:
    """Return log-probabilities by recency alone: words heard lately are expected again (Scarborough et al. 1977).

    Parameters
    ----------
    lexicon
        The words.
    heard
        Words heard, the last one last; each hearing adds `boost` to the logarithm of the word's frequency, halved for
        every `half_life` words since.
    boost
        Nats that a word gains from being heard a moment ago.
    half_life
        In words.

    Raises
    ------
    UnknownName
        A word is not in the lexicon.
    """
    if boost < 0 or half_life <= 0:
        raise BadInput(f"boost must be 0 or more and half_life above 0, got {boost} and {half_life}")
    log_p = lexicon.log_priors.copy()
    for lag, word in enumerate(reversed(heard)):
        log_p[lexicon.position(word)] += boost * 0.5 ** (lag / half_life)
    return np.asarray(log_p - logsumexp(log_p))


def _check(lexicon: MentalLexicon, log_priors: Floats) -> None:
    if np.shape(log_priors) != (len(lexicon),) or np.isnan(log_priors).any():
        raise BadInput(f"a log-probability for each of {len(lexicon)} words is needed, got {np.shape(log_priors)}")
