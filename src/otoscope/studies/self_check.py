"""Known-answer checks on the user's own machine: is this installation computing what it should?"""

from __future__ import annotations

import time
from typing import Any

from otoscope.core import Panel
from otoscope.core.protocols import Progress
from otoscope.studies import known_information, known_layers, planted_cue
from otoscope.studies.known_answers import GROUPS
from otoscope.studies.result import StudyResult

CHECKS = (*GROUPS, *known_information.GROUPS, known_layers.similarity_of_maps, known_layers.sabotaged_layer)
METHODS = ("kernel-shap", "leave-one-out", "lime", "shapley", "integrated-gradients")
"""Methods that have to find the planted burst."""
N_UTTERANCES = 8


def run(*, progress: Progress | None = None) -> StudyResult:
    """Run every check; one row each: `name`, `expected`, `got`, `passed`.

    The planted cue comes last: a small network is trained on words that differ by one tone burst, and every method has
    to find the burst. `passed` of the rows decides the exit code of `otoscope selftest`.
    """
    began = time.perf_counter()
    rows: list[dict[str, Any]] = []
    for done, group in enumerate(CHECKS):
        rows += [
            {
                "name": check.name,
                "expected": f"{check.expected:.10g}" + (f" ± {check.tolerance:g}" if check.tolerance else ""),
                "got": f"{check.got:.10g}",
                "passed": check.passed,
            }
            for check in group()
        ]
        if progress is not None:
            progress(done + 1, len(CHECKS) + 1)
    cue = planted_cue.run(methods=METHODS, n_utterances=N_UTTERANCES)
    rows += [row for method in cue.table for row in _planted(dict(method))]
    if progress is not None:
        progress(len(CHECKS) + 1, len(CHECKS) + 1)
    return _result(rows, cue, seconds=time.perf_counter() - began)


def _planted(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the two demands on a method: it finds the burst, and its order lies between the truth and chance."""
    times_chance = row["relevance_mass"] / row["chance_mass"]
    found = {
        "name": f"planted cue, {row['method']}: relevance inside the burst",
        "expected": f"≥ {planted_cue.TIMES_CHANCE:g} × chance",
        "got": f"{times_chance:.1f} × chance",
        "passed": bool(row["finds_cue"]),
    }
    if row["ordered"] is None:
        return [found]
    order = {
        "name": f"planted cue, {row['method']}: deletion areas",
        "expected": "oracle < method < random",
        "got": f"{row['oracle_auc']:.3f}, {row['deletion_auc']:.3f}, {row['random_auc']:.3f}",
        "passed": bool(row["ordered"]),
    }
    return [found, order]


def _result(rows: list[dict[str, Any]], cue: StudyResult, *, seconds: float) -> StudyResult:
    n_passed = sum(row["passed"] for row in rows)
    summary = f"{n_passed} of {len(rows)} known answers came out as they should, in {seconds:.1f} s."
    table = Panel("table", "Known answers", {"columns": list(rows[0]), "rows": [list(row.values()) for row in rows]})
    return StudyResult(
        name="selftest",
        summary=summary,
        table=tuple(rows),
        panels=(table, *cue.panels),
        provenance=cue.provenance,
        seconds=seconds,
    )
