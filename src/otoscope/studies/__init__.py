"""Named, reproducible experiments: a table, Panels and provenance each.

Listing them, and importing this package, costs nothing; a study is imported when it is run.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from otoscope.core import BadInput
from otoscope.core.late import lookup, resolve
from otoscope.core.protocols import Progress

if TYPE_CHECKING:
    from otoscope.studies.result import StudyResult

STUDIES = {
    "acoustic-cues": "otoscope.studies.acoustic_cues:run",
    "attribution-methods": "otoscope.studies.attribution_methods:run",
    "attention-times": "otoscope.studies.attention_times:run",
    "audrey": "otoscope.studies.audrey:run",
    "boundaries": "otoscope.studies.boundaries:run",
    "checkpoint-agreement": "otoscope.studies.checkpoint_agreement:run",
    "deep-vs-classical": "otoscope.studies.deep_vs_classical:run",
    "digits": "otoscope.studies.digits:run",
    "information-plane": "otoscope.studies.information_plane:run",
    "labels-needed": "otoscope.studies.labels_needed:run",
    "ladder": "otoscope.studies.ladder:run",
    "lexical-decision": "otoscope.studies.lexical_decision:run",
    "listener-effects": "otoscope.studies.listener_effects:run",
    "listener-recognition": "otoscope.studies.listener_recognition:run",
    "planted-circuits": "otoscope.studies.planted_circuits:run",
    "planted-cue": "otoscope.studies.planted_cue:run",
    "robustness": "otoscope.studies.robustness:run",
    "shoebox": "otoscope.studies.shoebox:run",
    "too-robust": "otoscope.studies.too_robust:run",
    "trace-tisk": "otoscope.studies.trace_tisk:run",
    "visual-world": "otoscope.studies.visual_world:run",
    "vowels": "otoscope.studies.vowels:run",
}
"""Name → function of each study; other packages add theirs under the entry point `otoscope.studies`."""

__all__ = ["STUDIES", "StudyResult", "selftest", "study"]


def study(name: str, **parameters: Any) -> StudyResult:
    """Run the study registered under `name` with its own parameters (`seed` and `progress` at least).

    Raises
    ------
    UnknownName
        No such study; the message offers the nearest.
    BadInput
        The study does not take one of the parameters, or needs one that was not given.
    """
    run = lookup(name, STUDIES, group="otoscope.studies", what="study")
    known = inspect.signature(run).parameters
    for parameter in parameters:
        if parameter not in known:
            raise BadInput(f"study {name} takes no {parameter}; it takes {', '.join(known)}")
    needed = [p.name for p in known.values() if p.default is inspect.Parameter.empty and p.name not in parameters]
    if needed:
        raise BadInput(f"study {name} needs {', '.join(needed)}")
    return run(**parameters)


def selftest(progress: Progress | None = None) -> StudyResult:
    """Check answers known in advance on this machine, in under a minute; one row a check, with `passed`."""
    return resolve("otoscope.studies.self_check:run")(progress=progress)


def __getattr__(name: str) -> Any:
    if name == "StudyResult":
        return resolve("otoscope.studies.result:StudyResult")
    raise AttributeError(f"module 'otoscope.studies' has no attribute {name!r}")
