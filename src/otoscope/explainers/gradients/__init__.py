"""Explanations that look inside: slopes of a score at the features, and what is built from them.

Each method makes a `FineMap` for every target, frame by frame and band by band, which is summed into the segments that
every other method explains too. A recogniser must be `Substituting`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otoscope.core.late import lazy

if TYPE_CHECKING:
    from otoscope.explainers.gradients.fine_map import FineMap
    from otoscope.explainers.gradients.fine_method import fine_maps

_PUBLIC = {
    "FineMap": "otoscope.explainers.gradients.fine_map:FineMap",
    "fine_maps": "otoscope.explainers.gradients.fine_method:fine_maps",
}

__all__ = ["FineMap", "fine_maps"]

__getattr__ = lazy(__name__, _PUBLIC)
