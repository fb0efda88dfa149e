"""The losses of wav2vec 2.0 against a loop over every pair, and what they are at their ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from otoscope.core import BadInput
from otoscope.nets.contrastive import (
    KAPPA,
    Spans,
    contrastive_accuracy,
    contrastive_losses,
    contrastive_scores,
    distractors,
    diversity_loss,
    perplexities,
    quantised,
)


def one_frame(said: np.ndarray, target: np.ndarray, others: list[np.ndarray]) -> float:
    """Equation 3, written out."""

    def similar(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / math.sqrt((a @ a) * (b @ b)))

    top = math.exp(similar(said, target) / KAPPA)
    return -math.log(top / (top + sum(math.exp(similar(said, other) / KAPPA) for other in others)))


def test_the_contrastive_loss_is_equation_3_frame_by_frame() -> None:
    rng = np.random.default_rng(0)
    context, books = rng.standard_normal((12, 5)), rng.standard_normal((4, 5))
    codes = rng.integers(4, size=12)
    targets = books[codes]
    negatives = distractors(np.array([7, 0, 5]), 6, rng)
    scores = contrastive_scores(
        torch.from_numpy(context),
        torch.from_numpy(targets),
        torch.from_numpy(codes[:, None]),
        torch.from_numpy(negatives),
    )
    found = contrastive_losses(scores)
    for i in range(12):
        others = [targets[j] for j in negatives[i] if codes[j] != codes[i]]
        assert float(found[i]) == pytest.approx(one_frame(context[i], targets[i], others), abs=1e-5)


def test_a_distractor_with_the_same_codes_is_none() -> None:
    context = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    same = torch.zeros(2, 1, dtype=torch.int64)
    scores = contrastive_scores(context, context, same, torch.tensor([[1], [0]]))
    assert contrastive_losses(scores).tolist() == [0.0, 0.0]
    assert math.isnan(contrastive_accuracy(scores))


def test_accuracy_counts_frames_whose_target_is_nearest() -> None:
    scores = torch.tensor([[2.0, 1.0, 0.0], [0.5, 1.0, -1.0], [1.0, -torch.inf, 0.0], [1.0, -torch.inf, -torch.inf]])
    assert contrastive_accuracy(scores) == pytest.approx(2 / 3)


def test_distractors_are_other_hidden_frames_of_the_same_utterance_all_alike_often() -> None:
    counts = np.array([4, 0, 6])
    found = distractors(counts, 3000, np.random.default_rng(0))
    owner = np.repeat(np.arange(3), counts)
    for place, row in enumerate(found):
        assert (owner[row] == owner[place]).all()
        own = np.bincount(row, minlength=10)[owner == owner[place]]
        assert own[np.flatnonzero(owner == owner[place]).tolist().index(place)] == 0
        others = own[own > 0]
        assert others.size == counts[owner[place]] - 1
        assert np.abs(others / 3000 - 1 / others.size).max() < 0.05


def test_a_lone_hidden_frame_is_refused() -> None:
    with pytest.raises(BadInput, match="one hidden frame"):
        distractors(np.array([3, 1]), 2, np.random.default_rng(0))


def test_spans_hide_whole_stretches_and_about_the_share_that_the_paper_says() -> None:
    rng = np.random.default_rng(0)
    spans = Spans()
    drawn = np.stack([spans.drawn(500, rng) for _ in range(200)])
    assert drawn.mean() == pytest.approx(0.49, abs=0.02)  # section 4.1: about 49 % of all frames
    for row in drawn[:20]:
        edges = np.flatnonzero(np.diff(np.r_[0, row, 0]))
        assert (edges[1::2] - edges[::2]).min() >= 10


def test_spans_keep_to_short_utterances() -> None:
    rng = np.random.default_rng(0)
    assert not Spans().drawn(9, rng).any()
    assert Spans().drawn(10, rng).all()
    assert not Spans(0.0, 10, least=0).drawn(300, rng).any()
    with pytest.raises(BadInput, match="share"):
        Spans(share=1.5)


def test_the_diversity_loss_is_equation_4_at_its_ends() -> None:
    even = torch.full((7, 2, 8), 1 / 8)
    assert float(diversity_loss(even)) == pytest.approx(0.0, abs=1e-6)
    one = torch.zeros(7, 2, 8)
    one[:, :, 3] = 1.0
    assert float(diversity_loss(one)) == pytest.approx((16 - 2) / 16)
    assert perplexities(one).tolist() == [1.0, 1.0]
    entropy = -(even.mean(0) * even.mean(0).log()).sum(-1)
    assert perplexities(even).tolist() == pytest.approx(entropy.exp().tolist())


def test_quantising_takes_the_likeliest_entry_of_every_book() -> None:
    rng = np.random.default_rng(1)
    logits, books = torch.from_numpy(rng.standard_normal((6, 2, 4))), torch.from_numpy(rng.standard_normal((2, 4, 3)))
    found = quantised(logits, books, temperature=None)
    for n in range(6):
        expected = [books[g, logits[n, g].argmax()] for g in range(2)]
        assert torch.equal(found.vectors[n], torch.cat(expected))
    assert torch.equal(found.codes, logits.argmax(-1))


def test_the_gumbel_softmax_draws_as_often_as_the_probabilities_say_and_passes_gradients() -> None:
    torch.manual_seed(0)
    logits = torch.tensor([[[0.0, 1.0, 2.0]]]).repeat(20000, 1, 1).requires_grad_(True)
    books = torch.tensor([[[1.0], [2.0], [4.0]]])
    found = quantised(logits, books, temperature=1.0)
    often = torch.bincount(found.codes.flatten(), minlength=3) / 20000
    assert often.tolist() == pytest.approx(logits[0, 0].softmax(0).tolist(), abs=0.015)
    assert set(found.vectors.detach().flatten().round(decimals=4).tolist()) == {1.0, 2.0, 4.0}
    (found.vectors.sum()).backward()
    assert logits.grad is not None
    assert float(logits.grad.abs().sum()) > 0
    assert torch.allclose(found.probabilities[0, 0], logits[0, 0].softmax(0))
