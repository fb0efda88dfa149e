"""Paths of forms and the free loop of phones, against all paths written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.listener.competing import compete
from otoscope.listener.paths import form_path
from otoscope.listener.phone_loop import FreePhones, PhoneBigram, free_phones
from otoscope.listener.word_tree import WordTree


def ways(models, phones, *, end_sil):
    """Every way through silence?, phones, silence?: lists of (state, log of entering it from the one before)."""
    sil = models.states(None, "SIL", None)
    around = ("SIL", *phones, "SIL")
    chains = [models.states(around[k], p, around[k + 2]) for k, p in enumerate(phones)]
    for lead in (True, False):
        for skipped in itertools.product(
            *[[False, True] if s.log_skip > -np.inf else [False] for c in chains for s in c]
        ):
            chosen, pending = ([*sil], 0.0) if lead else ([], 0.0)
            steps = [0.0] if lead else []
            flat = [s for c in chains for s in c]
            for state, skip in zip(flat, skipped, strict=True):
                if skip:
                    pending += state.log_skip
                    continue
                steps.append((chosen[-1].log_leave if chosen else 0.0) + pending)
                chosen.append(state)
                pending = 0.0
            tail = pending
            yield chosen, steps, tail
            if end_sil:
                yield [*chosen, *sil], [*steps, chosen[-1].log_leave + pending], 0.0


def brute(ev, phones, n, *, end_sil=True):
    """The best score over all ways and all durations."""
    best = -np.inf
    for states, steps, tail in ways(ev.models, phones, end_sil=end_sil):
        for cuts in itertools.combinations(range(1, n), len(states) - 1):
            edges = (0, *cuts, n)
            value = tail
            for k, state in enumerate(states):
                rows = ev.scores[edges[k] : edges[k + 1], state.column].astype(float)
                value += steps[k] + rows.sum() + state.log_loop * (len(rows) - 1)
            best = max(best, value)
    return best


@pytest.mark.parametrize("context", [False, True])
@pytest.mark.parametrize("phones", [("A", "B"), ("C",), ("B", "C", "A"), ("A", "B", "C")])
def test_the_path_of_a_form_is_the_best_of_all(phones, context, evidence):
    ev = evidence(8, seed=3, context=context)
    path = form_path(ev, phones)
    assert path.score == pytest.approx(brute(ev, phones, 8))
    assert path.gains.sum() == pytest.approx(path.score)
    assert (np.diff(path.segment) >= 0).all()


def test_a_partial_path_may_stop_anywhere(evidence):
    ev = evidence(6, seed=5)
    partial = form_path(ev, ("A", "B", "C"), n_frames=2, whole=False)
    options = [brute_prefix(ev, 2)]
    assert partial.score == pytest.approx(max(options))
    with pytest.raises(BadInput, match="does not fit"):
        form_path(ev, ("A", "B", "C"), n_frames=2)


def brute_prefix(ev, n):
    """Best score of two frames anywhere in silence, A, B."""
    s = ev.scores.astype(float)
    two = [
        s[0, 5] + s[1, 5],
        s[0, 5] + s[1, 0],
        s[0, 0] - 0.7 + s[1, 0],
        s[0, 0] - 0.6 + s[1, 1],
    ]
    assert n == 2
    return max(two)


def strings(n):
    for length in range(1, n + 1):
        yield from itertools.product("ABC", repeat=length)


@pytest.mark.parametrize("context", [False, True])
def test_the_loop_is_as_good_as_the_best_string_of_all(context, evidence):
    ev = evidence(5, seed=1, context=context)
    bigram = PhoneBigram.counted(("A", "B", "C"), [("A", "B"), ("C", "A", "A")])
    _, final = free_phones(ev, bigram=bigram, insertion_log=-0.3)
    places = {"A": 0, "B": 1, "C": 2}
    best = -np.inf
    for string in strings(5):
        codes = [3, *(places[p] for p in string)]
        cost = bigram.log[codes[:-1], codes[1:]].sum() - 0.3 * len(string)
        edge = bigram.log[codes[-1], 3]
        spoken = brute(ev, string, 5, end_sil=False) if fits(string, 5) else -np.inf
        behind = brute_with_silence(ev, string, 5)
        best = max(best, spoken + cost, behind + cost + edge)
    assert final[-1] == pytest.approx(best)


def fits(string, n):
    return sum({"A": 2, "B": 1, "C": 1}[p] for p in string) <= n


def brute_with_silence(ev, phones, n):
    best = -np.inf
    for states, steps, tail in ways(ev.models, phones, end_sil=True):
        if states[-1].column != 5 or len(states) > n:
            continue
        for cuts in itertools.combinations(range(1, n), len(states) - 1):
            edges = (0, *cuts, n)
            value = tail
            for k, state in enumerate(states):
                rows = ev.scores[edges[k] : edges[k + 1], state.column].astype(float)
                value += steps[k] + rows.sum() + state.log_loop * (len(rows) - 1)
            best = max(best, value)
    return best


def test_streaming_gives_the_same(evidence):
    ev = evidence(40, seed=2, context=True)
    at_once = free_phones(ev)
    loop = FreePhones(ev.models)
    parts = [loop.feed(ev.scores[a:b]) for a, b in ((0, 1), (1, 17), (17, 17), (17, 40))]
    for k in range(2):
        assert np.concatenate([part[k] for part in parts]).tolist() == at_once[k].tolist()


def test_no_word_beats_the_free_loop_and_its_string_is_what_was_said(evidence):
    scores = np.full((12, 7), -8.0)
    for frame, column in enumerate([5, 5, 0, 0, 1, 1, 2, 2, 3, 4, 5, 5]):
        scores[frame, column] = 0.0
    ev = evidence(12, scores=scores)
    loop = FreePhones(ev.models)
    running, final = loop.feed(ev.scores)
    assert loop.string() == (("A", 2), ("B", 6), ("C", 8))
    assert final[-1] == pytest.approx(form_path(ev, ("A", "B", "C")).score)
    assert (running >= final - 1e-12).all()
    for word in (("A", "B"), ("C",), ("B", "B")):
        assert form_path(ev, word).score < final[-1]


def test_bigrams_are_counted_and_checked(evidence):
    bigram = PhoneBigram.counted(("A", "B"), [("A", "B"), ("A",)], weights=[3.0, 1.0])
    assert np.exp(bigram.log).sum(axis=1) == pytest.approx([1, 1, 1])
    assert np.exp(bigram.log[2, 0]) == pytest.approx((2 + 1) / (2 + 3))
    assert np.exp(bigram.log[0, 1]) == pytest.approx((1.5 + 1) / (2 + 3))
    with pytest.raises(BadInput, match="'X' is not among"):
        PhoneBigram.counted(("A",), [("X",)])
    with pytest.raises(BadInput, match="other phones"):
        FreePhones(evidence(1).models, bigram=bigram)


@pytest.mark.parametrize("context", [False, True])
def test_paths_agree_with_the_tree_of_words(evidence, context):
    ev = evidence(20, seed=4, context=context)
    forms = [("A", "B"), ("A", "C"), ("B",), ("C", "A", "B"), ("A", "B", "C")]
    tree = WordTree.build(forms, ev.models, np.zeros(5))
    whole = compete(ev, tree, frequency_weight=0.0, offset_s=0.15)
    partial = compete(ev, tree, frequency_weight=0.0, track=range(5))
    for form, phones in enumerate(forms):
        assert form_path(ev, phones).score == pytest.approx(whole.final[form], abs=1e-4)
        for n in (3, 10, 20):
            ours = form_path(ev, phones, n_frames=n, whole=False).score
            assert ours == pytest.approx(partial.tracked[n - 1, form], abs=1e-4)
    running, final = free_phones(ev)
    assert (running >= partial.activations[:, 0] - 1e-4).all()
    assert final[-1] >= whole.final.max() - 1e-4
