"""How much layers know: the information plane, of any network, at any moment of its training.

In come activations by epoch and layer, out goes a `Finding` whose every figure stands beside its estimator's ceiling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otoscope.core.late import lazy

if TYPE_CHECKING:
    from otoscope.explainers.information.instants import Instants, activations_at, labelled_instants
    from otoscope.explainers.information.plane import information_plane
    from otoscope.explainers.information.recorder import Recorder, chosen_epochs
    from otoscope.explainers.information.reduction import reduced

_ROOM = "otoscope.explainers.information"
_PUBLIC = {
    "Instants": f"{_ROOM}.instants:Instants",
    "Recorder": f"{_ROOM}.recorder:Recorder",
    "activations_at": f"{_ROOM}.instants:activations_at",
    "chosen_epochs": f"{_ROOM}.recorder:chosen_epochs",
    "information_plane": f"{_ROOM}.plane:information_plane",
    "labelled_instants": f"{_ROOM}.instants:labelled_instants",
    "reduced": f"{_ROOM}.reduction:reduced",
}

__all__ = [
    "Instants",
    "Recorder",
    "activations_at",
    "chosen_epochs",
    "information_plane",
    "labelled_instants",
    "reduced",
]

__getattr__ = lazy(__name__, _PUBLIC)
