"""The networks of a transducer beside its encoder (Graves 2012, 2013): prediction network, joiner, and the loss."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.decoding.transducer import occupancies
from otoscope.nets.taps import Place, Tap


class _NegativeLogLikelihood(torch.autograd.Function):
    """-log P(labels) of each lattice of a padded batch; the gradient is minus the posterior of each step."""

    @staticmethod
    def forward(ctx: Any, blank: Tensor, label: Tensor, n_frames: Tensor, n_labels: Tensor) -> Tensor:
        """Return `(n,)` losses; see `transducer_loss`."""
        losses = torch.zeros(blank.shape[0], dtype=torch.float64)
        slopes = torch.zeros(blank.shape, dtype=torch.float64), torch.zeros(label.shape, dtype=torch.float64)
        tables = blank.detach().double().cpu().numpy(), label.detach().double().cpu().numpy()
        for i, (t, u) in enumerate(zip(n_frames.tolist(), n_labels.tolist(), strict=True)):
            found = occupancies(tables[0][i, :t, : u + 1], tables[1][i, :t, :u])
            losses[i] = -found.log_likelihood
            slopes[0][i, :t, : u + 1] = -torch.from_numpy(found.blank)
            slopes[1][i, :t, :u] = -torch.from_numpy(found.label)
        ctx.save_for_backward(*(slope.to(blank) for slope in slopes))
        return losses.to(blank)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient with respect to both tables."""
        blank, label = ctx.saved_tensors
        by = grads[0][:, None, None]
        return blank * by, label * by, None, None


def transducer_loss(log_probs: Tensor, labels: Tensor, n_frames: Tensor, n_labels: Tensor, *, blank: int = 0) -> Tensor:
    """Return -log P(labels | sound) of each utterance, `(n,)`, in nats (Graves 2012, equations 14 to 20).

    Parameters
    ----------
    log_probs
        `(n, n_frames, n_labels + 1, n_symbols)` natural-log probabilities at every node of the lattice.
    labels
        `(n, n_labels)` symbol indices; what lies behind an utterance's own does not matter.
    n_frames, n_labels
        `(n,)` how many of each are real; at least one frame.
    blank
        Index of the blank.

    Raises
    ------
    BadInput
        The shapes do not match, or an utterance has no frame.

    Notes
    -----
    The recursions run in float64 on the CPU; the gradient is exact, and each utterance's is its own.
    """
    n, _, n_nodes, n_symbols = log_probs.shape
    if labels.shape != (n, n_nodes - 1) or n_frames.shape != (n,) or n_labels.shape != (n,):
        raise BadInput(f"labels {tuple(labels.shape)} do not fit a lattice {tuple(log_probs.shape)}")
    if n and (int(n_frames.min()) < 1 or int(n_labels.max()) >= n_nodes):
        raise BadInput("every utterance needs one frame or more, and no more labels than the lattice has")
    index = labels.clamp(0, n_symbols - 1)[:, None, :, None].expand(-1, log_probs.shape[1], -1, -1)
    label = log_probs[:, :, :-1].gather(-1, index).squeeze(-1)
    loss: Tensor = _NegativeLogLikelihood.apply(log_probs[..., blank], label, n_frames, n_labels)
    return loss


class PredictionNetwork(nn.Module):
    """What comes next, judged by the labels so far alone: embedding and LSTM (Graves 2013, section 2.1).

    Sites: this module's own name, one row for each label and one before the first, and `tokens` (their embeddings).
    """

    def __init__(self, n_symbols: int, n_units: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.n_units = n_units
        self.embedding, self.tokens = nn.Embedding(n_symbols, n_units), Place()
        self.lstm = nn.LSTM(n_units, n_units, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.tap = Tap()

    def forward(self, labels: Tensor, n_labels: Tensor) -> Tensor:
        """Return `(n, n_labels + 1, n_units)` of `(n, n_labels)`; index 0 stands for the start."""
        before = nn.functional.pad(labels, (1, 0))
        out, _ = self.lstm(self.dropout(self.tokens(self.embedding(before), n_labels + 1)))
        passed: Tensor = self.tap(out, n_labels + 1)
        return passed

    def step(self, labels: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return `(n, n_units)` after one more label each, and the state `(1, n, n_units)` twice."""
        one = torch.ones(len(labels), dtype=torch.int64)
        out, after = self.lstm(self.tokens(self.embedding(labels)[:, None], one), state)
        passed = self.tap(out, one)
        return passed[:, 0], after


class Joiner(nn.Module):
    """tanh(W frame + V labels), then a score for every symbol (Graves 2013, equations 15 to 18).

    In the beginning the blank, index 0, is as likely as all labels together: a path writes at about every second step,
    not at nearly every one, and the first gradients are small.
    """

    def __init__(self, n_frame: int, n_label: int, n_units: int, n_symbols: int) -> None:
        super().__init__()
        self.of_frame = nn.Linear(n_frame, n_units)
        self.of_label = nn.Linear(n_label, n_units, bias=False)
        self.output = nn.Linear(n_units, n_symbols)
        with torch.no_grad():
            self.output.bias[0] = math.log(max(1, n_symbols - 1))

    def forward(self, frames: Tensor, labels: Tensor) -> Tensor:
        """Return `(…, n_symbols)` natural-log probabilities; `frames` and `labels` are broadcast to one shape."""
        both = torch.tanh(self.of_frame(frames) + self.of_label(labels))
        return torch.log_softmax(self.output(both), -1)

    def lattice(self, frames: Tensor, labels: Tensor) -> Tensor:
        """Return `(n, n_frames, n_labels + 1, n_symbols)` of `(n, n_frames, …)` and `(n, n_labels + 1, …)`."""
        of_frame, of_label = self.of_frame(frames), self.of_label(labels)
        both = torch.tanh(of_frame[:, :, None] + of_label[:, None])
        return torch.log_softmax(self.output(both), -1)
