"""Mechanisms: which places inside a recogniser carry a word, found by changing them and listening to what changes.

Everything goes through `edited`, `score`, `score_at` and `gradient`, so it works for every recogniser that can be
looked into. Importing this package loads nothing; each function is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otoscope.core.late import lazy

if TYPE_CHECKING:
    from otoscope.explainers.mechanisms.ablation import ablate
    from otoscope.explainers.mechanisms.attribution_patching import attribution_patch
    from otoscope.explainers.mechanisms.by_sound import sparse_codes, steer_by_sound
    from otoscope.explainers.mechanisms.causal_tracing import causal_trace
    from otoscope.explainers.mechanisms.circuit_checks import CircuitChecks, check_circuit, discover
    from otoscope.explainers.mechanisms.circuits import Circuit, circuit_graph, find_circuit
    from otoscope.explainers.mechanisms.feature_sounds import sparse_features
    from otoscope.explainers.mechanisms.logit_shares import logit_attribution
    from otoscope.explainers.mechanisms.pairs import fitted, masked, noisy
    from otoscope.explainers.mechanisms.parts import Node, residual_nodes, units_at
    from otoscope.explainers.mechanisms.patching import patch, patch_nodes
    from otoscope.explainers.mechanisms.path_patching import path_patch
    from otoscope.explainers.mechanisms.sparse_code import SparseCode, fit_sparse_code
    from otoscope.explainers.mechanisms.steering import mean_difference, steer
    from otoscope.explainers.mechanisms.zeroed_values import value_zeroing

_ROOM = "otoscope.explainers.mechanisms"
_PUBLIC = {
    "Circuit": f"{_ROOM}.circuits:Circuit",
    "CircuitChecks": f"{_ROOM}.circuit_checks:CircuitChecks",
    "Node": f"{_ROOM}.parts:Node",
    "SparseCode": f"{_ROOM}.sparse_code:SparseCode",
    "ablate": f"{_ROOM}.ablation:ablate",
    "attribution_patch": f"{_ROOM}.attribution_patching:attribution_patch",
    "causal_trace": f"{_ROOM}.causal_tracing:causal_trace",
    "check_circuit": f"{_ROOM}.circuit_checks:check_circuit",
    "circuit_graph": f"{_ROOM}.circuits:circuit_graph",
    "discover": f"{_ROOM}.circuit_checks:discover",
    "find_circuit": f"{_ROOM}.circuits:find_circuit",
    "fit_sparse_code": f"{_ROOM}.sparse_code:fit_sparse_code",
    "fitted": f"{_ROOM}.pairs:fitted",
    "logit_attribution": f"{_ROOM}.logit_shares:logit_attribution",
    "masked": f"{_ROOM}.pairs:masked",
    "mean_difference": f"{_ROOM}.steering:mean_difference",
    "noisy": f"{_ROOM}.pairs:noisy",
    "patch": f"{_ROOM}.patching:patch",
    "patch_nodes": f"{_ROOM}.patching:patch_nodes",
    "path_patch": f"{_ROOM}.path_patching:path_patch",
    "residual_nodes": f"{_ROOM}.parts:residual_nodes",
    "sparse_codes": f"{_ROOM}.by_sound:sparse_codes",
    "sparse_features": f"{_ROOM}.feature_sounds:sparse_features",
    "steer": f"{_ROOM}.steering:steer",
    "steer_by_sound": f"{_ROOM}.by_sound:steer_by_sound",
    "units_at": f"{_ROOM}.parts:units_at",
    "value_zeroing": f"{_ROOM}.zeroed_values:value_zeroing",
}

__all__ = [
    "Circuit",
    "CircuitChecks",
    "Node",
    "SparseCode",
    "ablate",
    "attribution_patch",
    "causal_trace",
    "check_circuit",
    "circuit_graph",
    "discover",
    "find_circuit",
    "fit_sparse_code",
    "fitted",
    "logit_attribution",
    "masked",
    "mean_difference",
    "noisy",
    "patch",
    "patch_nodes",
    "path_patch",
    "residual_nodes",
    "sparse_codes",
    "sparse_features",
    "steer",
    "steer_by_sound",
    "units_at",
    "value_zeroing",
]

__getattr__ = lazy(__name__, _PUBLIC)
