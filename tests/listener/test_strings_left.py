"""Strings of phones within a margin of the best: as many as brute force finds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.listener.paths import form_path, with_silence
from otoscope.listener.phone_loop import PhoneBigram, free_phones, loop_of
from otoscope.listener.strings_left import StringsLeft, _Ends, strings_left

STRINGS = [string for length in range(1, 6) for string in itertools.product("ABC", repeat=length)]
BIGRAM = PhoneBigram.counted("ABC", [("A", "B"), ("B", "A", "C"), ("C", "C"), ("A", "A", "B")])


def scores_of(ev):
    """Return the score of every string that fits, by its own best path."""
    found = {}
    for string in STRINGS:
        try:
            found[string] = form_path(ev, string).score
        except BadInput:  # It does not fit.
            continue
    return found


@pytest.mark.parametrize("context", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_as_many_as_brute_force_finds(evidence, seed, context):
    ev = evidence(5, seed=seed, context=context)
    scores = scores_of(ev)
    best = max(scores.values())
    for margin in (0.0, 1.0, 3.0, 8.0):
        count = sum(value >= best - margin - 1e-9 for value in scores.values())
        assert strings_left(ev, margin=margin + 2e-9) == StringsLeft(count, complete=True)


def test_the_best_is_that_of_the_free_loop(evidence):
    for seed in range(3):
        ev = evidence(9, seed=seed)
        loop = _Ends(with_silence(ev.scores, ev.models).astype(float), *loop_of(ev.models, BIGRAM))
        assert loop.best == pytest.approx(free_phones(ev, bigram=BIGRAM)[1][-1], abs=1e-5)


def test_frames_and_words_that_do_not_count(evidence):
    ev = evidence(9, seed=3)
    shorter = evidence(5, scores=ev.scores[:5])
    assert strings_left(ev, margin=5.0, n_frames=5) == strings_left(shorter, margin=5.0)
    scores = scores_of(shorter)
    words = sorted(scores, key=scores.__getitem__)[-3:]
    every = strings_left(shorter, margin=5.0)
    within = sum(scores[word] >= max(scores.values()) - 5.0 for word in words)
    assert strings_left(shorter, margin=5.0, apart_from=set(words)).n == every.n - within


def test_what_a_bigram_forbids_does_not_count(evidence):
    ev = evidence(5, seed=5)
    never = np.zeros((4, 4))
    never[:, 1] = -1e6  # B follows nothing
    allowed = sum("B" not in string for string in scores_of(ev))
    assert strings_left(ev, margin=1e5, bigram=PhoneBigram(("A", "B", "C"), never)).n == allowed
    assert strings_left(ev, margin=1e5).n == len(scores_of(ev))


def test_counting_ends_and_says_so(evidence):
    ev = evidence(8, seed=1)
    whole = strings_left(ev, margin=6.0)
    assert whole.complete
    assert strings_left(ev, margin=6.0, most=whole.n + 1) == whole
    assert strings_left(ev, margin=6.0, most=whole.n) == StringsLeft(whole.n, complete=False)
    words = {("A",), ("B",), ("C",)}
    assert strings_left(ev, margin=1e9, apart_from=words, most=5) == StringsLeft(5, complete=False)


def test_refusals(evidence):
    with pytest.raises(BadInput, match="margin of 0 or more"):
        strings_left(evidence(3), margin=-1.0)
    with pytest.raises(BadInput, match="a frame or more"):
        strings_left(evidence(3), margin=1.0, n_frames=0)
    with pytest.raises(BadInput, match="other phones"):
        strings_left(evidence(3), margin=1.0, bigram=PhoneBigram.flat("AB"))
