"""The search: what is remembered, drawn, kept in a beam and tried again."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest
import torch

from otoscope.core import BadAudio, BadInput, Recording, UnknownName
from otoscope.recognizers.whisper.decoding import Beam
from otoscope.recognizers.whisper.network import Session
from otoscope.recognizers.whisper.options import LADDER, Options
from otoscope.recognizers.whisper.windows import compression_ratio, hear_windows


@pytest.fixture
def opened(opened):
    """Open tiny Whispers with the faster attention."""
    return functools.partial(opened, attention="sdpa")


def encoded(recognizer, recordings):
    front_end, network = recognizer.parts.front_end, recognizer.parts.network
    with torch.no_grad():
        return network.encode(front_end.log_mel(front_end.waves(recordings)))


def test_what_is_remembered_changes_nothing(opened, babble):
    network = opened().parts.network
    heard = encoded(opened(), [babble(0), babble(1)])
    tokens = torch.randint(0, 300, (2, 70), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        at_once = network.forced(heard, tokens)
        session = Session(network, heard, room=4)
        parts = [session.feed(tokens[:, a:b]) for a, b in ((0, 3), (3, 4), (4, 20), (20, 21), (21, 70))]
    torch.testing.assert_close(torch.cat(parts, 1), at_once, atol=2e-5, rtol=1e-5)


def test_rows_go_on_from_others(opened, babble):
    network = opened().parts.network
    heard = encoded(opened(), [babble(0)]).rows([0, 0, 0])
    with torch.no_grad():
        session = Session(network, heard)
        session.feed(torch.tensor([[5, 6], [7, 8], [9, 10]]))
        session.reorder([2, 0, 0])
        found = session.feed(torch.tensor([[1], [2], [3]]))[:, 0]
        wanted = network.forced(heard, torch.tensor([[9, 10, 1], [5, 6, 2], [5, 6, 3]]))[:, -1]
    torch.testing.assert_close(found, wanted, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "how", [{}, {"beam_size": 3}, {"temperatures": (0.7,), "best_of": 2}, {"prompt": "one", "timestamps": False}]
)
def test_windows_side_by_side_are_heard_as_alone(opened, babble, how):
    recognizer, recordings = opened(**how), [babble(i) for i in range(4)]
    together = recognizer.hear_windows(recordings)
    for window, recording in zip(together, recordings, strict=True):
        (alone,) = recognizer.hear_windows([recording])
        assert (window.tokens, window.language) == (alone.tokens, alone.language)
        np.testing.assert_allclose(window.log_probs, alone.log_probs, atol=1e-5)
        assert window.no_speech_prob == pytest.approx(alone.no_speech_prob, rel=1e-4)


def test_windows_with_prompts_of_several_lengths_are_heard_together(opened, babble):
    recognizer, recordings = opened(language="en"), [babble(i) for i in range(3)]
    words = recognizer.parts.tokens.encode(" one two")
    before = [None, words, words[:1]]
    together = recognizer.hear_windows(recordings, before)
    alone = [recognizer.hear_windows([r], [b])[0] for r, b in zip(recordings, before, strict=True)]
    assert [w.tokens for w in together] == [w.tokens for w in alone]
    previous = recognizer.parts.tokens.previous
    assert [w.prefix[: len(b) + 1] if b else None for w, b in zip(together, before, strict=True)] == [
        None,
        (previous, *words),
        (previous, words[0]),
    ]
    assert together[0].prefix[0] == recognizer.parts.tokens.start


def test_log_probabilities_are_of_what_the_rules_allow(opened, babble):
    recognizer = opened(timestamps=False, language="en")
    (window,) = recognizer.hear_windows([babble(0)])
    parts, scores = recognizer.parts, []
    with torch.no_grad():
        hidden = parts.network.forced(window.heard, (*window.prefix, *window.tokens))[0, len(window.prefix) - 1 :]
        logits = parts.network.logits(hidden)
    for n, token in enumerate(window.tokens):
        row = logits[n : n + 1].clone()
        for rule in parts.rules(timestamps=False):
            rule(row, [list(window.tokens[:n])])
        assert token == int(row.argmax())
        scores.append(float(torch.log_softmax(row, 1)[0, token]))
    np.testing.assert_allclose(window.log_probs[: len(scores)], scores, atol=1e-5)
    assert window.avg_logprob == pytest.approx(math.fsum(window.log_probs) / len(window.log_probs))


def test_a_beam_gives_several_texts_best_first(opened, babble):
    for window in opened(beam_size=4, n_best=3).hear_windows([babble(2), babble(3)]):
        scores = [reading.score for reading in window.n_best]
        assert 1 < len(scores) <= 3
        assert scores == sorted(scores, reverse=True)
        assert len({reading.tokens for reading in window.n_best}) == len(scores)


@pytest.mark.parametrize("length_penalty", [0.0, 1.0, 2.0])
def test_a_wide_beam_ranks_all_texts_there_are(length_penalty):
    """Scores come from a table of the last token; a beam as wide as the texts are many loses none of the best."""
    end, n_tokens, n_most = 3, 4, 3
    table = torch.randn(n_tokens, n_tokens, generator=torch.Generator().manual_seed(2))
    log_probs = torch.log_softmax(table, 1)
    strategy = Beam(2, end, beam_size=27, length_penalty=length_penalty)
    for n_written in range(1, n_most + 1):
        scores = table[[(row.tokens or [0])[-1] for row in strategy.rows]].clone()
        padded = torch.cat([scores, torch.full((scores.shape[0], 30), -torch.inf)], 1)
        if strategy.extend(padded, scores.logsumexp(1), last=n_written == n_most) is None:
            break
    expected = {}
    for text in itertools.product(range(n_tokens), repeat=n_most):
        cut = text[: text.index(end) + 1] if end in text else text
        score = sum(float(log_probs[a, b]) for a, b in itertools.pairwise((0, *cut)))
        expected[tuple(t for t in cut if t != end)] = score / len(cut) ** length_penalty
    for readings in strategy.readings():
        best = sorted(expected.items(), key=lambda pair: -pair[1])[:5]
        assert [reading.tokens for reading in readings[:5]] == [tokens for tokens, _ in best]
        np.testing.assert_allclose([r.score for r in readings[:5]], [score for _, score in best], atol=1e-5)
        for reading in readings[:5]:
            np.testing.assert_allclose(sum(reading.log_probs), reading.score * _length(reading) ** length_penalty, 1e-4)


def plain_beam(log_probs, end, beam, length_penalty, n_most):
    """Beam search over tables of place and last token, said plainly; returns finished texts and the steps it took."""
    running, finished = [((), 0.0)], []
    for n in range(1, n_most + 1):
        longer = [
            ((*text, token), score + float(log_probs[n - 1, (text or (0,))[-1], token]))
            for text, score in running
            for token in range(log_probs.shape[2])
        ]
        best = sorted(longer, key=lambda pair: -pair[1])[: 2 * beam]
        finished += [(text[:-1], score / n**length_penalty) for text, score in best[:beam] if text[-1] == end]
        finished = sorted(finished, key=lambda pair: -pair[1])[:beam]
        running = [pair for pair in best if pair[0][-1] != end][:beam]
        if len(finished) == beam and running[0][1] / n**length_penalty <= finished[-1][1]:
            return finished, n
    return finished, n_most


@pytest.mark.parametrize("length_penalty", [0.0, 0.5, 2.0])
def test_a_beam_ends_when_what_runs_can_no_longer_come_before_what_is_finished(length_penalty):
    end, n_tokens, beam, n_most = 3, 4, 2, 12
    steps = set()
    for seed in range(30):
        tables = torch.randn(n_most, n_tokens, n_tokens, generator=torch.Generator().manual_seed(seed))
        tables[..., end] += 0.5
        strategy = Beam(1, end, beam_size=beam, length_penalty=length_penalty)
        for n in range(n_most):
            rows = [(row.tokens or [0])[-1] for row in strategy.rows]
            scores = torch.cat([tables[n, rows], torch.full((beam, 4), -torch.inf)], 1)
            if strategy.extend(scores, scores.logsumexp(1), last=False) is None:
                break
        finished, n_steps = plain_beam(torch.log_softmax(tables, 2), end, beam, length_penalty, n_most)
        (readings,) = strategy.readings()
        assert ([r.tokens for r in readings], n + 1) == ([text for text, _ in finished], n_steps)
        np.testing.assert_allclose([r.score for r in readings], [score for _, score in finished], atol=1e-5)
        steps.add(n_steps)
    assert len(steps) > 3


def _length(reading):
    return len(reading.tokens) + reading.ended


def test_what_is_drawn_depends_on_the_seed_alone(opened, babble):
    recordings = [babble(0), babble(1)]
    how = {"temperatures": (1.0,), "language": "en"}
    once, again, other = ([w.tokens for w in opened(seed=seed, **how).hear_windows(recordings)] for seed in (3, 3, 4))
    assert once == again
    assert once != other


def test_what_looks_wrong_is_tried_again_until_the_ladder_ends(opened, babble):
    recordings = [babble(0), babble(1)]
    never = opened(temperatures=LADDER, least_log_prob=0.0, most_no_speech=None)
    assert {w.temperature for w in never.hear_windows(recordings)} == {1.0}
    pleased = opened(temperatures=LADDER, least_log_prob=-1e9, most_no_speech=None)
    assert {w.temperature for w in pleased.hear_windows(recordings)} == {0.0}
    (cold,) = opened().hear_windows(recordings[:1])
    some = opened(temperatures=LADDER, most_compression=cold.compression_ratio - 1e-6)
    (warm,) = some.hear_windows(recordings[:1])
    assert warm.temperature > 0
    assert warm.compression_ratio <= cold.compression_ratio - 1e-6 or warm.temperature == 1.0


def test_unlikely_windows_without_speech_count_as_silence(opened, babble):
    (window,) = opened(most_no_speech=-1.0, least_log_prob=0.0).hear_windows([babble(0)])
    assert window.skipped
    assert window.tokens
    for how in ({"most_no_speech": None}, {"most_no_speech": 1.0}, {"most_no_speech": -1.0, "least_log_prob": -1e9}):
        (window,) = opened(**how).hear_windows([babble(0)])
        assert not window.skipped
    trace = opened(most_no_speech=-1.0, least_log_prob=0.0).trace(babble(0))
    assert trace.text == ""
    assert trace.words == ()
    assert trace.provenance.parameters["heard"][0]["text"]


def test_readings_end_where_room_ends(opened, babble):
    for n in (1, 5):
        assert all(len(w.log_probs) <= n for w in opened(most_tokens=n).hear_windows([babble(i) for i in range(3)]))


def test_compression_is_that_of_the_text():
    assert compression_ratio("") == 0
    assert compression_ratio("a" * 1000) > 20 > 2 > compression_ratio("The quick brown fox jumps.")


def test_frames_and_encoded_windows_are_heard_as_recordings_are(opened, babble):
    recognizer, recording = opened(), babble(5)
    (of_sound,) = recognizer.hear_windows([recording])
    front_end = recognizer.parts.front_end
    frames = front_end.log_mel(front_end.wave(recording)[None])[0]
    (of_frames,) = recognizer.hear_windows([frames])
    (of_states,) = hear_windows(recognizer.parts, encoded(recognizer, [recording]), recognizer.options)
    assert of_sound == of_frames == of_states
    with pytest.raises(BadInput, match=r"log-mel frames must be \(up to 3000, 80\), got \(5, 81\)"):
        recognizer.hear_windows([np.zeros((5, 81), np.float32)])
    with pytest.raises(BadAudio, match=r"lasts 30\.1 s; one window of Whisper is 30 s: take a stretch, with recording"):
        recognizer.hear_windows([Recording(np.zeros(round(30.1 * 16000)), 16000)])


def test_options_that_cannot_be(opened):
    with pytest.raises(UnknownName, match="unknown option 'beams'; did you mean beam_size"):
        opened().with_options(beams=3)
    with pytest.raises(UnknownName, match="unknown task 'sing'"):
        Options(task="sing")
    for temperatures in ((), (0.5, 0.2), (-1.0,)):
        with pytest.raises(BadInput, match="temperatures must be rising"):
            Options(temperatures=temperatures)
    with pytest.raises(BadInput, match="beam_size must be a whole number of 1 or more, got 0"):
        Options(beam_size=0)
    with pytest.raises(UnknownName, match="unknown language 'klingon'"):
        opened().with_options(language="klingon")
    with pytest.raises(BadInput, match="hears English only and takes no language"):
        opened("english").with_options(language="en")
    with pytest.raises(BadInput, match="hears English only and cannot translate"):
        opened("english").with_options(task="translate")
    with pytest.raises(BadInput, match=r"the prompt has [0-9]+ tokens; the model takes up to 223"):
        opened().with_options(prompt="one " * 300)
    with pytest.raises(BadInput, match=r"special tokens, found <\|de\|>"):
        opened().with_options(prompt="one <|de|> two")
    assert opened().with_options(language="German").options.language == "de"
