"""Layer by layer: what each has heard, knows, resembles and tells apart.

In come a recogniser whose inside is open and recordings or utterances, out goes a `Finding` with a row for each layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otoscope.core.late import lazy

if TYPE_CHECKING:
    from otoscope.explainers.layers.discrimination import discriminate
    from otoscope.explainers.layers.hearing import LayerHearing, WordPath, hearings, word_paths
    from otoscope.explainers.layers.lensing import lens
    from otoscope.explainers.layers.probing import ProbePlan, probe
    from otoscope.explainers.layers.resembling import resemblance
    from otoscope.explainers.layers.sites import layer_sites

_ROOM = "otoscope.explainers.layers"
_PUBLIC = {
    "LayerHearing": f"{_ROOM}.hearing:LayerHearing",
    "ProbePlan": f"{_ROOM}.probing:ProbePlan",
    "WordPath": f"{_ROOM}.hearing:WordPath",
    "discriminate": f"{_ROOM}.discrimination:discriminate",
    "hearings": f"{_ROOM}.hearing:hearings",
    "layer_sites": f"{_ROOM}.sites:layer_sites",
    "lens": f"{_ROOM}.lensing:lens",
    "probe": f"{_ROOM}.probing:probe",
    "resemblance": f"{_ROOM}.resembling:resemblance",
    "word_paths": f"{_ROOM}.hearing:word_paths",
}

__all__ = [
    "LayerHearing",
    "ProbePlan",
    "WordPath",
    "discriminate",
    "hearings",
    "layer_sites",
    "lens",
    "probe",
    "resemblance",
    "word_paths",
]

__getattr__ = lazy(__name__, _PUBLIC)
