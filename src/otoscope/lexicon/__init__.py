"""Words as text and as sounds: normalisation, pronunciations, language models, and a listener's mental lexicon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve

if TYPE_CHECKING:
    from otoscope.lexicon.cohorts import Cohorts
    from otoscope.lexicon.embedding import anadromes, carriers, embedded
    from otoscope.lexicon.item_measures import ItemMeasures, measured
    from otoscope.lexicon.mental_lexicon import Forms, MentalLexicon
    from otoscope.lexicon.neighbours import Neighbourhoods
    from otoscope.lexicon.normalization import normalize_words
    from otoscope.lexicon.phonotactics import Phonotactics
    from otoscope.lexicon.pronunciations import Pronunciations, cmudict
    from otoscope.lexicon.pseudowords import Pseudoword, PseudowordMaker

_HOMES = {
    "Cohorts": "cohorts",
    "Forms": "mental_lexicon",
    "ItemMeasures": "item_measures",
    "MentalLexicon": "mental_lexicon",
    "Neighbourhoods": "neighbours",
    "Phonotactics": "phonotactics",
    "Pronunciations": "pronunciations",
    "Pseudoword": "pseudowords",
    "PseudowordMaker": "pseudowords",
    "anadromes": "embedding",
    "carriers": "embedding",
    "cmudict": "pronunciations",
    "embedded": "embedding",
    "measured": "item_measures",
    "normalize_words": "normalization",
}
__all__ = [
    "Cohorts",
    "Forms",
    "ItemMeasures",
    "MentalLexicon",
    "Neighbourhoods",
    "Phonotactics",
    "Pronunciations",
    "Pseudoword",
    "PseudowordMaker",
    "anadromes",
    "carriers",
    "cmudict",
    "embedded",
    "measured",
    "normalize_words",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return resolve(f"otoscope.lexicon.{_HOMES[name]}:{name}")
    raise AttributeError(f"module 'otoscope.lexicon' has no attribute {name!r}")
