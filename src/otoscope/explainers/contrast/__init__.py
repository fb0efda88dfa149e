"""Contrast: why this word and not that one, what would flip it, and where in the space of sounds each word lies.

In come a recogniser, a recording and two words, out goes a `Finding`: a map of the contrast, a changed recording to be
played, or a plane of decisions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otoscope.core.late import lazy

if TYPE_CHECKING:
    from otoscope.explainers.contrast.contrasting import contrast_maps, why_not
    from otoscope.explainers.contrast.decisions import decision_regions, map_decisions
    from otoscope.explainers.contrast.flipping import flip
    from otoscope.explainers.contrast.flips import Flip, smallest_flip
    from otoscope.explainers.contrast.minimal import minimal_regions
    from otoscope.explainers.contrast.planes import Plane, between, changes, vowel_plane
    from otoscope.explainers.contrast.rivals import Rival, nearest_words, rivals_of
    from otoscope.explainers.contrast.sets import FoundSet, smallest_set

_ROOM = "otoscope.explainers.contrast"
_PUBLIC = {
    "Flip": f"{_ROOM}.flips:Flip",
    "FoundSet": f"{_ROOM}.sets:FoundSet",
    "Plane": f"{_ROOM}.planes:Plane",
    "Rival": f"{_ROOM}.rivals:Rival",
    "between": f"{_ROOM}.planes:between",
    "changes": f"{_ROOM}.planes:changes",
    "contrast_maps": f"{_ROOM}.contrasting:contrast_maps",
    "decision_regions": f"{_ROOM}.decisions:decision_regions",
    "flip": f"{_ROOM}.flipping:flip",
    "map_decisions": f"{_ROOM}.decisions:map_decisions",
    "minimal_regions": f"{_ROOM}.minimal:minimal_regions",
    "nearest_words": f"{_ROOM}.rivals:nearest_words",
    "rivals_of": f"{_ROOM}.rivals:rivals_of",
    "smallest_flip": f"{_ROOM}.flips:smallest_flip",
    "smallest_set": f"{_ROOM}.sets:smallest_set",
    "vowel_plane": f"{_ROOM}.planes:vowel_plane",
    "why_not": f"{_ROOM}.contrasting:why_not",
}

__all__ = [
    "Flip",
    "FoundSet",
    "Plane",
    "Rival",
    "between",
    "changes",
    "contrast_maps",
    "decision_regions",
    "flip",
    "map_decisions",
    "minimal_regions",
    "nearest_words",
    "rivals_of",
    "smallest_flip",
    "smallest_set",
    "vowel_plane",
    "why_not",
]

__getattr__ = lazy(__name__, _PUBLIC)
