"""What an evaluation found: one recogniser on one corpus. Every rate follows from the aligned utterances it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from otoscope.core import Panel, Provenance
from otoscope.core.late import helper
from otoscope.corpora.utterance import Utterance
from otoscope.metrics.error_rate import ErrorRate, bootstrap_interval, character_error_rate, error_rate
from otoscope.metrics.latency import Latency
from otoscope.recognizers.evaluation import breakdown
from otoscope.recognizers.evaluation.hearing import Heard
from otoscope.signal.conditions import Condition

N_WORST = 10


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


@dataclass(frozen=True)
class Cost:
    """What recognition took.

    Parameters
    ----------
    load_s
        Opening the recogniser and hearing up to 2 s once, so that nothing is compiled later; the slowest process.
    wall_s
        Wall-clock time from the first utterance to the last answer, reading of files included, loading not.
    cpu_s
        Processor time of recognition alone, summed over processes: what it takes however busy the machine is.
    audio_s
        Length of the sound that was heard in that time.
    n_processes, n_threads
        Processes that heard at the same time, and threads each computed with (0: as many as the library chose).
    peak_memory_mb
        Peak resident memory of all processes of this run together, in MB (10⁶ bytes), file pages they share counted
        once.
    peak_memory_sum_mb
        The plain sum of their peaks.
    """

    load_s: float
    wall_s: float
    cpu_s: float
    audio_s: float
    n_processes: int
    n_threads: int
    peak_memory_mb: float
    peak_memory_sum_mb: float

    @property
    def rtf(self) -> float:
        """Real-time factor: seconds of recognition for a second of sound."""
        return self.wall_s / self.audio_s


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One recogniser on one corpus.

    Parameters
    ----------
    name, provenance
        The recogniser: its label in tables, and what it is.
    corpus, split
        What it was tried on; `split` is "all" where all were taken.
    judged
        The utterances in the order of the corpus.
    cost
        Time and memory.
    latency
        Delays of a streaming recogniser's words; `None` where it does not stream.
    condition
        What was done to the sound.
    seed
        Of the choice of utterances, and of the bootstrap.
    n_available
        How many utterances there were to choose from.
    """

    name: str
    provenance: Provenance
    corpus: str
    split: str
    judged: tuple[Judged, ...]
    cost: Cost
    latency: Latency | None = None
    condition: Condition = field(default_factory=Condition)
    seed: int = 0
    n_available: int = 0

    @cached_property
    def words(self) -> ErrorRate:
        """Word errors of all utterances, pooled."""
        return ErrorRate.pooled(one.rate for one in self.judged)

    @cached_property
    def characters(self) -> ErrorRate:
        """Character errors of all utterances, pooled."""
        return ErrorRate.pooled(one.characters for one in self.judged)

    @property
    def wer(self) -> float:
        """Word error rate."""
        return self.words.rate

    @property
    def cer(self) -> float:
        """Character error rate."""
        return self.characters.rate

    @property
    def rtf(self) -> float:
        """Real-time factor."""
        return self.cost.rtf

    @cached_property
    def interval(self) -> tuple[float, float]:
        """95 % bootstrap interval of the word error rate, over speakers where they are known (`interval_over`)."""
        speakers = breakdown.known_speakers(self.judged)
        return bootstrap_interval([one.rate for one in self.judged], groups=speakers, seed=self.seed)

    @cached_property
    def utterance_interval(self) -> tuple[float, float]:
        """The same over utterances."""
        return bootstrap_interval([one.rate for one in self.judged], seed=self.seed)

    @property
    def interval_over(self) -> str:
        """What `interval` resamples: `speakers` or `utterances`."""
        return "utterances" if breakdown.known_speakers(self.judged) is None else "speakers"

    @property
    def n_speakers(self) -> int | None:
        """Number of speakers, or `None` where not all are known."""
        speakers = {one.utterance.speaker for one in self.judged}
        return None if any(speaker.lower() in breakdown.NOBODY for speaker in speakers) else len(speakers)

    @cached_property
    def parts(self) -> Mapping[str, tuple[breakdown.Part, ...]]:
        """Error rates `by_speaker`, `by_snr` and `by_duration`."""
        kinds = ("by_speaker", "by_snr", "by_duration")
        return {kind: getattr(breakdown, kind)(self.judged) for kind in kinds}

    @property
    def empty(self) -> tuple[Judged, ...]:
        """Utterances with words of which none was heard."""
        return tuple(one for one in self.judged if one.said and not one.heard.words)

    @property
    def refused(self) -> tuple[Judged, ...]:
        """Utterances the recogniser refused; they count as heard empty."""
        return tuple(one for one in self.judged if one.heard.error)

    def worst(self, n: int = N_WORST) -> tuple[Judged, ...]:
        """Return the utterances with most errors, the highest rate first among equals."""
        wrong = [one for one in self.judged if one.rate.errors]
        return tuple(sorted(wrong, key=lambda one: (-one.rate.errors, -one.rate.rate, one.utterance.id))[:n])

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
        from otoscope.recognizers.evaluation.panels import evaluation_panels

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
