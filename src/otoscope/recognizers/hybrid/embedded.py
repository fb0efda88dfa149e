"""The recogniser that ships with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from otoscope.recognizers.hybrid.recognizer import HybridRecognizer

FOLDER = Path(__file__).parents[1] / "weights" / "otoscope-en"
"""Weights, phone models, lexicon and language model; `README.md` beside them is the model card."""


def otoscope_en(**fields: Any) -> HybridRecognizer:
    """Return the embedded recogniser of English, trained by `otoscope.recognizers.hybrid.otoscope_en`.

    Parameters
    ----------
    fields
        Of the card, in place of what it says: `beam`, `max_active`, `lm_scale`, `n_best`, … (`HybridCard`).

    Raises
    ------
    BadInput
        The card has no such field.
    """
    return HybridRecognizer.load(FOLDER, **fields)
