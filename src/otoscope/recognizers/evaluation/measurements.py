"""What was measured when a recogniser heard a corpus: every rate follows from the aligned utterances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from otoscope.core import Provenance
from otoscope.metrics.error_rate import ErrorRate, bootstrap_interval
from otoscope.metrics.latency import Latency
from otoscope.recognizers.evaluation import breakdown
from otoscope.recognizers.evaluation.judged import Judged
from otoscope.signal.conditions import Condition

N_WORST = 10


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
class Measurements:
    """One recogniser on one corpus: figures only; `otoscope.recognizers.evaluation.result.Evaluation` also shows them.

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
