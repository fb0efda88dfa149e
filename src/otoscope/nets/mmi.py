"""Lattice-free maximum mutual information as a loss (Povey et al. 2016), with cross-entropy beside it.

The objective of an utterance is log P(sound | transcript graph) - log P(sound | any phones); its derivative by an
acoustic score is the difference of the two posteriors (equation 4). The graphs are those of `otoscope.decoding.mmi`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otoscope.decoding.mmi import PhoneGraph, batch_occupancies, occupancies
from otoscope.nets.factorized import FactorizedNetwork

ORTHOGONAL_EVERY = 4
"""Training steps between two steps towards semi-orthogonality."""


class MmiNetwork(nn.Module):
    """An acoustic network and a second, auxiliary output for cross-entropy, which is dropped after training."""

    n_steps: Tensor

    def __init__(self, acoustic: FactorizedNetwork) -> None:
        super().__init__()
        shape = acoustic.shape
        self.acoustic = acoustic
        self.auxiliary = nn.Sequential(
            nn.LayerNorm(shape.n_units),
            nn.Linear(shape.n_units, shape.n_prefinal, bias=False),
            nn.LayerNorm(shape.n_prefinal),
            nn.Linear(shape.n_prefinal, shape.n_symbols),
        )
        self.register_buffer("n_steps", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def begin_auxiliary_alike(self) -> None:
        """Give the auxiliary output the weights of the main one: where a trained network is trained further."""
        own = (self.acoustic.last_norm, self.acoustic.narrow, self.acoustic.narrow_norm, self.acoustic.head)
        for target, source in zip(self.auxiliary, own, strict=True):
            target.load_state_dict(source.state_dict())

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the logits of both outputs, `(n, n_frames', n_symbols)`, and the frames of each utterance."""
        if self.training:
            if int(self.n_steps) % ORTHOGONAL_EVERY == 0:
                self.acoustic.make_orthogonal()
            self.n_steps += 1
        encoded, lengths = self.acoustic.encoded(features, lengths)
        return self.acoustic.scored(encoded, lengths), self.auxiliary(encoded), lengths


@dataclass(frozen=True, eq=False)
class Posteriors:
    """What both graphs say of a batch.

    Parameters
    ----------
    said, anything
        `(n, n_frames, n_columns)` posteriors given the transcripts, and given any phones.
    objectives
        `(n,)` log P(sound | transcript) - log P(sound | any phones), in nats.
    usable
        `(n,)` whether the transcript fits its frames; the posteriors of those that do not are 0.
    """

    said: NDArray[np.float32]
    anything: NDArray[np.float32]
    objectives: NDArray[np.float64]
    usable: NDArray[np.bool_]

    @property
    def counted(self) -> NDArray[np.bool_]:
        """`(n, n_frames)` which frames count: neither padding nor of an utterance whose transcript does not fit."""
        return self.anything.sum(-1) > 0.5


def posteriors(
    logits: NDArray[np.float32],
    lengths: NDArray[np.int64],
    transcripts: Sequence[PhoneGraph | NDArray[np.int64] | None],
    denominator: PhoneGraph,
) -> Posteriors:
    """Return the posteriors of a batch.

    Parameters
    ----------
    transcripts
        For each utterance the graph of its transcript, or its path: `(n_frames,)` columns from an alignment; `None`
        leaves it out.
    """
    totals, anything = batch_occupancies(logits, lengths, denominator)
    said = np.zeros(logits.shape, np.float32)
    objectives, usable = np.zeros(len(lengths)), np.zeros(len(lengths), np.bool_)
    for i, (transcript, n) in enumerate(zip(transcripts, lengths, strict=True)):
        if isinstance(transcript, PhoneGraph):
            log, gamma = occupancies(logits[i, :n], transcript)
            said[i, :n] = gamma
        elif transcript is not None:
            frames = np.arange(n)
            said[i, frames, transcript] = 1.0
            log = float(logits[i, frames, transcript].astype(np.float64).sum())
        else:
            log = -np.inf
        usable[i] = np.isfinite(log)
        objectives[i] = log - totals[i] if usable[i] else 0.0
    return Posteriors(said, np.where(usable[:, None, None], anything, np.float32(0)), objectives, usable)


def mmi_loss(logits: Tensor, auxiliary: Tensor, found: Posteriors, n_frames: int, *, cross_entropy: float) -> Tensor:
    """Return a scalar whose gradient is that of minus the objective a frame, plus cross-entropy on the same posteriors.

    Its value is the cross-entropy and the squared size of the scores (times 5e-5, which keeps them bounded) with minus
    the objective added as a constant, each over the frames that count.
    """
    difference = torch.from_numpy(found.anything - found.said).to(logits)
    surrogate = (logits * difference).sum()
    objective = -float(found.objectives.sum())
    said = torch.from_numpy(found.said).to(auxiliary)
    crossed = -(said * torch.log_softmax(auxiliary, -1)).sum()
    bounded = 5e-5 * logits.square().sum(-1)[torch.from_numpy(found.counted).to(logits.device)].sum()
    total: Any = surrogate - surrogate.detach() + objective + cross_entropy * crossed + bounded
    return total / n_frames
