"""Word and character error rates: align once, then every rate is a field."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.decoding.edit_distance import EditAlignment, align_sequences, align_words


@dataclass(frozen=True)
class ErrorRate:
    """Counts of an alignment, or of several pooled, and the rates that follow from them.

    Parameters
    ----------
    hits, substitutions, deletions, insertions
        Counts over all alignments.
    alignments
        What was counted, one for each utterance.

    Notes
    -----
    Rates over an empty reference: 0 where the hypothesis is empty too, else infinite.
    """

    hits: int
    substitutions: int
    deletions: int
    insertions: int
    alignments: tuple[EditAlignment, ...] = ()

    @property
    def n_reference(self) -> int:
        """Elements of the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def n_hypothesis(self) -> int:
        """Elements of the hypothesis."""
        return self.hits + self.substitutions + self.insertions

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors over elements of the reference; may exceed 1."""
        if self.n_reference == 0:
            return math.inf if self.errors else 0.0
        return self.errors / self.n_reference

    @property
    def match_error_rate(self) -> float:
        """Errors over all pairs and edits, in [0, 1] (Morris, Maier and Green 2004)."""
        return self.errors / (self.hits + self.errors) if self.hits + self.errors else 0.0

    @property
    def information_preserved(self) -> float:
        """Hits squared over elements of reference times hypothesis (Morris, Maier and Green 2004)."""
        if self.n_reference == 0 or self.n_hypothesis == 0:
            return float(self.n_reference == self.n_hypothesis)
        return self.hits / self.n_reference * (self.hits / self.n_hypothesis)

    @property
    def information_lost(self) -> float:
        """1 less `information_preserved`."""
        return 1.0 - self.information_preserved

    @classmethod
    def of(cls, alignment: EditAlignment) -> ErrorRate:
        """Count one alignment."""
        counts = alignment.n_matches, alignment.n_substitutions, alignment.n_deletions, alignment.n_insertions
        return cls(*counts, alignments=(alignment,))

    @classmethod
    def pooled(cls, rates: Iterable[ErrorRate]) -> ErrorRate:
        """Sum the counts of several; longer utterances weigh more, as is usual."""
        given = list(rates)
        return cls(
            sum(r.hits for r in given),
            sum(r.substitutions for r in given),
            sum(r.deletions for r in given),
            sum(r.insertions for r in given),
            tuple(a for r in given for a in r.alignments),
        )


def error_rate(reference: str | Sequence[str], hypothesis: str | Sequence[str]) -> ErrorRate:
    """Return the word error rate of one utterance.

    Strings are split at white space and compared as they are: normalise the text first where case or punctuation should
    not count. Ties between alignments are resolved as in `otoscope.decoding.edit_distance.align_sequences`.

    Examples
    --------
    >>> result = error_rate("ask not what your country can do", "as not what country can do now")
    >>> round(result.rate, 3), result.substitutions, result.deletions, result.insertions
    (0.429, 1, 1, 1)
    """
    return ErrorRate.of(align_words(reference, hypothesis))


def character_error_rate(reference: str, hypothesis: str) -> ErrorRate:
    """Return the character error rate of one utterance; spaces within count, those at the ends do not.

    Examples
    --------
    >>> character_error_rate("ask not", "as not").rate
    0.14285714285714285
    """
    return ErrorRate.of(align_sequences(reference.strip(), hypothesis.strip()))


def bootstrap_interval(
    rates: Sequence[ErrorRate],
    *,
    groups: Sequence[Hashable] | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the pooled rate, resampling utterances or speakers.

    Parameters
    ----------
    rates
        One for each utterance.
    groups
        The speaker of each utterance: utterances of one speaker are alike, so whole speakers are resampled then.
    level
        Probability that the interval should cover, in (0, 1).
    n_resamples, seed
        How many resamples are drawn, and from which seed.

    Raises
    ------
    BadInput
        No utterances, no words in any reference, a level outside (0, 1), or not one group for each utterance.

    Notes
    -----
    Bisani and Ney (2004), "Bootstrap estimates for confidence intervals in ASR performance evaluation". Resamples that
    happen to hold no reference word are left out. With fewer than some ten speakers the interval is too narrow.

    Examples
    --------
    >>> low, high = bootstrap_interval([error_rate("a b", "a b"), error_rate("c d", "c x")] * 20)
    >>> round(low, 2), round(high, 2)
    (0.17, 0.33)
    """
    errors, words = resampled_counts(rates, groups=groups, level=level, n_resamples=n_resamples, seed=seed)
    low, high = np.quantile(errors / words, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def resampled_counts(
    rates: Sequence[ErrorRate],
    *,
    groups: Sequence[Hashable] | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return errors and reference words of each resample; equal seeds draw the same utterances, whatever the rates.

    Parameters and errors are those of `bootstrap_interval`.
    """
    if not 0 < level < 1 or n_resamples < 1:
        raise BadInput(f"level must lie in (0, 1) and n_resamples be positive, got {level} and {n_resamples}")
    if groups is not None and len(groups) != len(rates):
        raise BadInput(f"{len(groups)} groups were given for {len(rates)} utterances")
    errors = np.array([r.errors for r in rates], dtype=np.float64)
    n_reference = np.array([r.n_reference for r in rates], dtype=np.float64)
    if not n_reference.any():
        raise BadInput(f"{len(rates)} utterances without a reference word have no error rate to bound")
    if groups is not None:
        numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
        index = [numbers[group] for group in groups]
        errors = np.bincount(index, weights=errors).astype(np.float64)
        n_reference = np.bincount(index, weights=n_reference).astype(np.float64)
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(errors.size, np.full(errors.size, 1 / errors.size), size=n_resamples)
    words = drawn @ n_reference
    return (drawn @ errors)[words > 0], words[words > 0]
