"""The transducer loss in torch against enumeration and finite differences; CTC's gradient against torch's."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from otoscope.core import BadInput
from otoscope.decoding.ctc import forward_backward
from otoscope.nets.transducer import Joiner, PredictionNetwork, transducer_loss


def enumerated(log_probs, labels, n_frames):
    """-log of the sum over all ways to put the labels on frames."""
    scores = []
    for frames in itertools.combinations_with_replacement(range(n_frames), len(labels)):
        score = sum(log_probs[t, u, k] for u, (t, k) in enumerate(zip(frames, labels, strict=True)))
        score += sum(log_probs[t, sum(f <= t for f in frames), 0] for t in range(n_frames))
        scores.append(float(score))
    return -np.logaddexp.reduce(scores)


@pytest.fixture
def batch():
    torch.manual_seed(0)
    logits = torch.randn(3, 4, 4, 5, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([[1, 2, 2], [4, 3, 0], [0, 0, 0]])
    return logits, labels, torch.tensor([4, 3, 2]), torch.tensor([3, 2, 0])


def test_each_loss_is_the_sum_over_its_own_alignments(batch):
    logits, labels, n_frames, n_labels = batch
    log_probs = torch.log_softmax(logits, -1)
    losses = transducer_loss(log_probs, labels, n_frames, n_labels)
    for i in range(3):
        own = labels[i, : n_labels[i]].tolist()
        assert losses[i].item() == pytest.approx(enumerated(log_probs[i].detach().numpy(), own, int(n_frames[i])))


def test_gradient_equals_finite_differences(batch):
    logits, *rest = batch

    def loss(x):
        return transducer_loss(torch.log_softmax(x, -1), *rest)

    assert torch.autograd.gradcheck(loss, (logits,))


def test_padding_has_no_gradient_and_no_say(batch):
    logits, labels, n_frames, n_labels = batch
    losses = transducer_loss(torch.log_softmax(logits, -1), labels, n_frames, n_labels)
    losses.sum().backward()
    assert not logits.grad[1, 3].any()
    assert not logits.grad[1, :, 3].any()
    assert logits.grad[1, 2, 2].any()
    other = logits.detach().clone()
    other[1, 3], other[1, :, 3] = 7.0, -7.0
    again = transducer_loss(torch.log_softmax(other, -1), labels, n_frames, n_labels)
    torch.testing.assert_close(again, losses.detach())
    with pytest.raises(BadInput, match="do not fit a lattice"):
        transducer_loss(torch.zeros(1, 2, 2, 3), torch.zeros(1, 2, dtype=torch.int64), n_frames[:1], n_labels[:1])
    with pytest.raises(BadInput, match="one frame or more"):
        transducer_loss(torch.zeros(1, 2, 2, 3), labels[:1, :1], torch.tensor([0]), torch.tensor([1]))


def test_the_joiners_lattice_is_its_pairs_and_steps_follow_the_whole():
    torch.manual_seed(1)
    prediction, joiner = PredictionNetwork(5, 6).eval(), Joiner(4, 6, 7, 5)
    frames, labels = torch.randn(1, 3, 4), torch.tensor([[1, 4]])
    whole = prediction(labels, torch.tensor([2]))
    lattice = joiner.lattice(frames, whole)
    torch.testing.assert_close(lattice[0, 2, 1], joiner(frames[0, 2], whole[0, 1]))
    state = None
    for u, label in enumerate((0, 1, 4)):
        out, state = prediction.step(torch.tensor([label]), state)
        torch.testing.assert_close(out, whole[:, u])


def test_our_ctc_gradient_is_torchs():
    torch.manual_seed(2)
    logits = torch.randn(9, 1, 6, dtype=torch.float64, requires_grad=True)
    labels = [1, 1, 5, 2]
    log_probs = torch.log_softmax(logits, -1)
    loss = torch.nn.functional.ctc_loss(log_probs, torch.tensor([labels]), [9], [4], reduction="sum")
    loss.backward()
    ours = forward_backward(log_probs.detach()[:, 0].numpy(), labels)
    assert -ours.log_likelihood == pytest.approx(loss.item())
    np.testing.assert_allclose(ours.loss_gradient(log_probs.detach()[:, 0]), logits.grad[:, 0], atol=1e-10)
