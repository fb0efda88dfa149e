"""Speech is found where it is and nowhere else."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from otoscope.core import BadInput, Recording
from otoscope.corpora.sample import sample_recording, sample_tiers
from otoscope.signal.resampling import resampled
from otoscope.signal.vad import speech_intervals, speech_probability


def test_speech_of_the_sample_is_found():
    words, _ = sample_tiers()
    found = speech_intervals(sample_recording())
    covered = sum(word.overlap_s(speech) for word in words for speech in found)
    assert covered > 0.9 * sum(word.duration_s for word in words)
    assert sum(speech.duration_s for speech in found) < 1.15 * (words[-1].end_s - words[0].start_s)
    assert found.name == "speech"
    assert all(0.5 < speech.score <= 1 for speech in found)


def test_pause_between_two_utterances_is_found():
    one = sample_recording()
    both = one.with_samples(np.concatenate([one.samples, np.zeros(16000, np.float32), one.samples]))
    found = speech_intervals(both)
    assert len(found) >= 2
    assert not any(speech.start_s < one.duration_s + 0.5 < speech.end_s for speech in found)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100])
def test_silence_and_noise_hold_no_speech(rate_hz):
    rng = np.random.default_rng(0)
    for samples in (np.zeros(3 * rate_hz), 0.1 * rng.standard_normal(3 * rate_hz)):
        assert len(speech_intervals(Recording(samples, rate_hz))) == 0


def test_any_rate_gives_nearly_the_same_times():
    there = speech_intervals(sample_recording())
    here = speech_intervals(resampled(sample_recording(), 22050))
    assert len(there) == len(here)
    assert max(abs(a.start_s - b.start_s) for a, b in zip(there, here, strict=True)) < 0.07


def test_same_recording_same_answer():
    first = speech_probability(sample_recording())
    speech_intervals(Recording(np.ones(5000), 16000))
    assert speech_probability(sample_recording()) == first


def test_ten_milliseconds_are_no_speech():
    assert len(speech_intervals(Recording(np.ones(160), 16000))) == 0


def test_frames_are_the_packages_own():
    """The peer: silero-vad's own loop over the same network, run apart because it changes torch's threads."""
    script = (
        "import torch, silero_vad, sys, numpy as np\n"
        "x = torch.tensor(np.frombuffer(sys.stdin.buffer.read(), np.float32).copy())\n"
        "for s in silero_vad.get_speech_timestamps(x, silero_vad.load_silero_vad()): print(s['start'], s['end'])\n"
    )
    recording = sample_recording()
    done = subprocess.run(
        [sys.executable, "-c", script], input=recording.samples.tobytes(), capture_output=True, check=True
    )
    theirs = [tuple(map(int, line.split())) for line in done.stdout.decode().splitlines()]
    ours = [(round(s.start_s * 16000), round(s.end_s * 16000)) for s in speech_intervals(recording)]
    assert len(ours) == len(theirs)
    np.testing.assert_allclose(ours, theirs, atol=512)


def test_threshold_must_be_a_probability():
    with pytest.raises(BadInput, match="threshold"):
        speech_intervals(sample_recording(), threshold=1.5)
