"""Words as text and as sounds: text normalisation and pronunciations (later tokenizers and language models)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve

if TYPE_CHECKING:
    from otoscope.lexicon.normalization import normalize_words
    from otoscope.lexicon.pronunciations import Pronunciations, cmudict

__all__ = ["Pronunciations", "cmudict", "normalize_words"]

_PUBLIC = {
    "Pronunciations": "otoscope.lexicon.pronunciations:Pronunciations",
    "cmudict": "otoscope.lexicon.pronunciations:cmudict",
    "normalize_words": "otoscope.lexicon.normalization:normalize_words",
}


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return resolve(_PUBLIC[name])
    raise AttributeError(f"module 'otoscope.lexicon' has no attribute {name!r}")
