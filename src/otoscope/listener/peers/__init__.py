"""The peers of the listener, inside: TRACE and TISK, simulated on the words of their makers.

In come strings of phones, out come activations of words over processing cycles (`Simulated`) and reaction times by the
published criteria (`Responses`). Both models are written from their papers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otoscope.core.late import lazy

if TYPE_CHECKING:
    from otoscope.listener.peers.simulated import Simulated
    from otoscope.listener.peers.slex import Slex, read_slex
    from otoscope.listener.peers.tisk import TiskModel, TiskParameters
    from otoscope.listener.peers.trace import TraceModel
    from otoscope.listener.peers.trace_parameters import TraceParameters

_PUBLIC = {
    "Simulated": "otoscope.listener.peers.simulated:Simulated",
    "Slex": "otoscope.listener.peers.slex:Slex",
    "TiskModel": "otoscope.listener.peers.tisk:TiskModel",
    "TiskParameters": "otoscope.listener.peers.tisk:TiskParameters",
    "TraceModel": "otoscope.listener.peers.trace:TraceModel",
    "TraceParameters": "otoscope.listener.peers.trace_parameters:TraceParameters",
    "read_slex": "otoscope.listener.peers.slex:read_slex",
}

__all__ = ["Simulated", "Slex", "TiskModel", "TiskParameters", "TraceModel", "TraceParameters", "read_slex"]

__getattr__ = lazy(__name__, _PUBLIC)
