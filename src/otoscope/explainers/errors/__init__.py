"""Word errors, each with its stretch of sound, its phones, what the sound itself prefers, and the layer it came from.

In come a recogniser and utterances with texts, out goes a `Finding` that sorts the errors by what caused them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otoscope.core.late import lazy

if TYPE_CHECKING:
    from otoscope.explainers.errors.diagnosing import diagnose
    from otoscope.explainers.errors.passages import Passage, misheard
    from otoscope.explainers.errors.sorting import CAUSES, Evidence, cause_of

_ROOM = "otoscope.explainers.errors"
_PUBLIC = {
    "CAUSES": f"{_ROOM}.sorting:CAUSES",
    "Evidence": f"{_ROOM}.sorting:Evidence",
    "Passage": f"{_ROOM}.passages:Passage",
    "cause_of": f"{_ROOM}.sorting:cause_of",
    "diagnose": f"{_ROOM}.diagnosing:diagnose",
    "misheard": f"{_ROOM}.passages:misheard",
}

__all__ = ["CAUSES", "Evidence", "Passage", "cause_of", "diagnose", "misheard"]

__getattr__ = lazy(__name__, _PUBLIC)
