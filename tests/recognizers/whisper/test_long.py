"""Recordings of more than 30 s: the text of transformers' long-form `generate`, and speech cut at pauses."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from otoscope.core import BadAudio, BadInput, Interval, Recording, Tier, UnknownName

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from otoscope.recognizers.checkpoints.folder import read_checkpoint  # noqa: E402
from otoscope.recognizers.whisper import long  # noqa: E402
from otoscope.recognizers.whisper.long import Stretch, hear_long, speech_spans, split  # noqa: E402
from otoscope.recognizers.whisper.long_features import long_log_mel  # noqa: E402
from otoscope.recognizers.whisper.options import Options  # noqa: E402
from otoscope.recognizers.whisper.parts import read_parts  # noqa: E402
from otoscope.recognizers.whisper.windows import hear_windows  # noqa: E402

FIRST = 100  # the token of 0.00 s in tests of `split`
MOST = 30
PLAIN = Options(most_compression=None, least_log_prob=None, most_no_speech=None, most_tokens=MOST)


def noise(duration_s, seed=0):
    """A tone that comes, goes and rises in noise that does too."""
    t = np.arange(round(duration_s * 16000)) / 16000
    drawn = np.random.default_rng(seed).standard_normal(t.size)
    samples = 0.1 * drawn * np.sin(4.4 * t) * (np.sin(1.3 * t) > 0) + 0.1 * np.sin(
        2 * np.pi * t * (200 + 100 * np.sin(t))
    )
    return Recording(samples.astype(np.float32), 16000)


@pytest.fixture(scope="module")
def folder(tiny_checkpoint):
    return tiny_checkpoint("whisper", seed=3)


@pytest.fixture(scope="module")
def parts(folder):
    return read_parts(read_checkpoint(folder), "eager")


@pytest.fixture(scope="module")
def theirs(folder):
    from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration

    model = WhisperForConditionalGeneration.from_pretrained(folder, attn_implementation="eager")
    extractor = WhisperFeatureExtractor.from_pretrained(folder)

    def features(recording):
        return extractor(
            recording.samples, sampling_rate=16000, return_tensors="pt", truncation=False, padding="longest"
        ).input_features

    return model, features


@pytest.mark.parametrize("duration_s", [30.5, 61.234])
def test_features_are_those_of_transformers(parts, theirs, duration_s, monkeypatch):
    from otoscope.recognizers.whisper import long_features

    monkeypatch.setattr(long_features, "BLOCK", 700)
    recording = noise(duration_s)
    wanted = theirs[1](recording)[0].T
    np.testing.assert_allclose(long_log_mel(parts.front_end, recording).numpy(), wanted.numpy(), atol=1e-5)


def test_features_need_some_sound(parts):
    with pytest.raises(BadAudio, match="200"):
        long_log_mel(parts.front_end, Recording(np.zeros(200, np.float32), 16000))


@pytest.mark.parametrize("condition", [False, True])
@pytest.mark.parametrize(("duration_s", "seed"), [(47.33, 0), (64.0, 1)])
def test_text_is_that_of_transformers(parts, theirs, duration_s, seed, condition):
    model, features = theirs
    recording = noise(duration_s, seed)
    wanted = model.generate(
        features(recording),
        task="transcribe",
        return_timestamps=True,
        condition_on_prev_tokens=condition,
        max_new_tokens=MOST,
    )
    found = [token for each in hear_long(parts, recording, PLAIN, condition=condition) for token in each.tokens]
    assert found == wanted[0].tolist()
    assert len(found) > 10


def test_prompt_and_language_are_those_of_transformers(parts, theirs, folder):
    model, features = theirs
    recording = noise(40.0, 2)
    prompt = torch.tensor([parts.tokens.previous, *parts.tokens.prompt("the quick fox")])
    wanted = model.generate(
        features(recording),
        task="translate",
        language="de",
        prompt_ids=prompt,
        return_timestamps=True,
        max_new_tokens=MOST,
    )
    options = PLAIN.changed(task="translate", language="de", prompt="the quick fox")
    assert [token for each in hear_long(parts, recording, options) for token in each.tokens] == wanted[0].tolist()


def test_times_are_those_of_transformers(parts, theirs):
    model, features = theirs
    recording = noise(64.0, 1)
    wanted = model.generate(
        features(recording),
        task="transcribe",
        return_timestamps=True,
        return_segments=True,
        max_new_tokens=MOST,
    )
    found = [segment for each in hear_long(parts, recording, PLAIN) for segment in each.segments]
    expected = [(float(s["start"]), float(s["end"])) for s in wanted["segments"][0]]
    np.testing.assert_allclose([(s.start_s, s.end_s) for s in found], expected, atol=1e-9)


@pytest.mark.parametrize(
    ("tokens", "segments", "n_done"),
    [
        # one whole segment and one that the end of the window cuts off: seek to where it began
        ([100, 1, 2, 150, 150, 3], [(0.0, 1.0, 0, 5)], 100),
        # the pair may have a pause between: the next window begins where the segment ended
        ([100, 1, 150, 160, 3], [(0.0, 1.0, 0, 4)], 100),
        # times close everything, and one alone at the end says that nobody speaks after it
        ([100, 1, 150, 160, 2, 200], [(0.0, 1.0, 0, 3), (1.2, 2.0, 3, 6)], 3000),
        # a pair at the very end: the next window begins there
        ([100, 1, 150, 150, 2, 200, 200], [(0.0, 1.0, 0, 3), (1.0, 2.0, 3, 7)], 200),
        # no pair: one segment up to the last time, or to the end of the sound
        ([100, 1, 2, 170], [(0.0, 1.4, 0, 4)], 3000),
        ([1, 2, 3], [(0.0, 30.0, 0, 3)], 3000),
        ([], [(0.0, 30.0, 0, 0)], 3000),
        # a pair at 0.00 s would be heard again for ever
        ([100, 100, 1], [(0.0, 0.0, 0, 2)], 3000),
    ],
)
def test_segments_and_seeking(tokens, segments, n_done):
    found, done = split(tokens, FIRST, 3000)
    assert [(s.start_s, s.end_s, s.rows.start, s.rows.stop) for s in found] == [pytest.approx(s) for s in segments]
    assert done == n_done


def test_silent_windows_are_passed_over(parts):
    recording = Recording(np.zeros(16000 * 65, np.float32), 16000)
    stretches = list(hear_long(parts, recording, Options(most_no_speech=-1.0, least_log_prob=100.0, most_tokens=3)))
    assert [s.start_s for s in stretches] == [0.0, 30.0, 60.0]
    assert all(s.tokens == () and s.result.skipped for s in stretches)


def test_progress_is_told_in_seconds(parts):
    told = []
    options = PLAIN.changed(most_tokens=4)
    list(hear_long(parts, noise(40.0), options, progress=lambda done, total: told.append((done, total))))
    assert told[-1] == (40, 40)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def bursts(recording_s, spans):
    samples = np.zeros(round(recording_s * 16000), np.float32)
    for start_s, end_s in spans:
        samples[round(start_s * 16000) : round(end_s * 16000)] = 0.1
    return Recording(samples, 16000)


def speech_at(spans, monkeypatch):
    tier = Tier("speech", tuple(Interval(a, b, "speech", 0.9) for a, b in spans))
    monkeypatch.setattr(long, "speech_intervals", lambda recording: tier)


def test_speech_is_cut_at_pauses_and_joined_while_it_fits(monkeypatch):
    spans = ((1.0, 10.0), (12.0, 20.0), (22.0, 35.0), (50.0, 52.0))
    speech_at(spans, monkeypatch)
    found = speech_spans(bursts(60.0, spans), 30.0)
    wanted = [(0.8, 20.2), (21.8, 35.2), (49.8, 52.2)]
    assert [(s.start_s, s.end_s) for s in found] == [pytest.approx(each) for each in wanted]


def test_speech_without_a_pause_is_cut_where_it_is_quietest(monkeypatch):
    spans = ((0.0, 24.5), (24.6, 70.0))
    speech_at(((0.0, 70.0),), monkeypatch)
    found = speech_spans(bursts(70.0, spans), 30.0)
    assert found[0].end_s == pytest.approx(24.55, abs=0.06)
    assert found[-1].end_s == pytest.approx(70.0)
    assert max(s.duration_s for s in found) <= 30.0
    assert all(b.start_s >= a.end_s for a, b in pairwise(found))


def test_spans_never_overlap_where_pauses_are_short(monkeypatch):
    spans = ((0.0, 29.0), (29.1, 58.0), (58.05, 80.0))
    speech_at(spans, monkeypatch)
    found = speech_spans(bursts(80.0, spans), 30.0)
    assert all(b.start_s >= a.end_s for a, b in pairwise(found))
    assert max(s.duration_s for s in found) <= 30.0


def test_no_speech_has_no_spans(monkeypatch):
    speech_at((), monkeypatch)
    assert speech_spans(bursts(60.0, ()), 30.0) == ()


def test_batched_windows_are_heard_as_if_alone(parts, monkeypatch):
    spans = ((1.0, 12.0), (20.0, 41.0), (50.0, 64.0))
    speech_at(spans, monkeypatch)
    recording = noise(65.0)
    options = PLAIN.changed(most_tokens=30, language="en")
    found = list(hear_long(parts, recording, options, by="batched", batch_size=2))
    assert len(found) == 3
    for stretch, span in zip(found, speech_spans(recording, 30.0), strict=True):
        assert (stretch.start_s, stretch.duration_s) == (span.start_s, pytest.approx(span.duration_s))
        (alone,) = hear_windows(parts, [recording.cut(span.start_s, span.end_s)], options)
        assert stretch.result.tokens == alone.tokens
        assert stretch.tokens == alone.tokens  # nothing is cut off: no other window hears it
        assert all(span.start_s <= s.start_s <= s.end_s <= span.end_s + 1e-9 for s in stretch.segments)


def test_what_cannot_be_asked_is_refused(parts):
    with pytest.raises(UnknownName, match="way to hear"):
        hear_long(parts, noise(1.0), PLAIN, by="parallel")
    with pytest.raises(BadInput, match="conditioned"):
        hear_long(parts, noise(1.0), PLAIN, by="batched", condition=True)


def test_a_stretch_gives_the_tokens_that_count(parts):
    (result,) = hear_windows(parts, [noise(2.0)], PLAIN.changed(most_tokens=6))
    segments, _ = split(result.tokens, parts.tokens.first_time, 200)
    assert Stretch(0.0, 2.0, result, segments).tokens == result.tokens[: segments[-1].rows.stop]


@pytest.mark.slow
def test_memory_does_not_grow_with_what_is_heard(tmp_path, folder):
    """Six minutes take less than 100 MB more than one minute does: samples, features and one window at a time."""
    import subprocess
    import sys

    code = (
        "import resource, sys, numpy as np, torch\n"
        "from otoscope.core import Recording\n"
        "from otoscope.recognizers.checkpoints.opening import open_checkpoint\n"
        "recognizer = open_checkpoint(sys.argv[1], most_tokens=8)\n"
        "rng = np.random.default_rng(0)\n"
        "samples = np.concatenate([rng.standard_normal(960000).astype(np.float32) for _ in range(int(sys.argv[2]))])\n"
        "recognizer.trace(Recording(0.05 * samples, 16000), record='text')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks = []
    for minutes in ("1", "6"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder), minutes], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout.split()[-1]) / 1024)
    assert peaks[1] - peaks[0] < 100
