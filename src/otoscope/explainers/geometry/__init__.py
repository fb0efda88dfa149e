"""The shape of what layers hold: how many directions, along which of them a score is sensitive, and how it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otoscope.core.late import lazy

if TYPE_CHECKING:
    from otoscope.explainers.geometry.corpus import corpus_geometry, corpus_tangents
    from otoscope.explainers.geometry.dimensions import geometry
    from otoscope.explainers.geometry.pictures import isomap, manifold_panel, principal
    from otoscope.explainers.geometry.tangents import tangent_sensitivity

_ROOM = "otoscope.explainers.geometry"
_PUBLIC = {
    "corpus_geometry": f"{_ROOM}.corpus:corpus_geometry",
    "corpus_tangents": f"{_ROOM}.corpus:corpus_tangents",
    "geometry": f"{_ROOM}.dimensions:geometry",
    "isomap": f"{_ROOM}.pictures:isomap",
    "manifold_panel": f"{_ROOM}.pictures:manifold_panel",
    "principal": f"{_ROOM}.pictures:principal",
    "tangent_sensitivity": f"{_ROOM}.tangents:tangent_sensitivity",
}

__all__ = [
    "corpus_geometry",
    "corpus_tangents",
    "geometry",
    "isomap",
    "manifold_panel",
    "principal",
    "tangent_sensitivity",
]

__getattr__ = lazy(__name__, _PUBLIC)
