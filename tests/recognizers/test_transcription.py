from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from otoscope.core import (
    Alignment,
    BadInput,
    DoesNotFit,
    Hypothesis,
    NotAble,
    Provenance,
    Recording,
    Tier,
    Trace,
)
from otoscope.recognizers import align, transcribe, transcribe_stream


class Deaf:
    """Hears nothing, and remembers what it was given."""

    name = "deaf"

    def __init__(self) -> None:
        self.heard: list[Recording] = []
        self.asked: list[Sequence[str]] = []

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        self.heard.append(recording)
        self.asked.append(record)
        return Trace(recording, (Hypothesis(()),), Provenance("deaf", "1"))

    def score(self, recordings: Any, targets: Any, *, progress: Any = None) -> Any:
        raise NotImplementedError


class Aligner(Deaf):
    def align(self, recording: Recording, transcript: str) -> Alignment:
        self.transcript = transcript
        return Alignment(Tier("words", ()))


def blocks(samples: np.ndarray, size: int, rate_hz: int = 1000) -> Iterator[Recording]:
    for start in range(0, len(samples), size):
        yield Recording(samples[start : start + size], rate_hz)


def test_transcribe_passes_on_what_to_record() -> None:
    deaf = Deaf()
    transcribe(deaf, Recording(np.ones(10), 1000), record=["features"])
    assert deaf.asked == [["features"]]


@pytest.mark.parametrize("size", [100, 1500, 2000, 7321, 100_000])
def test_stretches_meet_and_none_is_too_long(size: int) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, 23_456).astype(np.float32)
    deaf = Deaf()
    offsets = [offset for offset, _ in transcribe_stream(deaf, blocks(samples, size), max_segment_s=2.0)]
    assert np.array_equal(np.concatenate([r.samples for r in deaf.heard]), samples)
    assert max(r.n_samples for r in deaf.heard) <= 2000
    ends = np.cumsum([r.n_samples for r in deaf.heard]) / 1000
    assert offsets == pytest.approx([0.0, *ends[:-1]])


def test_cuts_fall_into_pauses() -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, 9_000).astype(np.float32)
    for pause in (1500, 3300, 4900, 6100, 7700):
        samples[pause - 120 : pause + 120] *= 0.01
    deaf = Deaf()
    list(transcribe_stream(deaf, blocks(samples, 900), max_segment_s=2.0))
    ends = np.cumsum([r.n_samples for r in deaf.heard])[:-1]
    assert np.abs(ends[:, None] - np.array([1500, 3300, 4900, 6100, 7700])).min(axis=1).max() <= 30


def test_a_short_recording_is_one_stretch_and_none_gives_none() -> None:
    assert [offset for offset, _ in transcribe_stream(Deaf(), blocks(np.ones(5), 2))] == [0.0]
    assert list(transcribe_stream(Deaf(), iter(()))) == []


def test_no_more_than_a_block_and_a_stretch_are_read_ahead() -> None:
    read = 0

    def counted() -> Iterator[Recording]:
        nonlocal read
        for block in blocks(np.ones(100_000), 1000):
            read += 1
            yield block

    stream = transcribe_stream(Deaf(), counted(), max_segment_s=3.0)
    next(stream)
    assert read <= 4


def test_blocks_of_two_rates_and_tiny_stretches_are_refused() -> None:
    with pytest.raises(BadInput, match="differ in rate: 1000 and 8000"):
        list(transcribe_stream(Deaf(), [Recording(np.ones(5), 1000), Recording(np.ones(5), 8000)]))
    with pytest.raises(BadInput, match="max_segment_s must be 1 or more"):
        list(transcribe_stream(Deaf(), [], max_segment_s=0.1))


def test_align_normalises_the_text() -> None:
    aligner = Aligner()
    align(aligner, Recording(np.ones(10), 1000), "Mr. Smith’s 2nd, please!")
    assert aligner.transcript == "mister smith's second please"


def test_align_needs_words_and_an_aligner() -> None:
    with pytest.raises(NotAble, match="'deaf' cannot align"):
        align(Deaf(), Recording(np.ones(10), 1000), "hello")
    with pytest.raises(DoesNotFit, match="no words"):
        align(Aligner(), Recording(np.ones(10), 1000), " -- ")
