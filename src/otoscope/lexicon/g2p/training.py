"""Training and judging of grapheme-to-phoneme models: a dictionary in, a model and its error rates out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from otoscope.core import BadInput
from otoscope.lexicon.g2p.alignment import align, fits
from otoscope.lexicon.g2p.model import GraphoneModel, written
from otoscope.lexicon.ngram.estimation import estimate
from otoscope.lexicon.ngram.pruning import prune_to
from otoscope.lexicon.pronunciations import Phones

Entries = Mapping[str, Sequence[Phones]]
_WORD = re.compile(r"[a-z']+")


@dataclass(frozen=True)
class PronunciationErrors:
    """Errors of a model on words that it was not trained on.

    A word counts as right if it gets any pronunciation of the dictionary; phone errors are edits to the nearest one,
    as a share of that one's phones.
    """

    n_words: int
    n_wrong: int
    n_phones: int
    n_phone_errors: int

    @property
    def word_error_rate(self) -> float:
        """Share of the words without a right pronunciation."""
        return self.n_wrong / self.n_words

    @property
    def phone_error_rate(self) -> float:
        """Phone edits as a share of the reference phones."""
        return self.n_phone_errors / self.n_phones


def split_by_word(entries: Entries, *, share: float = 0.1, seed: int = 0) -> tuple[Entries, Entries]:
    """Split a dictionary into words to train on and words to judge by, `share` of them the latter."""
    words = sorted(word for word in entries if _WORD.fullmatch(word))
    judged = set(np.random.default_rng(seed).permutation(words)[: round(share * len(words))].tolist())
    return {w: entries[w] for w in words if w not in judged}, {w: entries[w] for w in words if w in judged}


def train(entries: Entries, *, order: int = 8, n_ngrams: int | None = None) -> GraphoneModel:
    """Train a joint-sequence model on a dictionary.

    Parameters
    ----------
    entries
        Words of a to z and apostrophe with their pronunciations; others, and words with more than two phones a letter,
        are left out.
    order
        Length of the longest graphone n-grams.
    n_ngrams
        Prune the model to so many n-grams of order 2 or more; `None` keeps all.

    Raises
    ------
    BadInput
        No word is left to train on.
    """
    pairs = [
        (w, phones) for w, variants in entries.items() if _WORD.fullmatch(w) for phones in variants if fits(w, phones)
    ]
    if not pairs:
        raise BadInput("a grapheme-to-phoneme model needs words of a to z with at most two phones a letter")
    sentences = [[written(graphone) for graphone in graphones] for graphones in align(pairs)]
    ngrams = estimate(sentences, order=order)
    return GraphoneModel(ngrams if n_ngrams is None else prune_to(ngrams, n_ngrams))


def judge(model: GraphoneModel, entries: Entries) -> PronunciationErrors:
    """Count the errors of a model's best pronunciation of each word."""
    n_wrong = n_phones = n_errors = 0
    for word, variants in entries.items():
        found = model.decode(word)
        best = found[0][0] if found else ()
        edits, reference = min(((_edits(variant, best), variant) for variant in variants), key=lambda item: item[0])
        n_wrong += edits > 0
        n_errors += edits
        n_phones += len(reference)
    return PronunciationErrors(len(entries), n_wrong, n_phones, n_errors)


def _edits(reference: Phones, hypothesis: Phones) -> int:
    """Levenshtein distance; `decoding.edit_distance` lies above this room."""
    row = list(range(len(hypothesis) + 1))
    for i, wanted in enumerate(reference, start=1):
        diagonal, row[0] = row[0], i
        for j, got in enumerate(hypothesis, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (wanted != got))
    return row[-1]
