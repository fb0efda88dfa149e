"""Transducer lattice and search against enumeration, and CTC prefix scores likewise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.decoding.ctc import log_likelihood as ctc_log_likelihood
from otoscope.decoding.ctc.prefix_scores import PrefixScorer
from otoscope.decoding.transducer import Search, forced_frames, log_likelihood, occupancies


def lattice(n_frames, n_labels, seed=0):
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.ones(3), size=(n_frames, n_labels + 1))
    return np.log(probs[..., 0]), np.log(probs[:, :n_labels, 1])


def paths(blank, label):
    """All alignments: frames of the labels and log score, by enumeration."""
    n_frames, n_labels = label.shape
    for frames in itertools.combinations_with_replacement(range(n_frames), n_labels):
        score = sum(label[t, u] for u, t in enumerate(frames))
        score += sum(blank[t, sum(f <= t for f in frames)] for t in range(n_frames))
        yield frames, score


SHAPES = [(1, 0), (1, 3), (4, 0), (2, 1), (3, 3), (5, 4)]


@pytest.mark.parametrize(("n_frames", "n_labels"), SHAPES)
def test_likelihood_and_best_path_equal_enumeration(n_frames, n_labels):
    blank, label = lattice(n_frames, n_labels)
    found = list(paths(blank, label))
    assert log_likelihood(blank, label) == pytest.approx(np.logaddexp.reduce([score for _, score in found]))
    best = forced_frames(blank, label)
    frames, score = max(found, key=lambda each: each[1])
    assert (tuple(best.frames), best.log_score) == (frames, pytest.approx(score))


@pytest.mark.parametrize(("n_frames", "n_labels"), SHAPES)
def test_occupancies_equal_enumeration_and_finite_differences(n_frames, n_labels):
    blank, label = lattice(n_frames, n_labels, seed=1)
    found = occupancies(blank, label)
    shares = np.zeros_like(label)
    for frames, score in paths(blank, label):
        for u, t in enumerate(frames):
            shares[t, u] += np.exp(score - found.log_likelihood)
    np.testing.assert_allclose(found.label, shares, atol=1e-12)
    np.testing.assert_allclose(found.label.sum(0), 1)
    np.testing.assert_allclose(found.blank.sum(1), 1)
    step = 1e-6
    for table, gradient in ((blank, found.blank), (label, found.label)):
        for place in np.ndindex(table.shape):
            ends = []
            for sign in (1, -1):
                moved = table.copy()
                moved[place] += sign * step
                ends.append(log_likelihood(moved, label) if table is blank else log_likelihood(blank, moved))
            assert gradient[place] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-7)


def test_a_lattice_that_cannot_be_is_refused_and_an_impossible_one_has_no_gradient():
    with pytest.raises(BadInput, match=r"got \(2, 2\) and \(3, 1\)"):
        log_likelihood(np.zeros((2, 2)), np.zeros((3, 1)))
    with pytest.raises(BadInput, match="NaN"):
        log_likelihood(np.full((2, 2), np.nan), np.zeros((2, 1)))
    dead = occupancies(np.full((2, 2), -np.inf), np.zeros((2, 1)))
    assert dead.log_likelihood == -np.inf
    assert not dead.blank.any()


class Table:
    """A predictor whose state is the labels so far; rows are drawn from a hash of frame and labels."""

    n_symbols = 3

    def start(self):
        return ()

    def advance(self, states, labels):
        return [(*state, label) for state, label in zip(states, labels, strict=True)]

    def log_probs(self, frame, states):
        rows = []
        for state in states:
            rng = np.random.default_rng([int(frame[0]), *state, 7])
            rows.append(np.log(rng.dirichlet(np.ones(self.n_symbols))))
        return np.array(rows)

    def lattice(self, n_frames, labels):
        rows = np.array([self.log_probs([t], [labels[:u] for u in range(len(labels) + 1)]) for t in range(n_frames)])
        label = [[rows[t, u, k] for u, k in enumerate(labels)] for t in range(n_frames)]
        return rows[:, :, 0], np.array(label).reshape(n_frames, len(labels))


FRAMES = np.arange(3)[:, None]


def test_a_wide_search_sums_all_alignments_and_finds_the_best_text():
    search = Search(Table(), beam=2000, most_labels=3)
    search.advance(FRAMES)
    found = {each.labels: each for each in search.best(2000)}
    texts = [labels for n in range(4) for labels in itertools.product((1, 2), repeat=n)]
    exact = {labels: log_likelihood(*Table().lattice(3, labels)) for labels in texts}
    for labels in texts:
        assert found[labels].log_prob == pytest.approx(exact[labels])
        assert found[labels].frames == tuple(forced_frames(*Table().lattice(3, labels)).frames)
    assert search.best()[0].labels == max(exact, key=exact.__getitem__)


def test_frames_can_come_one_by_one():
    whole, parts = Search(Table(), beam=3), Search(Table(), beam=3)
    whole.advance(FRAMES)
    for frame in FRAMES:
        parts.advance(frame[None])
        assert parts.best(final=False)
    assert whole.best(3) == parts.best(3)


def test_a_language_model_changes_the_ranking_by_its_weight():
    plain, fused = Search(Table(), beam=50), Search(Table(), beam=50, lm=lambda labels: [0.0, -9.0, 0.5], lm_weight=2.0)
    for search in (plain, fused):
        search.advance(FRAMES)
    assert 1 not in fused.best()[0].labels
    for each in fused.best(5):
        assert each.log_score - each.log_prob == pytest.approx(sum(-18.0 if k == 1 else 1.0 for k in each.labels))
    with pytest.raises(BadInput, match="beam and most_labels of 1 or more"):
        Search(Table(), beam=0)


@pytest.mark.parametrize("n_frames", [1, 2, 4])
def test_prefix_scores_sum_all_texts_that_begin_so(n_frames):
    log_probs = np.log(np.random.default_rng(n_frames).dirichlet(np.ones(3), size=n_frames))
    texts = [labels for n in range(n_frames + 1) for labels in itertools.product((1, 2), repeat=n)]
    likelihoods = {}
    for labels in texts:
        try:
            likelihoods[labels] = np.exp(ctc_log_likelihood(log_probs, labels))
        except BadInput:
            likelihoods[labels] = 0.0
    scorer = PrefixScorer(log_probs)
    states = {(): scorer.start()}
    for labels in texts[1:]:
        before = states[labels[:-1]]
        (states[labels],) = scorer.extend(before, [labels[-1]])
        assert scorer.scores(before, [labels[-1]])[0] == states[labels].log_score
    for labels, state in states.items():
        begun = sum(p for text, p in likelihoods.items() if text[: len(labels)] == labels)
        assert np.exp(state.log_score) == pytest.approx(begun, abs=1e-12)
        assert np.exp(state.log_complete) == pytest.approx(likelihoods[labels], abs=1e-12)
