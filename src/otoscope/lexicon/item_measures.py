"""All lexical measures of items in one table: what a psycholinguist matches items by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from otoscope.lexicon.cohorts import cohorts
from otoscope.lexicon.embedding import carriers, embedded
from otoscope.lexicon.form_index import index_of, items_as_phones, own_forms
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.lexicon.neighbours import neighbours
from otoscope.lexicon.phonotactics import Phonotactics
from otoscope.lexicon.pronunciations import Phones
from otoscope.lexicon.rhymes import rhymes
from otoscope.lexicon.syllables import n_syllables


@dataclass(frozen=True)
class ItemMeasures:
    """What a lexicon says of one item.

    Parameters
    ----------
    label
        The word, or the phones of a phone string.
    phones
        The phones, parted by spaces.
    is_word
        Whether a word is said so.
    zipf
        log10 occurrences of the form in a billion words, its homophones together; `None` for what is no word.
    n_phones, n_syllables
        Length.
    density, weighted_density
        Neighbours, and their Zipf frequencies added (`otoscope.lexicon.neighbours`).
    onset_density, cohort_sizes, uniqueness_point
        Words with the same first two phones; words left after each phone; where none is left
        (`otoscope.lexicon.cohorts`).
    n_embedded, n_onset_embedded, n_carriers, n_rhymes
        Words of two or more phones inside, at the beginning; words around; rhymes (`otoscope.lexicon.embedding`).
    segment_probability, biphone_probability
        Mean phonotactic probabilities (`otoscope.lexicon.phonotactics`); `None` for biphones of one phone.
    """

    label: str
    phones: str
    is_word: bool
    zipf: float | None
    n_phones: int
    n_syllables: int
    density: int
    weighted_density: float
    onset_density: int
    cohort_sizes: tuple[int, ...]
    uniqueness_point: int
    n_embedded: int
    n_onset_embedded: int
    n_carriers: int
    n_rhymes: int
    segment_probability: float
    biphone_probability: float | None

    def row(self) -> dict[str, Any]:
        """Return the measures as a row of a table."""
        return asdict(self)


def measured(items: Iterable[str | Phones], lexicon: MentalLexicon) -> tuple[ItemMeasures, ...]:
    """Return the measures of words (as usually said) or phone strings against a lexicon.

    Raises
    ------
    UnknownName
        A word the lexicon lacks.

    Examples
    --------
    >>> said = [(("K", "AE", "T"),), (("K", "AE", "T", "S"),), (("M", "AE", "T"),)]
    >>> small = MentalLexicon(("cat", "cats", "mat"), tuple(said), np.ones(3))
    >>> (cat,) = measured(["cat"], small)
    >>> cat.density, cat.uniqueness_point, cat.n_rhymes, cat.n_carriers
    (2, 4, 1, 1)
    """
    items = tuple(items)
    phones = items_as_phones(items, lexicon)
    near, ahead = neighbours(phones, lexicon), cohorts(phones, lexicon)
    inside, around = embedded(phones, lexicon), carriers(phones, lexicon)
    rhyming, likely = rhymes(phones, lexicon), Phonotactics(lexicon).probabilities(phones)
    own = own_forms(phones, index_of(lexicon))
    zipfs = np.log10(index_of(lexicon).per_million[own]) + 3
    density, weighted, onset_density = near.density, near.weighted_density, ahead.onset_density
    n_inside, n_onset, n_around = inside.counts, inside.at_onset, around.counts
    segment, biphone = likely.segment_mean, likely.biphone_mean
    return tuple(
        ItemMeasures(
            label=item if isinstance(item, str) else "-".join(said),
            phones=" ".join(said),
            is_word=bool(own[i] >= 0),
            zipf=float(zipfs[i]) if own[i] >= 0 else None,
            n_phones=len(said),
            n_syllables=n_syllables(said),
            density=int(density[i]),
            weighted_density=float(weighted[i]),
            onset_density=int(onset_density[i]),
            cohort_sizes=tuple(int(size) for size in ahead.sizes[i, : len(said)]),
            uniqueness_point=int(ahead.uniqueness_point[i]),
            n_embedded=int(n_inside[i]),
            n_onset_embedded=int(n_onset[i]),
            n_carriers=int(n_around[i]),
            n_rhymes=len(rhyming[i]),
            segment_probability=float(segment[i]),
            biphone_probability=float(biphone[i]) if len(said) > 1 else None,
        )
        for i, (item, said) in enumerate(zip(items, phones, strict=True))
    )
