"""Lists of items chosen from a lexicon by rule: frequency by density, words and matched pseudowords, deviations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.lexicon.cohorts import cohorts
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.neighbours import neighbours
from otoscope.lexicon.phone_features import PHONE_FEATURES
from otoscope.lexicon.pronunciations import Phones
from otoscope.lexicon.pseudowords import PseudowordMaker
from otoscope.listener.stimuli.items import Item

CELLS = ("high-dense", "high-sparse", "low-dense", "low-sparse")
"""Conditions of `frequency_by_density`: frequency, then neighbourhood."""


def frequency_by_density(
    lexicon: MentalLexicon,
    n_per_cell: int,
    *,
    seed: int,
    n_phones: int = 4,
    high: tuple[float, float] = (4.2, 5.2),
    low: tuple[float, float] = (2.7, 3.5),
) -> tuple[Item, ...]:
    """Choose words for frequency (high, low) by neighbourhood density (dense, sparse), all of one length.

    Dense are the words of the highest third of densities within their frequency, sparse those of the lowest; within
    each pair of dense and sparse cells frequencies are matched item by item (nearest first), as are densities across
    frequency only by the thirds. `details` of each item has `zipf` and `density`.

    Parameters
    ----------
    lexicon
        Words as usually said; neighbours are counted in all of it.
    n_per_cell
        Words in each of the four cells.
    seed
        Of the draw.
    n_phones
        Length of all words.
    high, low
        Least and most Zipf of frequent and of rare words.

    Raises
    ------
    BadInput
        A cell has too few words.
    """
    rng = np.random.default_rng(seed)
    said = [ways[0] for ways in lexicon.pronunciations]
    usual = [len(lexicon.words[w]) > 2 and lexicon.words[w].isalpha() for w in range(len(lexicon))]
    zipfs = lexicon.zipfs
    chosen: list[Item] = []
    for level, (least, most) in (("high", high), ("low", low)):
        own = np.array(
            [w for w in range(len(lexicon)) if usual[w] and len(said[w]) == n_phones and least <= zipfs[w] <= most]
        )
        density = neighbours([said[w] for w in own], lexicon).density if own.size else np.zeros(0, np.int64)
        sparse, dense = (np.flatnonzero(part) for part in _thirds(density))
        if min(dense.size, sparse.size) < n_per_cell:
            raise BadInput(
                f"the lexicon has {dense.size} dense and {sparse.size} sparse words of {n_phones} phones and "
                f"{least:g} to {most:g} Zipf, {n_per_cell} were asked for"
            )
        pairs = _matched(dense, sparse, zipfs[own], n_per_cell, rng)
        for kind, places in zip(("dense", "sparse"), pairs, strict=True):
            chosen += [_item(lexicon, int(own[i]), f"{level}-{kind}", density=int(density[i])) for i in places]
    return tuple(chosen)


def lexical_decision_list(
    lexicon: MentalLexicon,
    n_words: int,
    *,
    seed: int,
    known: MentalLexicon | None = None,
    zipf: tuple[float, float] = (2.5, 5.5),
    phones: tuple[int, int] = (3, 9),
) -> tuple[Item, ...]:
    """Choose words spread evenly over frequency, and for each a pseudoword with one phone changed anywhere.

    Words and pseudowords so have the same lengths and like phonotactics; the changed phone lies at a random place, so
    that pseudowords can be told early or late (`details`: `deviation_point`, `base`).

    Parameters
    ----------
    lexicon
        Words as usually said; single letters and words with apostrophes are left out.
    n_words
        As many words as pseudowords.
    seed
        Of every draw.
    known
        What counts as a word besides: the whole lexicon, where `lexicon` is a part of it.
    zipf, phones
        Least and most of both.

    Raises
    ------
    BadInput
        The lexicon has too few such words.
    """
    rng = np.random.default_rng(seed)
    zipfs = lexicon.zipfs
    fit = [
        word
        for word, ways in enumerate(lexicon.pronunciations)
        if zipf[0] <= zipfs[word] <= zipf[1]
        and phones[0] <= len(ways[0]) <= phones[1]
        and len(lexicon.words[word]) > 2
        and lexicon.words[word].isalpha()
    ]
    chosen = _spread(np.array(fit, dtype=np.int64), zipfs, zipf, n_words, rng)
    maker = PseudowordMaker(lexicon, known=known)
    bases = [lexicon.pronunciations[word][0] for word in chosen]
    made = maker.one_for_each(bases, seed=int(rng.integers(2**31)))
    points = cohorts(bases, known or lexicon).uniqueness_point
    words = [
        _item(lexicon, int(word), "word", uniqueness_point=int(point))
        for word, point in zip(chosen, points, strict=True)
    ]
    pseudowords = [
        Item(
            one.label,
            None,
            one.phones,
            "pseudoword",
            "pseudoword",
            details={"base": lexicon.words[word], "deviation_point": one.deviation_point, "changed": one.changed},
        )
        for word, one in zip(chosen, made, strict=True)
    ]
    return (*words, *pseudowords)


def mispronunciations(word: str, lexicon: MentalLexicon, *, position: int = 0) -> tuple[tuple[Phones, int], ...]:
    """Return the pseudowords a word becomes by another consonant or vowel at a place, and by how many features.

    Connine, Blasko and Titone (1993) compared deviations of one or two features with larger ones. Features are those
    of `otoscope.lexicon.phone_features`; the smallest deviations come first.
    """
    said = lexicon.pronunciations[lexicon.position(word)][0]
    maker = PseudowordMaker(lexicon)
    found = [
        (one.phones, feature_distance(said[position], one.phones[position]))
        for one in maker.changed_at(said, position % len(said))
    ]
    return tuple(sorted(found, key=lambda pair: pair[1]))


def feature_distance(first: str, second: str) -> int:
    """Return in how many articulatory features two ARPAbet phones differ.

    Examples
    --------
    >>> feature_distance("P", "B"), feature_distance("P", "Z")
    (1, 3)
    """
    one, other = PHONE_FEATURES[first], PHONE_FEATURES[second]
    names = ("manner", "place", "voicing", "height", "backness")
    return sum(getattr(one, name) != getattr(other, name) for name in names)


def _item(lexicon: MentalLexicon, word: int, condition: str, **details: int) -> Item:
    name = lexicon.words[word]
    zipf = float(lexicon.zipfs[word])
    return Item(name, name, lexicon.pronunciations[word][0], "word", condition, details={"zipf": zipf, **details})


def _thirds(values: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which values are in the lowest and in the highest third."""
    if not values.size:
        return np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)
    low, high = np.quantile(values, [1 / 3, 2 / 3])
    return values <= low, values >= max(high, low + 1)


def _matched(
    first: NDArray[np.int64], second: NDArray[np.int64], zipfs: NDArray[np.float64], n: int, rng: np.random.Generator
) -> tuple[list[int], list[int]]:
    """Draw `n` of the first, and for each the free one of the second nearest in frequency."""
    ones = rng.permutation(first)[:n].tolist()
    free = rng.permutation(second).tolist()
    others = []
    for one in ones:
        nearest = min(free, key=lambda other: abs(zipfs[other] - zipfs[one]))
        free.remove(nearest)
        others.append(nearest)
    return ones, others


def _spread(
    fit: NDArray[np.int64],
    zipfs: NDArray[np.float64],
    zipf: tuple[float, float],
    n_words: int,
    rng: np.random.Generator,
) -> Sequence[int]:
    """Draw words whose frequencies are spread evenly: the free word nearest to each of `n_words` wanted values."""
    if fit.size < n_words:
        raise BadInput(f"the lexicon has {fit.size} such words, {n_words} were asked for; widen zipf or phones")
    order = rng.permutation(fit)
    free = np.ones(order.size, dtype=bool)
    chosen = []
    for wanted in np.linspace(*zipf, n_words):
        distance = np.where(free, np.abs(zipfs[order] - wanted), np.inf)
        place = int(np.argmin(distance))
        free[place] = False
        chosen.append(int(order[place]))
    return chosen
