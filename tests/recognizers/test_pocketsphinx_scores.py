"""Scores of targets and alignments of known transcripts; the processes that compute them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from otoscope.core import BadInput, DoesNotFit, Interval, NotAble, OtoscopeError, Recording, Target, Trace, UnknownName
from otoscope.recognizers.pocketsphinx import PocketSphinx
from otoscope.recognizers.pocketsphinx.pool import WorkerPool

SENTENCE = "the quick brown fox jumps over the lazy dog"


def silenced(recording: Recording, place: Interval) -> Recording:
    samples = recording.samples.copy()
    samples[round(place.start_s * recording.rate_hz) : round(place.end_s * recording.rate_hz)] = 0.0
    return recording.with_samples(samples)


@pytest.fixture(scope="module")
def changed(speech: Recording, heard: Trace) -> list[Recording]:
    return [speech, *(silenced(speech, word) for word in heard.words)]


@pytest.fixture(scope="module")
def scores(pocketsphinx: PocketSphinx, changed: list[Recording], heard: Trace) -> np.ndarray:
    return pocketsphinx.score(changed, heard.targets())


def test_scores_are_log_probabilities(scores: np.ndarray, heard: Trace) -> None:
    assert scores.shape == (len(heard.words) + 1, len(heard.words))
    assert (scores <= 1e-12).all()
    assert np.median(scores[0]) > -1.5


def test_a_word_falls_most_where_it_was_silenced(scores: np.ndarray) -> None:
    drops = scores[0] - scores[1:]
    assert (drops.argmax(axis=0) == np.arange(drops.shape[1])).all()
    assert np.diag(drops).min() > 1.0


def test_order_and_number_of_processes_make_no_difference(
    scores: np.ndarray, changed: list[Recording], heard: Trace
) -> None:
    several = PocketSphinx(processes=2)
    order = np.random.default_rng(0).permutation(len(changed))
    seen: list[tuple[int, int]] = []
    try:
        again = several.score(
            [changed[i] for i in order], heard.targets(), progress=lambda done, total: seen.append((done, total))
        )
        few = several.score([changed[0]], heard.targets())
    finally:
        several.close()
    assert np.array_equal(again, scores[order])
    assert np.array_equal(few, scores[:1])
    assert seen == [(done, len(changed)) for done in range(1, len(changed) + 1)]


def test_a_target_scores_the_same_in_any_company(
    scores: np.ndarray, pocketsphinx: PocketSphinx, speech: Recording, heard: Trace
) -> None:
    assert pocketsphinx.score([speech], [heard.targets()[2]])[0, 0] == scores[0, 2]


def test_a_contrast_is_a_difference(pocketsphinx: PocketSphinx, speech: Recording, heard: Trace) -> None:
    fox = heard.target("fox")
    swapped = Target("word", "box", fox.interval, fox.position, fox.context).rather_than("fox")
    both = pocketsphinx.score([speech, silenced(speech, heard.words[3])], [fox.rather_than("box"), swapped])
    assert both[0, 0] > 0
    assert abs(both[1, 0]) < abs(both[0, 0])


def test_the_spoken_sentence_beats_another(pocketsphinx: PocketSphinx, speech: Recording) -> None:
    said, other = Target.utterance(SENTENCE), Target.utterance("she sells sea shells by the shore today")
    said_score, other_score, contrast = pocketsphinx.score([speech], [said, other, said.rather_than(other.label)])[0]
    assert other_score < said_score <= 0
    assert contrast > 0


def test_a_word_without_context_is_scored_among_anything(pocketsphinx: PocketSphinx, speech: Recording) -> None:
    place = Interval(2.9, 3.2, "fox")
    alone = Target("word", "fox", pocketsphinx.trace(speech).target("fox").interval)
    right, wrong = pocketsphinx.score([speech], [alone, Target("word", "fox", place)])[0]
    assert np.isfinite([right, wrong]).all()
    assert right > wrong


@pytest.mark.parametrize("n_samples", [1, 160, 1600])
def test_what_is_too_short_scores_the_lowest(pocketsphinx: PocketSphinx, heard: Trace, n_samples: int) -> None:
    got = pocketsphinx.score([Recording(np.zeros(n_samples), 16000)], [*heard.targets(), Target.utterance(SENTENCE)])
    assert (got == -60.0).all()


def test_nothing_to_score_is_an_empty_matrix(pocketsphinx: PocketSphinx, speech: Recording) -> None:
    assert pocketsphinx.score([], [Target.utterance("hello")]).shape == (0, 1)
    assert pocketsphinx.score([speech], []).shape == (1, 0)


def test_what_cannot_be_scored_is_refused(pocketsphinx: PocketSphinx, speech: Recording) -> None:
    place = Interval(0.1, 0.5, "x")
    with pytest.raises(NotAble, match="not tokens such as 'K'"):
        pocketsphinx.score([speech], [Target("token", "K", place)])
    with pytest.raises(BadInput, match="'qqz' is not in the pronunciation dictionary"):
        pocketsphinx.score([speech], [Target("word", "cat", place).rather_than("qqz")])
    with pytest.raises(BadInput, match="at least one word"):
        pocketsphinx.score([speech], [Target.utterance(" ")])


def test_wrong_parameters_are_refused() -> None:
    with pytest.raises(UnknownName, match="unknown way of scoring 'posteriors'; did you mean posterior"):
        PocketSphinx(score_by="posteriors")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="processes must be 1 or more, got 0"):
        PocketSphinx(processes=0)


def test_posterior_scoring_agrees_on_what_was_removed(changed: list[Recording], heard: Trace) -> None:
    by_posterior = PocketSphinx(score_by="posterior", processes=1, n_competitors=5)
    got = by_posterior.score([changed[0], changed[4]], heard.targets())
    assert (got <= 1e-5).all()
    assert got[0, 3] - got[1, 3] > 1.0
    assert np.log(1e-6) == pytest.approx(got.min(), abs=0.5)
    with pytest.raises(NotAble, match="words only"):
        by_posterior.score([changed[0]], [Target.utterance(SENTENCE)])


def test_a_true_transcript_is_aligned_within_50_ms(pocketsphinx: PocketSphinx, speech: Recording) -> None:
    from otoscope.signal.synthesis import synthesize

    truth = synthesize(SENTENCE, rate_wpm=160)
    found = pocketsphinx.align(speech, "The quick, brown fox jumps over the lazy dog!")
    assert found.words.labels == tuple(SENTENCE.split())
    for aligned, true in zip(found.words.intervals, truth.words.intervals, strict=True):
        assert aligned.start_s == pytest.approx(true.start_s + 0.2, abs=0.05)
        assert aligned.end_s == pytest.approx(true.end_s + 0.2, abs=0.05)
    assert found.phones.labels[:2] == ("DH", "AH")
    assert all(0 <= p <= 1 for p in found.text_confidence)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("once upon a time in a land far away there lived", "does not fit the sound: -"),
        ("the quick brown qqz fox blorf", "not in the pronunciation dictionary: qqz, blorf"),
        (" ".join([SENTENCE] * 9), "too short for 81 words"),
        ("...", "holds no words"),
    ],
)
def test_a_transcript_that_does_not_fit_is_refused(
    pocketsphinx: PocketSphinx, speech: Recording, text: str, why: str
) -> None:
    with pytest.raises(DoesNotFit, match=why):
        pocketsphinx.align(speech, text)


def alive(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    except FileNotFoundError:
        if Path("/proc").is_dir() and os.listdir("/proc"):
            return False
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def gone(process_ids: list[int]) -> bool:
    for _ in range(200):
        if not any(map(alive, process_ids)):
            return True
        time.sleep(0.05)
    return False


def test_a_worker_that_dies_is_reported_and_the_next_call_works(speech: Recording, heard: Trace) -> None:
    several = PocketSphinx(processes=2)
    targets = heard.targets()[:1]

    def kill_one(done: int, total: int) -> None:
        if done == 1:
            for worker in several._pool.process_ids:
                os.kill(worker, signal.SIGKILL)

    try:
        with pytest.raises(OtoscopeError, match=r"ended early \(exit code .*; try processes=1"):
            several.score([speech] * 12, targets, progress=kill_one)
        assert not several._pool.started
        assert several.score([speech] * 9, targets).shape == (9, 1)
    finally:
        several.close()


SCRIPT = """
import sys
import numpy as np
from otoscope.core import Interval, Recording, Target
from otoscope.recognizers import load

recognizer = load("pocketsphinx", processes=2)

def progress(done, total):
    if done == 2:
        print(*recognizer._pool.process_ids, flush=True)

noise = Recording(np.random.default_rng(0).uniform(-0.1, 0.1, 16000), 16000)
try:
    recognizer.score([noise] * 3000, [Target("word", "cat", Interval(0.2, 0.8, "cat"))], progress=progress)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_an_interrupted_call(how: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        workers = [int(number) for number in parent.stdout.readline().split()]
        assert len(workers) == 2
        parent.send_signal(how)
        out, err = parent.communicate(timeout=60)
    finally:
        parent.kill()
    if how == signal.SIGINT:
        assert (parent.returncode, out, err) == (130, "interrupted\n", "")
    assert gone(workers)


def test_closing_leaves_no_temporary_folder(
    speech: Recording, heard: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    several = PocketSphinx(processes=1)
    pool = WorkerPool(1)
    pool.score(several._plan, [np.zeros(16000, np.int16)], heard.targets()[:1])
    assert list(tmp_path.iterdir())
    pool.close()
    assert not list(tmp_path.iterdir())


def test_workers_load_no_torch() -> None:
    script = (
        "import sys; from otoscope.recognizers.pocketsphinx.worker import main; "
        "from otoscope.recognizers.pocketsphinx.scoring import ScoringPlan; ScoringPlan().scorer(); "
        "print([m for m in ('torch', 'matplotlib', 'transformers') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\n"
