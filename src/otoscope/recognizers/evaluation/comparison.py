"""What a comparison found: several recognisers on the same utterances, every pair tested, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from otoscope.core import Panel
from otoscope.core.late import helper
from otoscope.recognizers.evaluation.differences import DifferentUtterance, different_utterances
from otoscope.recognizers.evaluation.pairs import LEVEL, Pair
from otoscope.recognizers.evaluation.panels import comparison_panels
from otoscope.recognizers.evaluation.result import Evaluation


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several recognisers on the same utterances.

    Parameters
    ----------
    evaluations
        One for each, in the order they were given.
    pairs
        Every two of them, tested.
    """

    evaluations: tuple[Evaluation, ...]
    pairs: tuple[Pair, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the recognisers."""
        return tuple(evaluation.name for evaluation in self.evaluations)

    @cached_property
    def differences(self) -> tuple[DifferentUtterance, ...]:
        """The utterances that were heard differently."""
        return different_utterances([evaluation.judged for evaluation in self.evaluations])

    @property
    def table(self) -> tuple[Mapping[str, Any], ...]:
        """One row a recogniser, in the order given."""
        return tuple(_row(evaluation) for evaluation in self.evaluations)

    @property
    def summary(self) -> str:
        """Who is best, and whether the test can tell it from the others."""
        best = min(self.evaluations, key=lambda evaluation: evaluation.wer)
        told = {pair.a if pair.b == best.name else pair.b for pair in self.pairs if pair.better == best.name}
        open_ = [name for name in self.names if name != best.name and name not in told]
        certain = "clearly fewer than all others" if not open_ else f"not told apart from {', '.join(open_)}"
        return (
            f"{best.name} made the fewest word errors, {100 * best.wer:.1f} %, {certain} "
            f"(matched pairs, p < {LEVEL} after correction for {len(self.pairs)} "
            f"{'pair' if len(self.pairs) == 1 else 'pairs'})."
        )

    @property
    def panels(self) -> tuple[Panel, ...]:
        """What to look at; see `otoscope.recognizers.evaluation.panels`."""
        return comparison_panels(self.evaluations, self.pairs)

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values; of the utterances, the columns in which recognisers differ."""
        different = [
            {
                "id": one.utterance.id,
                "path": one.utterance.path,
                "words": [asdict(column) for column in one.columns if column.differs],
            }
            for one in self.differences
        ]
        return {
            "recognizers": [evaluation.as_json() for evaluation in self.evaluations],
            "pairs": [pair.as_json() for pair in self.pairs],
            "summary": self.summary,
            "differences": different,
        }

    def _repr_html_(self) -> str:
        return helper("html")(self)


def _row(evaluation: Evaluation) -> dict[str, Any]:
    low, high = evaluation.interval
    return {
        "recognizer": evaluation.name,
        "wer": evaluation.wer,
        "low": low,
        "high": high,
        "substitutions": evaluation.words.substitutions,
        "deletions": evaluation.words.deletions,
        "insertions": evaluation.words.insertions,
        "cer": evaluation.cer,
        "rtf": evaluation.rtf,
        "peak_memory_mb": evaluation.cost.peak_memory_mb,
    }
