"""How well recognisers do: `evaluate` one on a corpus, `compare` several on the same one.

A recogniser (name, folder or object) and a corpus go in; error rates, cost and delays with their breakdowns come out,
and for several recognisers tests of their differences and the words they differ in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve

if TYPE_CHECKING:
    from otoscope.recognizers.evaluation.comparing import compare
    from otoscope.recognizers.evaluation.comparison import Comparison
    from otoscope.recognizers.evaluation.entrant import Entrant
    from otoscope.recognizers.evaluation.evaluating import evaluate
    from otoscope.recognizers.evaluation.result import Evaluation

__all__ = ["Comparison", "Entrant", "Evaluation", "compare", "evaluate"]

_PUBLIC = {
    "Comparison": "otoscope.recognizers.evaluation.comparison:Comparison",
    "Entrant": "otoscope.recognizers.evaluation.entrant:Entrant",
    "Evaluation": "otoscope.recognizers.evaluation.result:Evaluation",
    "compare": "otoscope.recognizers.evaluation.comparing:compare",
    "evaluate": "otoscope.recognizers.evaluation.evaluating:evaluate",
}


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return resolve(_PUBLIC[name])
    raise AttributeError(f"module 'otoscope.recognizers.evaluation' has no attribute {name!r}")
