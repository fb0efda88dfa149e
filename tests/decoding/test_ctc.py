"""CTC kernels against brute force over all paths, published golden values and torch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from otoscope.core import BadInput, DoesNotFit
from otoscope.decoding import ctc

GRAVES_1 = np.log(
    [
        [0.633766, 0.221185, 0.0917319, 0.0129757, 0.0142857, 0.0260553],
        [0.111121, 0.588392, 0.278779, 0.0055756, 0.00569609, 0.010436],
        [0.0357786, 0.633813, 0.321418, 0.00249248, 0.00272882, 0.0037688],
        [0.0663296, 0.643849, 0.280111, 0.00283995, 0.0035545, 0.00331533],
        [0.458235, 0.396634, 0.123377, 0.00648837, 0.00903441, 0.00623107],
    ]
)
GRAVES_2 = np.log(
    [
        [0.30176, 0.28562, 0.0831517, 0.0862751, 0.0816851, 0.161508],
        [0.24082, 0.397533, 0.0557226, 0.0546814, 0.0557528, 0.19549],
        [0.230246, 0.450868, 0.0389607, 0.038309, 0.0391602, 0.202456],
        [0.280884, 0.429522, 0.0326593, 0.0339046, 0.0326856, 0.190345],
        [0.423286, 0.315517, 0.0338439, 0.0393744, 0.0339315, 0.154046],
    ]
)


def collapse(path, blank=0):
    return tuple(s for s, _ in itertools.groupby(path) if s != blank)


def all_paths(log_probs):
    n_frames, n_symbols = log_probs.shape
    for path in itertools.product(range(n_symbols), repeat=n_frames):
        yield path, sum(log_probs[t, s] for t, s in enumerate(path))


def paths_by_labels(log_probs, blank=0):
    """Label sequence to the scores of all paths that spell it, best first."""
    found: dict[tuple, list] = {}
    for path, score in all_paths(log_probs):
        found.setdefault(collapse(path, blank), []).append((score, path))
    return {labels: sorted(scored, reverse=True) for labels, scored in found.items()}


def total(scored):
    return float(np.logaddexp.reduce([score for score, _ in scored]))


def random_log_probs(rng, n_frames, n_symbols, sharpness=2.0):
    return torch.log_softmax(torch.tensor(rng.normal(size=(n_frames, n_symbols)) * sharpness), -1).numpy()


def torch_loss(log_probs, labels, blank):
    logits = torch.tensor(log_probs, requires_grad=True)
    loss = torch.nn.functional.ctc_loss(
        logits.log_softmax(-1)[:, None],
        torch.tensor(labels)[None],
        torch.tensor([len(log_probs)]),
        torch.tensor([len(labels)]),
        blank=blank,
        reduction="sum",
    )
    loss.backward()
    return loss.item(), logits.grad.numpy()


@pytest.mark.parametrize(
    ("log_probs", "labels", "loss", "best"),
    [
        (GRAVES_1, [0, 1, 2, 1, 0], 3.3421143651, [0, 1, 2, 1, 0]),
        (GRAVES_2, [0, 1, 1, 0], 5.4226228310, [0, 1, 5, 1, 0]),
    ],
)
def test_golden_vectors_of_graves(log_probs, labels, loss, best):
    assert ctc.log_likelihood(log_probs, labels, blank=5) == pytest.approx(-loss, abs=1e-9)
    path = ctc.forced_path(log_probs, labels, blank=5)
    assert path.symbols.tolist() == best
    (score, brute), *_ = paths_by_labels(log_probs, blank=5)[tuple(labels)]
    assert (path.log_score, path.symbols.tolist()) == (pytest.approx(score), list(brute))


def test_golden_gradient_of_graves():
    gradient = ctc.forward_backward(GRAVES_1, [0, 1, 2, 1, 0], blank=5).loss_gradient(GRAVES_1)
    assert gradient[0] == pytest.approx([-0.366234, 0.221185, 0.0917319, 0.0129757, 0.0142857, 0.0260553], abs=1e-6)


def test_forced_path_is_optimal_on_the_tie_that_a_two_way_recursion_misses():
    scores = np.array([[-3, -3, 0, -3], [0, -3, -3, 0], [-1, -1, -1, -3]])
    assert ctc.forced_path(scores, [3, 2]).log_score == -4.0


def test_no_forced_path_is_suboptimal_on_random_integer_lattices():
    rng = np.random.default_rng(0)
    n_cases = 0
    for _ in range(900):
        n_frames, n_symbols = int(rng.integers(1, 6)), int(rng.integers(2, 4))
        scores = rng.integers(-3, 1, size=(n_frames, n_symbols)).astype(float)
        for labels, scored in paths_by_labels(scores).items():
            path = ctc.forced_path(scores, labels)
            assert path.log_score == scored[0][0]
            assert collapse(path.symbols.tolist()) == labels
            second = scored[1][0] if len(scored) > 1 else -np.inf
            assert ctc.path_margin(scores, labels) == scored[0][0] - second
            n_cases += 1
    assert n_cases > 3000


def test_ties_stay_in_the_state_as_long_as_they_can_from_the_end():
    flat = np.zeros((4, 2))
    assert ctc.forced_path(flat, [1]).symbols.tolist() == [1, 1, 1, 1]
    assert ctc.forced_path(flat, [1, 1]).symbols.tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize("blank", [0, 2])
def test_likelihoods_and_posteriors_equal_sums_over_all_paths(blank):
    rng = np.random.default_rng(1)
    for _ in range(12):
        log_probs = random_log_probs(rng, int(rng.integers(1, 6)), 3)
        for labels, scored in paths_by_labels(log_probs, blank).items():
            occupancy = ctc.forward_backward(log_probs, labels, blank=blank)
            assert occupancy.log_likelihood == pytest.approx(total(scored))
            expected = np.zeros(log_probs.shape)
            for score, path in scored:
                expected[np.arange(len(path)), path] += np.exp(score - total(scored))
            assert occupancy.symbol_posteriors(3) == pytest.approx(expected)
            rows = occupancy.label_posteriors.sum(axis=1) + occupancy.blank_posteriors.sum(axis=1)
            assert rows == pytest.approx(np.ones(len(log_probs)))


def test_label_posteriors_tell_two_places_of_one_symbol_apart():
    log_probs = random_log_probs(np.random.default_rng(2), 5, 3)
    expected = np.zeros((5, 2))
    for score, path in paths_by_labels(log_probs)[1, 1]:
        runs = np.cumsum([s == 1 and (t == 0 or path[t - 1] != 1) for t, s in enumerate(path)]) - 1
        for t, s in enumerate(path):
            if s == 1:
                expected[t, runs[t]] += np.exp(score)
    expected /= np.exp(ctc.log_likelihood(log_probs, [1, 1]))
    assert ctc.forward_backward(log_probs, [1, 1]).label_posteriors == pytest.approx(expected)


@pytest.mark.parametrize("blank", [0, 28])
def test_loss_and_gradient_equal_torch(blank):
    rng = np.random.default_rng(3)
    log_probs = random_log_probs(rng, 80, 29, 4.0)
    labels = [int(s) for s in rng.integers(1, 28, size=30)]
    labels[7] = labels[8]
    loss, gradient = torch_loss(log_probs, labels, blank)
    occupancy = ctc.forward_backward(log_probs, labels, blank=blank)
    assert -occupancy.log_likelihood == pytest.approx(loss, rel=1e-12)
    assert occupancy.loss_gradient(log_probs) == pytest.approx(gradient, abs=1e-10)


def test_a_text_that_does_not_fit_the_sound_at_all_keeps_a_finite_exact_score():
    log_probs = np.full((600, 30), -40.0)
    log_probs[:, 29] = np.log1p(-29 * np.exp(-40.0))
    labels = [1 + i % 7 for i in range(250)]
    loss, _ = torch_loss(log_probs, labels, 0)
    assert loss > 10_000
    assert ctc.log_likelihood(log_probs, labels) == pytest.approx(-loss, rel=1e-12)
    assert np.isfinite(ctc.forward_backward(log_probs, labels).label_posteriors).all()


def test_many_sequences_score_as_one_by_one_and_none_that_does_not_fit():
    log_probs = random_log_probs(np.random.default_rng(4), 6, 4)
    sequences = [[1, 2], [], [3, 3, 3], [1, 1, 1, 1], [2] * 7]
    singly = [ctc.log_likelihood(log_probs, s) for s in sequences[:3]]
    assert ctc.log_likelihoods(log_probs, sequences).tolist() == [*singly, -np.inf, -np.inf]


def test_probabilities_of_all_label_sequences_sum_to_one():
    log_probs = random_log_probs(np.random.default_rng(5), 4, 3)
    every = [labels for n in range(5) for labels in itertools.product([1, 2], repeat=n)]
    assert np.exp(ctc.log_likelihoods(log_probs, every)).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("normalised", [True, False])
def test_place_posterior_divides_by_every_text_with_the_same_context(normalised):
    rng = np.random.default_rng(6)
    for _ in range(8):
        log_probs = random_log_probs(rng, 5, 3) + (0.0 if normalised else rng.normal(size=(5, 1)))
        totals = {labels: total(scored) for labels, scored in paths_by_labels(log_probs).items()}
        for labels in totals:
            spans = list(itertools.combinations_with_replacement(range(len(labels) + 1), 2))
            places = ctc.place_log_posteriors(log_probs, labels, spans)
            for (a, b), place in zip(spans, places, strict=True):
                left, right = labels[:a], labels[b:]
                same_context = [
                    score
                    for other, score in totals.items()
                    if len(other) >= len(left) + len(right)
                    and other[: len(left)] == left
                    and other[len(other) - len(right) :] == right
                ]
                assert place == pytest.approx(totals[labels] - np.logaddexp.reduce(same_context), abs=1e-9)


def test_score_of_one_word_falls_most_where_it_is_masked():
    log_probs = np.log(np.full((12, 4), 0.02))
    for t, s in enumerate([1, 0, 0, 2, 0, 0, 3, 0, 0, 2, 0, 0]):
        log_probs[t, s] = np.log(0.94)
    masked = log_probs.copy()
    masked[8:11] = np.log(0.25)
    whole, hurt = (ctc.place_log_posteriors(m, [1, 2, 3, 2], [(0, 1), (1, 2), (3, 4)]) for m in (log_probs, masked))
    drops = whole - hurt
    assert drops[2] > 2 * max(drops[:2])
    whole, hurt = (ctc.log_likelihoods(m, [[2], [2]], stretches=[(2, 5), (8, 11)]) for m in (log_probs, masked))
    assert hurt[0] == whole[0] == ctc.log_likelihood(log_probs[2:5], [2])
    assert hurt[1] < whole[1] - 1.0


def test_stretches_out_of_range_are_named():
    with pytest.raises(BadInput, match=r"stretch \(2, 2\)"):
        ctc.log_likelihoods(np.zeros((4, 3)), [[1]], stretches=[(2, 2)])
    with pytest.raises(BadInput, match="1 stretches for 2"):
        ctc.log_likelihoods(np.zeros((4, 3)), [[1], [2]], stretches=[(0, 2)])


def test_path_confidences_and_bounds():
    log_probs = np.log([[0.9, 0.05, 0.05], [0.2, 0.4, 0.4], [0.1, 0.9, 0.0 + 1e-9], [0.6, 0.2, 0.2], [0.1, 0.1, 0.8]])
    path = ctc.forced_path(log_probs, [1, 2])
    assert path.symbols.tolist() == [0, 1, 1, 0, 2]
    assert (path.starts.tolist(), path.stops.tolist()) == ([1, 4], [3, 5])
    assert path.confidences == pytest.approx([0.6, 0.8])


def test_an_empty_text_takes_the_blank_all_the_way():
    log_probs = random_log_probs(np.random.default_rng(7), 4, 3)
    path = ctc.forced_path(log_probs, [])
    assert path.symbols.tolist() == [0] * 4
    assert len(path) == 0
    assert path.log_score == pytest.approx(ctc.log_likelihood(log_probs, []))
    assert ctc.path_margin(log_probs, []) == np.inf


def test_greedy_is_the_best_path_of_all():
    rng = np.random.default_rng(8)
    for _ in range(20):
        log_probs = random_log_probs(rng, 5, 3)
        best, score = max(all_paths(log_probs), key=lambda item: item[1])
        path = ctc.greedy(log_probs)
        assert tuple(path.symbols) == best
        assert tuple(path.labels) == collapse(best)
        assert path.log_score == pytest.approx(score)
        forced = ctc.forced_path(log_probs, path.labels)
        assert (forced.starts.tolist(), forced.stops.tolist()) == (path.starts.tolist(), path.stops.tolist())


@pytest.mark.parametrize("function", [ctc.log_likelihood, ctc.forward_backward, ctc.forced_path, ctc.path_margin])
def test_labels_that_need_more_frames_do_not_fit(function):
    flat = np.log(np.full((3, 3), 1 / 3))
    function(flat, [1, 1])
    with pytest.raises(DoesNotFit, match="2 labels need at least 3 frames, the recording has 2"):
        function(flat[:2], [1, 1])


@pytest.mark.parametrize("function", [ctc.forward_backward, ctc.forced_path, ctc.path_margin])
def test_emissions_that_forbid_the_text_do_not_fit(function):
    forbidding = np.zeros((4, 3))
    forbidding[:, 2] = -np.inf
    with pytest.raises(DoesNotFit, match="no path through the emissions"):
        function(forbidding, [1, 2])
    assert ctc.log_likelihood(forbidding, [1, 2]) == -np.inf


@pytest.mark.parametrize(
    ("log_probs", "labels", "blank", "message"),
    [
        (np.zeros(3), [1], 0, "n_frames, n_symbols"),
        (np.zeros((0, 3)), [1], 0, "at least one of each"),
        (np.full((4, 3), np.nan), [1], 0, "NaN"),
        (np.full((4, 3), np.inf), [1], 0, "NaN or \\+inf"),
        (np.zeros((4, 3)), [3], 0, "0 … 2, got 3"),
        (np.zeros((4, 3)), [-1], 0, "got -1"),
        (np.zeros((4, 3)), [0], 0, "hold the blank 0"),
        (np.zeros((4, 3)), [1.5], 0, "integers"),
        (np.zeros((4, 3)), [1], 3, "blank 3 is not one of the 3 symbols"),
    ],
)
def test_bad_input_is_named(log_probs, labels, blank, message):
    for function in (ctc.log_likelihood, ctc.forced_path):
        with pytest.raises(BadInput, match=message):
            function(log_probs, labels, blank=blank)


def test_spans_out_of_range_are_named():
    with pytest.raises(BadInput, match=r"span \(1, 3\) does not lie in 0 … 2"):
        ctc.place_log_posteriors(np.zeros((4, 3)), [1, 2], [(1, 3)])


def test_float32_and_transposed_emissions_give_the_same():
    log_probs = random_log_probs(np.random.default_rng(9), 30, 5).astype(np.float32)
    expected = ctc.log_likelihood(log_probs.astype(np.float64), [1, 2, 3])
    assert ctc.log_likelihood(log_probs, [1, 2, 3]) == expected
    assert ctc.log_likelihood(np.asfortranarray(log_probs), [1, 2, 3]) == expected
