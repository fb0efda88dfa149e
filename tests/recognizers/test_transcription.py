from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otoscope.core import (
    Alignment,
    BadInput,
    DoesNotFit,
    Hypothesis,
    Interval,
    NotAble,
    Provenance,
    Recording,
    Tier,
    Trace,
)
from otoscope.corpora.manifest import read_manifest
from otoscope.corpora.sample import sample_recording, sample_tiers
from otoscope.recognizers import align, load, transcribe, transcribe_stream
from otoscope.recognizers.pocketsphinx import PocketSphinx
from otoscope.signal.levels import at_level
from otoscope.signal.noise import noise_like


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


@pytest.mark.parametrize("noise", ["white", "pink"])
@pytest.mark.parametrize("text", ["stop", "hello world", "the rain falls on the roof"])
def test_no_text_lies_on_noise(pocketsphinx: PocketSphinx, noise: str, text: str) -> None:
    sound = at_level(noise_like(Recording(np.zeros(3 * 16000), 16000), noise), -20.0)
    with pytest.raises(DoesNotFit, match="nobody seems to speak where the words would lie"):
        align(pocketsphinx, sound, text)


@pytest.mark.parametrize(
    "id", ["rain_3-142006-A", "helicopter_3-154926-A", "chainsaw_1-47250-A", "sea_waves_2-133863-A"]
)
def test_no_text_lies_on_an_everyday_noise(pocketsphinx: PocketSphinx, shared_data: Path, id: str) -> None:
    clip = next(u for u in read_manifest(shared_data / "esc10-noise", split="train") if u.id == id)
    with pytest.raises(DoesNotFit, match="nobody seems to speak where the words would lie"):
        align(pocketsphinx, clip.recording(), "hello world")


@pytest.mark.parametrize("gain", [1.0, 0.01])
def test_the_sample_is_aligned_however_faint(pocketsphinx: PocketSphinx, gain: float) -> None:
    words = next(tier for tier in sample_tiers() if tier.name == "words").labels
    said = sample_recording()
    found = align(pocketsphinx, said.with_samples(gain * said.samples), " ".join(words))
    assert len(found.words) == len(words)


def test_words_must_lie_where_the_speech_is(speech: Recording) -> None:
    class Misplacing(Deaf):
        def align(self, recording: Recording, transcript: str) -> Alignment:
            return Alignment(Tier("words", (Interval(*self.place, transcript),)))

    engine, silence = Misplacing(), np.zeros(2 * speech.rate_hz, np.float32)
    recording = speech.with_samples(np.concatenate([speech.samples, silence]))
    engine.place = (0.3, 0.6)
    assert align(engine, recording, "the").words.labels == ("the",)
    engine.place = (speech.duration_s + 0.8, speech.duration_s + 1.1)
    with pytest.raises(DoesNotFit, match=r"probability of speech there is 0\.0"):
        align(engine, recording, "the")


def test_true_texts_of_people_are_accepted(pocketsphinx: PocketSphinx, shared_data: Path) -> None:
    smoke = [u for u in read_manifest(shared_data / "misc-smoke") if u.id in ("jfk", "librivox_0880")]
    for utterance in smoke:
        assert len(align(pocketsphinx, utterance.recording(), utterance.text).words) == len(utterance.text.split())
    digits, engine = read_manifest(shared_data / "fsdd", split="train")[::60], load("ctc-digits")
    for utterance in digits:
        assert len(align(engine, utterance.recording(), utterance.text).words) == 1
