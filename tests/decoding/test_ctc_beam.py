"""CTC prefix beam against the sum over all paths of all label sequences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.decoding.ctc import SymbolAutomaton, log_likelihood, log_likelihoods, prefix_beam

N_SYMBOLS = 3


def random_log_probs(seed, n_frames=5, n_symbols=N_SYMBOLS):
    scores = np.random.default_rng(seed).normal(size=(n_frames, n_symbols)) * 2
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


def every_sequence(n_frames, blank):
    symbols = [s for s in range(N_SYMBOLS) if s != blank]
    return [labels for n in range(n_frames + 1) for labels in itertools.product(symbols, repeat=n)]


def ranked(log_probs, blank, bonus=lambda labels: 0.0):
    sequences = every_sequence(len(log_probs), blank)
    scores = log_likelihoods(log_probs, sequences, blank=blank) + [bonus(s) for s in sequences]
    order = np.argsort(-scores)
    return [(sequences[i], scores[i]) for i in order if scores[i] > -np.inf]


@pytest.mark.parametrize("blank", [0, 1, 2])
def test_a_wide_beam_finds_all_sequences_with_their_exact_scores(blank):
    for seed in range(8):
        log_probs = random_log_probs(seed)
        expected = ranked(log_probs, blank)
        found = prefix_beam(log_probs, blank=blank, beam=500, n_best=500)
        assert len(found) == len(expected)
        assert [h.log_score for h in found] == pytest.approx([score for _, score in expected])
        assert found[0].labels == expected[0][0]
        assert all(h.log_prob == pytest.approx(log_likelihood(log_probs, h.labels, blank=blank)) for h in found)


def test_a_narrow_beam_keeps_each_sequence_once_and_never_overrates_it():
    log_probs = random_log_probs(3, n_frames=40)
    found = prefix_beam(log_probs, beam=12, n_best=12)
    assert len({h.labels for h in found}) == len(found) == 12
    for h in found:
        assert h.log_prob <= log_likelihood(log_probs, h.labels) + 1e-9
    wide = prefix_beam(log_probs, beam=400)[0]
    assert wide.log_score >= found[0].log_score


def test_a_sequence_dropped_from_the_beam_and_found_again_is_not_held_twice():
    for seed in range(30):
        found = prefix_beam(random_log_probs(seed, n_frames=25), beam=3, n_best=3)
        assert len({h.labels for h in found}) == 3


@pytest.mark.parametrize("weight", [0.0, 0.7])
@pytest.mark.parametrize("blank", [0, 2])
def test_bigram_table_and_function_and_brute_force_agree(blank, weight):
    table = np.random.default_rng(9).normal(size=(N_SYMBOLS, N_SYMBOLS))

    def bonus(labels):
        states = [blank, *labels, blank]
        return weight * sum(table[a, b] for a, b in itertools.pairwise(states))

    def following(labels):
        return table[labels[-1] if labels else blank]

    automaton = SymbolAutomaton.of_ngram(table, blank=blank)
    for seed in range(5):
        log_probs = random_log_probs(seed)
        expected = ranked(log_probs, blank, bonus)
        for lm in (automaton, following):
            found = prefix_beam(log_probs, blank=blank, beam=500, n_best=500, lm=lm, lm_weight=weight)
            assert [h.log_score for h in found] == pytest.approx([score for _, score in expected])
            assert found[0].labels == expected[0][0]
        assert found[0].log_prob == pytest.approx(log_likelihood(log_probs, found[0].labels, blank=blank))


def test_trigram_table_looks_two_symbols_back():
    table = np.random.default_rng(10).normal(size=(N_SYMBOLS,) * 3)

    def bonus(labels):
        states = [0, 0, *labels, 0]
        return sum(table[tuple(states[i : i + 3])] for i in range(len(states) - 2))

    log_probs = random_log_probs(11)
    found = prefix_beam(log_probs, beam=500, n_best=500, lm=SymbolAutomaton.of_ngram(table))
    assert [h.log_score for h in found] == pytest.approx([score for _, score in ranked(log_probs, 0, bonus)])


def test_a_function_and_its_table_agree_over_many_frames():
    table = np.random.default_rng(12).normal(size=(8, 8))
    log_probs = random_log_probs(13, n_frames=120, n_symbols=8)
    walked = prefix_beam(log_probs, beam=30, n_best=5, lm=SymbolAutomaton.of_ngram(table))
    asked = prefix_beam(log_probs, beam=30, n_best=5, lm=lambda labels: table[labels[-1] if labels else 0])
    assert walked == asked


def test_a_language_model_can_forbid():
    table = np.zeros((N_SYMBOLS, N_SYMBOLS))
    table[:, 1] = -np.inf
    found = prefix_beam(random_log_probs(1), beam=500, n_best=500, lm=SymbolAutomaton.of_ngram(table))
    assert all(1 not in h.labels for h in found)


@pytest.mark.parametrize(("beam", "n_best"), [(0, 1), (3, 4), (3, 0)])
def test_beam_sizes_are_checked(beam, n_best):
    with pytest.raises(BadInput, match="1 <= n_best <= beam"):
        prefix_beam(random_log_probs(0), beam=beam, n_best=n_best)


def test_impossible_emissions_and_wrong_models_are_named():
    with pytest.raises(BadInput, match="every label sequence has probability 0"):
        prefix_beam(np.vstack([random_log_probs(0), np.full((1, N_SYMBOLS), -np.inf)]))
    with pytest.raises(BadInput, match="has 4 symbols, the emissions 3"):
        prefix_beam(random_log_probs(0), lm=SymbolAutomaton.of_ngram(np.zeros((4, 4))))
    with pytest.raises(BadInput, match=r"must return \(3,\)"):
        prefix_beam(random_log_probs(0), lm=lambda labels: np.zeros(2))
    with pytest.raises(BadInput, match="axes of one length"):
        SymbolAutomaton.of_ngram(np.zeros((3, 4)))
    with pytest.raises(BadInput, match="must be contexts 0 … 0"):
        SymbolAutomaton(np.zeros((1, 3)), np.ones((1, 3), dtype=int))
