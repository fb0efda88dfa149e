"""Two recognisers on the same utterances, tested."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from otoscope.metrics.significance import Difference, MatchedPairs

LEVEL = 0.05
"""Two recognisers are called different where the corrected p-value lies below this."""


@dataclass(frozen=True)
class Pair:
    """Two recognisers of a comparison.

    Parameters
    ----------
    a, b
        Their names.
    test
        The matched-pairs sentence-segment word error test.
    p_corrected
        Its p-value, corrected for the number of pairs (Holm 1979).
    difference
        Bootstrap of the difference between the word error rates, A less B.
    """

    a: str
    b: str
    test: MatchedPairs
    p_corrected: float
    difference: Difference

    @property
    def better(self) -> str | None:
        """Name of the one that made fewer errors, or `None` where the test does not tell them apart."""
        if self.p_corrected >= LEVEL or self.difference.difference == 0:
            return None
        return self.a if self.difference.difference < 0 else self.b

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        test = {**asdict(self.test), "enough_segments": self.test.enough}
        difference = asdict(self.difference)
        return {"a": self.a, "b": self.b, **test, "p_corrected": self.p_corrected, **difference, "better": self.better}
