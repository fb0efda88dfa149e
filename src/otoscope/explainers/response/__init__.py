"""Perturbation response: what a recogniser still hears as the sound is changed step by step.

In come a recogniser, a recording and a dimension (noise, band, tempo, pitch, …), out goes a `Finding` with
psychometric functions: at which level each word breaks, with an interval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otoscope.core.late import lazy

if TYPE_CHECKING:
    from otoscope.explainers.response.dimensions import DIMENSIONS, Dimension, changed
    from otoscope.explainers.response.responding import respond
    from otoscope.explainers.response.trials import Trials, run_trials

_ROOM = "otoscope.explainers.response"
_PUBLIC = {
    "DIMENSIONS": f"{_ROOM}.dimensions:DIMENSIONS",
    "Dimension": f"{_ROOM}.dimensions:Dimension",
    "Trials": f"{_ROOM}.trials:Trials",
    "changed": f"{_ROOM}.dimensions:changed",
    "respond": f"{_ROOM}.responding:respond",
    "run_trials": f"{_ROOM}.trials:run_trials",
}

__all__ = ["DIMENSIONS", "Dimension", "Trials", "changed", "respond", "run_trials"]

__getattr__ = lazy(__name__, _PUBLIC)
