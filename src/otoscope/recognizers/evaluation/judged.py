"""One utterance of an evaluation, judged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from otoscope.corpora.utterance import Utterance
from otoscope.metrics.error_rate import ErrorRate, character_error_rate, error_rate
from otoscope.recognizers.evaluation.hearing import Heard


@dataclass(frozen=True)
class Judged:
    """One utterance: what was said (normalised), what was heard, and how they align."""

    utterance: Utterance
    said: tuple[str, ...]
    heard: Heard

    @cached_property
    def rate(self) -> ErrorRate:
        """Word errors."""
        return error_rate(self.said, self.heard.words)

    @cached_property
    def characters(self) -> ErrorRate:
        """Character errors of the normalised words joined by spaces."""
        return character_error_rate(" ".join(self.said), " ".join(self.heard.words))
