"""Mechanisms: which places inside a recogniser carry a word, found by changing them and listening to what changes.

Everything goes through `edited`, `score`, `score_at` and `gradient`, so it works for every recogniser that can be
looked into. Importing this package loads nothing; each function is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve

if TYPE_CHECKING:
    from otoscope.explainers.mechanisms.attribution_patching import attribution_patch
    from otoscope.explainers.mechanisms.pairs import fitted, masked, noisy
    from otoscope.explainers.mechanisms.parts import Node, residual_nodes, units_at
    from otoscope.explainers.mechanisms.patching import patch, patch_nodes

_ROOM = "otoscope.explainers.mechanisms"
_PUBLIC = {
    "Node": f"{_ROOM}.parts:Node",
    "attribution_patch": f"{_ROOM}.attribution_patching:attribution_patch",
    "fitted": f"{_ROOM}.pairs:fitted",
    "masked": f"{_ROOM}.pairs:masked",
    "noisy": f"{_ROOM}.pairs:noisy",
    "patch": f"{_ROOM}.patching:patch",
    "patch_nodes": f"{_ROOM}.patching:patch_nodes",
    "residual_nodes": f"{_ROOM}.parts:residual_nodes",
    "units_at": f"{_ROOM}.parts:units_at",
}

__all__ = [
    "Node",
    "attribution_patch",
    "fitted",
    "masked",
    "noisy",
    "patch",
    "patch_nodes",
    "residual_nodes",
    "units_at",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return resolve(_PUBLIC[name])
    raise AttributeError(f"module 'otoscope.explainers.mechanisms' has no attribute {name!r}")
