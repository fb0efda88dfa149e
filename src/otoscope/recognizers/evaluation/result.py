"""What an evaluation found: one recogniser on one corpus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from otoscope.core import Panel
from otoscope.core.late import helper
from otoscope.recognizers.evaluation.judged import Judged
from otoscope.recognizers.evaluation.measurements import Measurements
from otoscope.recognizers.evaluation.panels import evaluation_panels


class Evaluation(Measurements):
    """One recogniser on one corpus: the figures, as a sentence, a table, pictures and JSON."""

    def as_json(self) -> dict[str, Any]:
        """Return everything but the utterances as JSON values; `wer`, `rtf` and `peak_memory_mb` come first."""
        low, high = self.interval
        return {
            "wer": self.wer,
            "rtf": self.rtf,
            "peak_memory_mb": self.cost.peak_memory_mb,
            "wer_low": low,
            "wer_high": high,
            "interval_over": self.interval_over,
            "wer_low_over_utterances": self.utterance_interval[0],
            "wer_high_over_utterances": self.utterance_interval[1],
            "substitutions": self.words.substitutions,
            "deletions": self.words.deletions,
            "insertions": self.words.insertions,
            "n_words": self.words.n_reference,
            "n_utterances": len(self.judged),
            "n_available": self.n_available,
            "n_speakers": self.n_speakers,
            "cer": self.cer,
            "latency": None if self.latency is None else self.latency.summary(),
            "load_s": self.cost.load_s,
            "wall_s": self.cost.wall_s,
            "cpu_s": self.cost.cpu_s,
            "audio_s": self.cost.audio_s,
            "n_processes": self.cost.n_processes,
            "n_threads": self.cost.n_threads,
            "peak_memory_sum_mb": self.cost.peak_memory_sum_mb,
            **{kind: [asdict(part) for part in parts] for kind, parts in self.parts.items()},
            "n_empty": len(self.empty),
            "empty": [one.utterance.id for one in self.empty],
            "refused": [{"id": one.utterance.id, "error": one.heard.error} for one in self.refused],
            "worst": [_row(one) for one in self.worst()],
            "recognizer": self.name,
            "provenance": self.provenance,
            "corpus": self.corpus,
            "split": self.split,
            "condition": self.condition.as_json(),
            "seed": self.seed,
        }

    @property
    def summary(self) -> str:
        """One sentence."""
        low, high = (f"{100 * edge:.1f}" for edge in self.interval)
        return (
            f"{self.name} made {100 * self.wer:.1f} % word errors ({low} to {high} % over {self.interval_over}) in "
            f"{self.words.n_reference} words of {len(self.judged)} utterances, at {self.rtf:.3f} of real time with "
            f"{self.cost.n_processes} {'process' if self.cost.n_processes == 1 else 'processes'} and "
            f"{self.cost.peak_memory_mb:.0f} MB."
        )

    @property
    def table(self) -> tuple[Mapping[str, Any], ...]:
        """One row an utterance: words, errors, what was said and heard."""
        return tuple(_row(one) for one in self.judged)

    @property
    def panels(self) -> tuple[Panel, ...]:
        """What to look at; see `otoscope.recognizers.evaluation.panels`."""
        return evaluation_panels(self)

    def _repr_html_(self) -> str:
        return helper("html")(self)


def _row(one: Judged) -> dict[str, Any]:
    return {
        "id": one.utterance.id,
        "errors": one.rate.errors,
        "n_words": one.rate.n_reference,
        "wer": one.rate.rate,
        "said": " ".join(one.said),
        "heard": " ".join(one.heard.words),
    }
