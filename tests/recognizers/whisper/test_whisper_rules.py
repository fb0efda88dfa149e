"""What may be written next: as transformers' processors have it, and as the paper says it in words."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from otoscope.recognizers.whisper.rules import Never, NotFirst, TimesInOrder


class FakeTokens:
    """Five texts (0-4), end 5, no-timestamps 6, times 7 to 10."""

    end, no_timestamps, first_time = 5, 6, 7


N = 11
TEXT, END, TIMES = range(5), 5, range(7, N)


def allowed(before, scores, most_first=1):
    row = torch.tensor(scores, dtype=torch.float32)[None].clone()
    TimesInOrder(FakeTokens, most_first)(row, [before])
    return frozenset(torch.nonzero(torch.isfinite(row[0]))[:, 0].tolist())


def by_the_paper(before, scores, most_first=1):
    """Say the rules one by one, over sets."""
    free = {*TEXT, END, *TIMES}
    if not before:
        free &= {t for t in TIMES if t <= 7 + most_first}
    else:
        times = [t for t in before if t >= 7]
        after_time = before[-1] >= 7
        alone = after_time and len(before) >= 2 and before[-2] < 7
        if alone:
            free -= set(TEXT)  # a segment was closed: only the next may open, or all ends
        elif after_time:
            free -= set(TIMES)  # a segment was opened: it needs text
        if times:
            free -= {t for t in TIMES if t < times[-1] or (t == times[-1] and not alone)}
    mass = sum(np.exp(scores[t]) for t in free if t in TIMES)
    others = [np.exp(scores[t]) for t in free if t not in TIMES]
    return frozenset(t for t in free if t in TIMES) if mass > max(others, default=0) else frozenset(free)


def test_every_short_text_keeps_the_rules_of_times():
    rng = np.random.default_rng(0)
    for length in range(5):
        for before in itertools.product((0, 3, 7, 8, 10), repeat=length):
            for scores in (np.zeros(N), rng.normal(0, 2, N)):
                assert allowed(list(before), scores) == by_the_paper(before, scores), before


def test_they_are_those_of_transformers():
    logits_process = pytest.importorskip("transformers").generation.logits_process
    config = type("Config", (), {"no_timestamps_token_id": 6, "eos_token_id": 5, "max_initial_timestamp_index": 1})
    theirs = logits_process.WhisperTimeStampLogitsProcessor(config(), begin_index=2)
    rng = np.random.default_rng(1)
    for _ in range(400):
        before = rng.integers(0, N, rng.integers(0, 7)).tolist()
        scores = torch.tensor(rng.normal(0, 3, (1, N)), dtype=torch.float32)
        own = scores.clone()
        TimesInOrder(FakeTokens, 1)(own, [before])
        expected = theirs(torch.tensor([[0, 1, *before]]), scores)
        assert torch.equal(own.isfinite(), expected.isfinite()), before
        assert torch.equal(own[own.isfinite()], scores[expected.isfinite()])


def test_a_first_time_may_be_any_where_no_limit_is_told():
    assert allowed([], np.zeros(N), most_first=None) == frozenset(TIMES)


def test_what_is_never_written_and_what_is_not_written_first():
    scores = torch.zeros(2, N)
    Never([3, 3, 9])(scores, [[], []])
    assert torch.nonzero(scores.isinf())[:, 1].tolist() == [3, 9, 3, 9]
    scores = torch.zeros(1, N)
    NotFirst([0, 5])(scores, [[1]])
    assert scores.isfinite().all()
    NotFirst([0, 5])(scores, [[]])
    assert torch.nonzero(scores.isinf())[:, 1].tolist() == [0, 5]


def test_what_is_written_under_the_rules_keeps_them(opened, babble):
    recognizer = opened("multilingual", timestamps=True, most_tokens=40)
    first = recognizer.parts.tokens.first_time
    for window in recognizer.hear_windows([babble(i) for i in range(6)]):
        times = [token for token in window.tokens if token >= first]
        assert window.tokens[0] in range(first, first + 51)
        assert times == sorted(times)
        assert recognizer.parts.tokens.no_timestamps not in window.tokens
        never = set(recognizer.parts.generation["suppress_tokens"])
        assert not never & set(window.tokens)
