"""Learning from sound alone, as wav2vec 2.0 does: hide stretches of frames, tell what was there from distractors.

Baevski, Zhou, Mohamed & Auli (2020), "wav2vec 2.0: A framework for self-supervised learning of speech
representations". Frames are quantised by a product of code books; the network's output at a hidden frame must be nearer
to the frame's own code vector than to those of other hidden frames of the same utterance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otoscope.core import BadInput

KAPPA = 0.1
"""Temperature κ of the similarities (section 4.2)."""


@dataclass(frozen=True)
class Spans:
    """Which frames are hidden.

    Parameters
    ----------
    share
        Frames from which a hidden span begins, p = 0.065; spans may overlap, so that about half of all are hidden.
    length
        Frames of a span, M = 10.
    least
        Spans that each utterance has at least, as far as there is room.
    """

    share: float = 0.065
    length: int = 10
    least: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1 or self.length < 1 or self.least < 0:
            raise BadInput(f"spans need a share in [0, 1], a length of 1 or more and least >= 0, got {self}")

    def drawn(self, n_frames: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return which of `n_frames` are hidden: starts are drawn without replacement, all spans whole (section 3.1).

        The number of spans is `share * n_frames`, rounded up or down at random so that the mean is right. Utterances
        shorter than a span stay as they are.
        """
        hidden = np.zeros(n_frames, dtype=bool)
        n_starts = n_frames - self.length + 1
        if n_starts < 1:
            return hidden
        n_spans = min(n_starts, max(self.least, int(self.share * n_frames + rng.random())))
        starts = rng.choice(n_starts, n_spans, replace=False)
        hidden[(starts[:, None] + np.arange(self.length)).ravel()] = True
        return hidden


def distractors(n_hidden: NDArray[np.int64], n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw `n` other hidden frames of the same utterance for each hidden frame, uniformly with replacement.

    Parameters
    ----------
    n_hidden
        Hidden frames of each utterance, `(n_utterances,)`, none of them 1.

    Returns
    -------
    array
        `(n_hidden.sum(), n)`, places among all hidden frames, utterance after utterance.
    """
    if (n_hidden == 1).any():
        raise BadInput("an utterance with one hidden frame has no other to tell it from; hide longer spans")
    first = 0
    found = [np.zeros((0, n), dtype=np.int64)]
    for count in n_hidden:
        if count:
            others = rng.integers(0, count - 1, size=(count, n))
            others += others >= np.arange(count)[:, None]
            found.append(first + others)
        first += int(count)
    return np.concatenate(found)


@dataclass(frozen=True)
class Quantised:
    """Frames as code vectors.

    Parameters
    ----------
    vectors
        `(n, n_books * book_width)`.
    codes
        Which entry of each code book, `(n, n_books)`.
    probabilities
        `(n, n_books, n_codes)`: of the entries without Gumbel noise while training, 0 or 1 otherwise.
    """

    vectors: Tensor
    codes: Tensor
    probabilities: Tensor


def quantised(logits: Tensor, books: Tensor, *, temperature: float | None) -> Quantised:
    """Choose an entry of every code book for every frame.

    With a temperature τ the entry is drawn by the Gumbel-softmax, straight through: one entry forward, the gradient of
    the soft choice backward (equation 1; Jang, Gu & Poole 2017). Without one the likeliest is taken.

    Parameters
    ----------
    logits
        `(n, n_books, n_codes)`.
    books
        `(n_books, n_codes, book_width)`.
    """
    if temperature is None:
        choice = nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).to(logits.dtype)
        probabilities = choice
    else:
        choice = nn.functional.gumbel_softmax(logits.float(), tau=temperature, hard=True, dim=-1).to(logits.dtype)
        probabilities = logits.float().softmax(-1)
    vectors = torch.einsum("nbc,bcw->nbw", choice, books).flatten(1)
    return Quantised(vectors, choice.argmax(-1), probabilities)


def perplexities(probabilities: Tensor) -> Tensor:
    """Return exp(entropy) of the mean use of each code book, `(n_books,)`, from 1 to the number of its entries."""
    mean = probabilities.mean(0)
    return torch.exp(-torch.xlogy(mean, mean).sum(-1))


def diversity_loss(probabilities: Tensor) -> Tensor:
    """Return the share of entries that go unused, from 0 (all used evenly) to nearly 1 (one entry of each book).

    (G V - Σ exp(H(p̄_g))) / G V: as published code has it, in place of the mean of -H(p̄_g) of equation 4. Both are
    least at the same place; this one has a gradient that does not depend on the number of entries.
    """
    n_codes = probabilities.shape[1] * probabilities.shape[2]
    return (n_codes - perplexities(probabilities).sum()) / n_codes


def contrastive_scores(context: Tensor, targets: Tensor, codes: Tensor, negatives: Tensor) -> Tensor:
    """Return cosine similarities over κ of each hidden frame with its target, first, and its distractors.

    Parameters
    ----------
    context, targets
        What the network says, and the projected code vectors, `(n_hidden, width)` each.
    codes
        `(n_hidden, n_books)`; a distractor with the codes of the target is none: its score is minus infinity.
    negatives
        Places of the distractors, `(n_hidden, n_negatives)`.

    Returns
    -------
    Tensor
        `(n_hidden, 1 + n_negatives)`.
    """
    said = nn.functional.normalize(context.float(), dim=-1)
    meant = nn.functional.normalize(targets.float(), dim=-1)
    similar = said @ meant.T / KAPPA
    wrong = similar.gather(1, negatives)
    same = (codes[negatives] == codes[:, None]).all(-1)
    return torch.cat([similar.diagonal()[:, None], wrong.masked_fill(same, -torch.inf)], 1)


def contrastive_losses(scores: Tensor) -> Tensor:
    """Return -ln of the share of the target, `(n_hidden,)` (equation 3)."""
    return torch.logsumexp(scores, 1) - scores[:, 0]


def contrastive_accuracy(scores: Tensor) -> float:
    """Return the share of hidden frames whose target scores above all distractors; a frame without any counts not.

    Where all hidden frames have the same codes there is nothing to tell apart: NaN.
    """
    told = torch.isfinite(scores[:, 1:]).any(1)
    right = scores[told, 0] > scores[told, 1:].max(1).values
    return float(right.double().mean())
