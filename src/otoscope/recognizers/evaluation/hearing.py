"""One utterance through one recogniser: what was heard, how long it took, how late words of a stream came."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import OtoscopeError, Recognizer, Recording, Streaming, Trace
from otoscope.corpora.utterance import Utterance
from otoscope.lexicon.normalization import normalize_words
from otoscope.metrics.latency import stable_since
from otoscope.recognizers.evaluation.texts import hypothesis_words
from otoscope.recognizers.transcription import transcribe_stream
from otoscope.signal.conditions import Condition
from otoscope.signal.resampling import resampled
from otoscope.signal.snr import estimated_snr_db

RATE_HZ = 16000
LONGEST_S = 60.0
"""What lasts longer is cut at pauses, as `otoscope transcribe` does."""
CHUNK_S = 0.1
"""How much sound a stream brings at a time."""

Place = tuple[float, float]


@dataclass(frozen=True)
class Heard:
    """What a recogniser made of one utterance.

    Parameters
    ----------
    words
        What was heard, normalised.
    places
        Start and end of each word in seconds; empty where the recogniser gives no times.
    seconds
        Time that recognition took; reading and changing the sound is not counted.
    duration_s
        Length of the sound as it was given to the recogniser.
    cpu_s
        Processor time it took, of all threads of the process.
    snr_db
        Estimated signal-to-noise ratio of that sound.
    error
        Why the recogniser refused the recording; empty where it did not. A refusal counts as hearing nothing.
    """

    words: tuple[str, ...]
    places: tuple[Place, ...]
    seconds: float
    cpu_s: float
    duration_s: float
    snr_db: float
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values; `Heard.of_json` reads them."""
        return asdict(self)

    @classmethod
    def of_json(cls, values: dict[str, Any]) -> Heard:
        """Make it from what `as_json` gave."""
        places = tuple((start_s, end_s) for start_s, end_s in values["places"])
        return cls(**{**values, "words": tuple(values["words"]), "places": places})


@dataclass(frozen=True)
class Delays:
    """Seconds from the end of each word in a stream to its first stable partial result; see `Latency`."""

    delays_s: tuple[float, ...]
    signal_delays_s: tuple[float, ...]


def hear(recognizer: Recognizer, utterance: Utterance, condition: Condition) -> Heard:
    """Recognise one utterance in a condition; what the recogniser refuses is noted, never raised."""
    recording = condition.apply(utterance.recording(rate_hz=RATE_HZ), utterance.id)
    snr_db = estimated_snr_db(recording)
    began, cpu_began = time.perf_counter(), time.process_time()
    try:
        traces = list(transcribe_stream(recognizer, [recording], max_segment_s=LONGEST_S))
    except OtoscopeError as error:
        seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
        return Heard(
            (), (), seconds, cpu_s, recording.duration_s, snr_db, " ".join(str(error).split()) or type(error).__name__
        )
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    words = hypothesis_words(" ".join(trace.text for _, trace in traces), utterance.text)
    places = [place for offset_s, trace in traces for place in _places(trace, offset_s)]
    matched = tuple(places) if len(places) == len(words) else ()
    return Heard(words, matched, seconds, cpu_s, recording.duration_s, snr_db)


def _places(trace: Trace, offset_s: float) -> list[Place]:
    """Return the place of each normalised word of a Trace; words written as one share theirs."""
    if not trace.has("alignment"):
        return []
    return [
        (offset_s + interval.start_s, offset_s + interval.end_s)
        for interval in trace.words
        for _ in normalize_words(interval.label)
    ]


def delays_of(recognizer: Recognizer, utterance: Utterance, condition: Condition) -> Delays:
    """Stream one utterance as if it came live, and return how late its words were.

    A chunk of 0.1 s is there when its last sample was spoken, and waits while the one before is still worked on. Its
    samples are at the recogniser's `stream_rate_hz`, 16 kHz where it names none.

    Raises
    ------
    OtoscopeError
        The recogniser cannot stream, or refuses the recording.
    """
    if not isinstance(recognizer, Streaming):
        raise OtoscopeError(f"recogniser {recognizer.name!r} cannot stream")
    recording = condition.apply(utterance.recording(rate_hz=RATE_HZ), utterance.id)
    source = _LiveSource(resampled(recording, getattr(recognizer, "stream_rate_hz", RATE_HZ)))
    partials: list[tuple[str, ...]] = []
    times: list[tuple[float, float]] = []
    last: Trace | None = None
    for last in recognizer.stream(source.chunks()):
        partials.append(normalize_words(last.text))
        times.append((source.clock_s(), source.heard_s))
    places = _places(last, 0.0) if last is not None else []
    if not partials or len(places) != len(partials[-1]):
        return Delays((), ())
    since = stable_since(partials)
    rows = [(times[i][0] - end_s, times[i][1] - end_s) for i, (_, end_s) in zip(since, places, strict=True)]
    return Delays(tuple(row[0] for row in rows), tuple(row[1] for row in rows))


class _LiveSource:
    """Hands out a recording in chunks and keeps the time that a clock beside a live microphone would show."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.heard_s = 0.0
        self._now_s = 0.0
        self._began = time.perf_counter()

    def clock_s(self) -> float:
        """Time since the recording began, computing included."""
        return self._now_s + time.perf_counter() - self._began

    def chunks(self) -> Iterator[NDArray[np.float32]]:
        """Yield chunks of samples."""
        n_chunk = round(CHUNK_S * self.recording.rate_hz)
        for first in range(0, self.recording.n_samples, n_chunk):
            chunk = self.recording.samples[first : first + n_chunk]
            self.heard_s = (first + chunk.size) / self.recording.rate_hz
            self._now_s = max(self.clock_s(), self.heard_s)
            self._began = time.perf_counter()
            yield chunk
