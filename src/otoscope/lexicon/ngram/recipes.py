"""Language models for recognisers: background text and transcripts in, one mixed and pruned model out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from otoscope.core import BadInput
from otoscope.lexicon.ngram.estimation import estimate
from otoscope.lexicon.ngram.mixing import interpolate, tune_weights
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.lexicon.ngram.pruning import prune_to
from otoscope.lexicon.ngram.sentences import Sentences, as_sentences

Text = Sentences | str | os.PathLike[str]
LEAST_WEIGHT = 0.003
"""No part of a mixture is given less than this: what the held-out text lacks may still be said."""


def most_frequent(text: Text, size: int) -> tuple[str, ...]:
    """Return the `size` most frequent words of a text, those alike in the order of the alphabet.

    Raises
    ------
    BadInput
        `size` is not positive.
    """
    if size < 1:
        raise BadInput(f"a vocabulary has 1 word or more, got {size}")
    counts: Counter[str] = Counter()
    for sentence in as_sentences(text):
        counts.update(sentence)
    return tuple(word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:size])


def choose_vocabulary(background: Text, transcripts: Iterable[Text], *, size: int = 60_000) -> tuple[str, ...]:
    """Return the most frequent words of background text, and every word of the transcripts."""
    domain = sorted({word for text in transcripts for sentence in as_sentences(text) for word in sentence})
    return tuple(dict.fromkeys((*most_frequent(background, size), *domain)))


@dataclass(frozen=True)
class Mixed:
    """A mixed model, the weight of each part, background first, and the model that weighed its histories."""

    model: NGramModel
    weights: tuple[float, ...]
    histories: NGramModel


def mix_texts(
    background: Text,
    transcripts: Sequence[Text],
    *,
    vocabulary: Sequence[str],
    weights: Sequence[float] | None = None,
    held_out: Text | None = None,
    order: int = 3,
    n_background: int | None = None,
    weighing: Literal["fixed", "history"] = "history",
) -> Mixed:
    """Mix a Kneser–Ney model of much text with Witten–Bell models of a few transcripts.

    Parameters
    ----------
    background
        Much text, such as books.
    transcripts
        A text for each kind of speech that will be recognised.
    weights
        One for the background and one for each of `transcripts`; by default those that suit `held_out` best.
    held_out
        Text of the kinds to be recognised, each as much as it matters.
    n_background
        Prune the background model to so many n-grams first; the mixture then takes less time and memory.
    weighing
        See `interpolate`.

    Raises
    ------
    BadInput
        Neither weights nor held-out text were given, or they do not fit.
    """
    books = estimate(background, order=order, vocabulary=vocabulary)
    plain = estimate(background, order=max(order - 1, 1), smoothing="witten-bell", vocabulary=vocabulary)
    if n_background is not None:
        books = prune_to(books, n_background, histories=plain)
    domains = [estimate(t, order=order, smoothing="witten-bell", vocabulary=vocabulary) for t in transcripts]
    if weights is None:
        if held_out is None:
            raise BadInput("a mixture needs weights, or held-out text to find them by")
        tuned = [max(weight, LEAST_WEIGHT) for weight in tune_weights([books, *domains], held_out, weighing=weighing)]
        weights = [weight / sum(tuned) for weight in tuned]
    return Mixed(
        interpolate([books, *domains], weights, weighing=weighing),
        tuple(weights),
        interpolate([plain, *domains], weights, weighing=weighing),
    )
