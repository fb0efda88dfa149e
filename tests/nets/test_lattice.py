"""The probability of reading a word at its place: against enumeration of all paths, and against the CTC loss."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest
import torch

from otoscope.core import BadInput, DoesNotFit
from otoscope.decoding.ctc import log_likelihood
from otoscope.nets.lattice import Reading, log_prob_of_reading, spelled


def random_log_probs(n, n_frames, n_symbols, seed=0):
    logits = np.random.default_rng(seed).normal(0, 2, (n, n_frames, n_symbols))
    return torch.log_softmax(torch.from_numpy(logits), -1)


def by_enumeration(log_probs: np.ndarray, reading: Reading) -> float:
    labels = reading.labels
    stop = len(labels) - reading.n_right
    wanted = {labels[i:j] for i in range(reading.n_left + 1) for j in range(stop, len(labels) + 1)}
    total = 0.0
    for path in product(range(log_probs.shape[1]), repeat=log_probs.shape[0]):
        if tuple(s for s, _ in groupby(path) if s) in wanted:
            total += np.exp(sum(log_probs[t, s] for t, s in enumerate(path)))
    return float(np.log(total))


@pytest.mark.parametrize(
    ("labels", "n_left", "n_right"),
    [
        ((1,), 0, 0),
        ((1, 1), 0, 0),
        ((2, 1, 2), 0, 0),
        ((1, 2), 1, 0),
        ((1, 2), 0, 1),
        ((1, 1), 1, 0),
        ((1, 1, 1), 1, 1),
        ((1, 2, 1, 2), 2, 1),
        ((2, 2, 1, 1), 1, 2),
        ((1, 2), 1, 1),
        ((), 0, 0),
    ],
)
def test_it_is_the_sum_over_all_paths(labels, n_left, n_right):
    reading = Reading(labels, n_left, n_right)
    log_probs = random_log_probs(2, 5, 3)
    found = log_prob_of_reading(log_probs, reading)
    for row, value in zip(log_probs.numpy(), found, strict=True):
        assert value.item() == pytest.approx(by_enumeration(row, reading), abs=1e-12)


@pytest.mark.parametrize("labels", [(3, 1, 1, 4), (2,), (4, 3, 2, 1, 1, 1)])
def test_without_neighbours_it_is_minus_the_ctc_loss(labels):
    log_probs = random_log_probs(3, 40, 5, seed=3)
    found = log_prob_of_reading(log_probs, Reading(labels))
    losses = torch.nn.functional.ctc_loss(
        log_probs.transpose(0, 1),
        torch.tensor(labels).repeat(3, 1),
        torch.full((3,), 40),
        torch.full((3,), len(labels)),
        reduction="none",
    )
    np.testing.assert_allclose(found, -losses, atol=1e-10)
    np.testing.assert_allclose(found, [log_likelihood(row, labels, blank=0) for row in log_probs.numpy()], atol=1e-10)


def test_gradient_is_right_and_finite():
    logits = torch.from_numpy(np.random.default_rng(1).normal(0, 3, (2, 6, 4))).requires_grad_(True)
    reading = Reading((1, 2, 2, 3, 1), 1, 1)
    assert torch.autograd.gradcheck(lambda x: log_prob_of_reading(torch.log_softmax(x, -1), reading), logits)


def test_very_unlikely_words_keep_a_finite_score_and_gradient():
    log_probs = torch.log_softmax(torch.tensor([[[400.0, 0.0], [400.0, 0.0]]], dtype=torch.float64), -1)
    log_probs.requires_grad_(True)
    score = log_prob_of_reading(log_probs, Reading((1,)))
    score.sum().backward()
    assert score.item() == pytest.approx(np.log(2) - 400, abs=1e-6)
    assert torch.isfinite(log_probs.grad).all()


def test_too_few_frames_are_refused():
    with pytest.raises(DoesNotFit, match="needs at least 4 frames, its place has 3"):
        log_prob_of_reading(random_log_probs(1, 3, 3), Reading((2, 1, 1)))
    with pytest.raises(BadInput, match="labels of neighbours"):
        Reading((1, 2), 2, 1)


def test_spelling_names_the_letters_it_lacks():
    symbols = ("<blank>", " ", "a", "b")
    assert spelled(["ab", "b"], symbols, " ") == (2, 3, 1, 3)
    with pytest.raises(BadInput, match="'c', which this recogniser cannot write"):
        spelled(["cab"], symbols, " ")
