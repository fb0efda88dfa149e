"""wav2vec 2.0 pretraining as a task of the one training loop: cuts of sound in, contrastive and diversity loss out.

Baevski et al. (2020), sections 3.1, 3.2 and 4.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otoscope.core import BadInput
from otoscope.nets.batching import LazyBatches, bucketed
from otoscope.nets.contrastive import (
    Quantised,
    Spans,
    contrastive_accuracy,
    contrastive_losses,
    contrastive_scores,
    distractors,
    diversity_loss,
    perplexities,
    quantised,
)
from otoscope.nets.training import device_of, moved
from otoscope.recognizers.wav2vec2.waves import RATE_HZ, Waves, normalised, stacked


@dataclass(frozen=True)
class Cooling:
    """Temperature of the Gumbel-softmax: it falls by one factor every update, from `start` to `end`, then stays.

    The paper has 2 to 0.5 in 280,000 updates of 400,000 (factor 0.999995); shorter runs cool faster.
    """

    start: float = 2.0
    end: float = 0.5
    n_updates: int = 280_000

    def __post_init__(self) -> None:
        if not (self.start >= self.end > 0 and self.n_updates >= 1):
            raise BadInput(f"a temperature must fall to something above 0 in at least one update, got {self}")

    def at(self, n_done: int) -> float:
        """Return the temperature after so many updates.

        Examples
        --------
        >>> cooling = Cooling(2.0, 0.5, n_updates=100)
        >>> [round(cooling.at(n), 3) for n in (0, 50, 100, 1000)]
        [2.0, 1.0, 0.5, 0.5]
        """
        return float(self.start * (self.end / self.start) ** min(1.0, n_done / self.n_updates))


@dataclass(frozen=True)
class Lesson:
    """How the losses are made.

    Parameters
    ----------
    spans
        Which frames are hidden.
    n_negatives
        Distractors of each hidden frame, K = 100.
    diversity
        Weight α of the diversity loss.
    penalty
        Weight of the mean square of what the convolutions give, which keeps them small (section 4.2 has it for the
        smaller model).
    front_end_gradient
        Factor on the gradient of the convolutions.
    cooling
        Of the Gumbel-softmax.
    """

    spans: Spans = field(default_factory=Spans)
    n_negatives: int = 100
    diversity: float = 0.1
    penalty: float = 10.0
    front_end_gradient: float = 0.1
    cooling: Cooling = field(default_factory=Cooling)


@dataclass(frozen=True)
class PretrainingBatch:
    """Waves of one length `(n, n_samples)`, hidden frames `(n, n_frames)`, distractors `(n_hidden, n_negatives)`."""

    waves: Tensor
    hidden: Tensor
    negatives: Tensor


@dataclass(frozen=True)
class Told:
    """What the network says of the hidden frames: outputs and targets `(n_hidden, width)`, codes, mean square."""

    context: Tensor
    targets: Tensor
    chosen: Quantised
    mean_square: Tensor


class PretrainingNetwork(nn.Module):
    """transformers' `Wav2Vec2ForPreTraining`, and how many updates it has seen.

    Parameters
    ----------
    model
        The network; only its layers are used, all losses are our own.
    lesson
        Front end's gradient and temperature.
    """

    n_updates: Tensor

    def __init__(self, model: Any, lesson: Lesson) -> None:
        super().__init__()
        self.model, self.lesson = model, lesson
        self.register_buffer("n_updates", torch.zeros((), dtype=torch.int64))

    @property
    def temperature(self) -> float | None:
        """Of the Gumbel-softmax; `None` while evaluating, where the likeliest code is taken."""
        return self.lesson.cooling.at(int(self.n_updates)) if self.training else None

    def n_frames(self, n_samples: int) -> int:
        """Return how many frames there are of a waveform."""
        return int(self.model._get_feat_extract_output_lengths(n_samples))

    def forward(self, waves: Tensor, hidden: Tensor) -> Told:
        """Hide frames, look at the rest, and say what was there.

        Parameters
        ----------
        waves
            `(n, n_samples)`, normalised.
        hidden
            `(n, n_frames)`, true where a frame is hidden from the Transformer.
        """
        body, share = self.model.wav2vec2, self.lesson.front_end_gradient
        found = body.feature_extractor(waves).transpose(1, 2)
        if self.training:
            found = found.detach() + share * (found - found.detach())
        projected, normal = body.feature_projection(found)
        given = torch.where(hidden[..., None], body.masked_spec_embed.to(projected.dtype), projected)
        states = body.encoder(given).last_hidden_state
        chosen = self.quantised(self.model.dropout_features(normal[hidden]))
        targets = self.model.project_q(chosen.vectors)
        return Told(self.model.project_hid(states[hidden]), targets, chosen, found.float().square().mean())

    def quantised(self, frames: Tensor) -> Quantised:
        """Return frames `(n, n_units)` as code vectors."""
        own = self.model.quantizer
        logits = own.weight_proj(frames).view(-1, own.num_groups, own.num_vars)
        books = own.codevectors.view(own.num_groups, own.num_vars, -1)
        return quantised(logits, books, temperature=self.temperature)


@dataclass
class PretrainingTask:
    """Contrastive loss plus α times the diversity loss, nats for each hidden frame.

    Parameters
    ----------
    train, valid
        Sound; `valid` may be `None`.
    lesson
        Of the losses.
    n_frames
        Frames of so many samples.
    cut_s
        Longest piece of an utterance that is heard at once; long utterances give several, other ones every epoch.
    batch_s
        Sound in a batch. All pieces of a batch are cut to the length of its shortest.
    seed
        Of the pieces and hidden frames of the held-out sound.
    """

    train: Waves
    valid: Waves | None
    lesson: Lesson
    n_frames: Any
    cut_s: float = 8.0
    batch_s: float = 64.0
    seed: int = 0

    def batches(self, rng: np.random.Generator) -> Sequence[PretrainingBatch]:
        """Return pieces of like length, made when they are asked for."""
        return self._batches(self.train, rng)

    def _batches(self, waves: Waves, rng: np.random.Generator) -> LazyBatches[PretrainingBatch]:
        pieces = [
            i for i, length_s in enumerate(waves.durations_s) for _ in range(max(1, round(length_s / self.cut_s)))
        ]
        lengths = [round(min(waves.durations_s[i], self.cut_s) * RATE_HZ) for i in pieces]
        groups = bucketed(lengths, most=round(self.batch_s * RATE_HZ), rng=rng)

        def made(places: NDArray[np.int64], own: np.random.Generator) -> PretrainingBatch:
            return self.batch([waves.samples(pieces[i]) for i in places], own)

        return LazyBatches(groups, made, seed=int(rng.integers(2**62)), n_workers=0)

    def batch(self, waves: Sequence[NDArray[np.float32]], rng: np.random.Generator) -> PretrainingBatch:
        """Return a batch of waves, cut anywhere to the length of the shortest."""
        length = min(min(wave.size for wave in waves), round(self.cut_s * RATE_HZ))
        starts = [int(rng.integers(wave.size - length + 1)) for wave in waves]
        cut = [normalised(wave[first : first + length]) for wave, first in zip(waves, starts, strict=True)]
        n_frames = self.n_frames(length)
        hidden = np.stack([self.lesson.spans.drawn(n_frames, rng) for _ in cut])
        hidden[hidden.sum(1) == 1] = False
        negatives = distractors(hidden.sum(1), self.lesson.n_negatives, rng)
        return PretrainingBatch(stacked(cut), torch.from_numpy(hidden), torch.from_numpy(negatives))

    def loss(self, network: PretrainingNetwork, batch: PretrainingBatch) -> Tensor:
        """Return the loss of a batch, nats for each hidden frame; counts as an update."""
        told = network(batch.waves, batch.hidden)
        network.n_updates += 1
        if not batch.negatives.shape[0]:
            return self.lesson.penalty * told.mean_square
        scores = contrastive_scores(told.context, told.targets, told.chosen.codes, batch.negatives)
        spread = diversity_loss(told.chosen.probabilities)
        return (
            contrastive_losses(scores).mean() + self.lesson.diversity * spread + self.lesson.penalty * told.mean_square
        )

    def weight(self, batch: PretrainingBatch) -> float:
        """Return what a batch counts where several make one step: its hidden frames."""
        return float(batch.negatives.shape[0])

    def validate(self, network: PretrainingNetwork) -> float:
        """Return contrastive plus weighted diversity loss of the held-out sound; NaN where there is none."""
        found = self.measured(network)
        return (
            math.nan if found is None else found["contrastive_loss"] + self.lesson.diversity * found["diversity_loss"]
        )

    @torch.no_grad()
    def measured(self, network: PretrainingNetwork) -> dict[str, float] | None:
        """Return what held-out sound says of a network that is in evaluation mode; `None` where there is none.

        Losses (nats for each hidden frame), `accuracy` (the share of hidden frames nearer to their own code vector than
        to all distractors; chance is 1 / (1 + K)), and `perplexity`, the mean over the code books of how many entries
        are in use, of `n_codes`.
        """
        if self.valid is None:
            return None
        scores, chosen = [], []
        for batch in self._batches(self.valid, np.random.default_rng(self.seed)):
            batch = moved(batch, device_of(network))
            told = network(batch.waves, batch.hidden)
            scores.append(contrastive_scores(told.context, told.targets, told.chosen.codes, batch.negatives))
            chosen.append(told.chosen.probabilities)
        all_scores, probabilities = torch.cat(scores), torch.cat(chosen)
        return {
            "contrastive_loss": float(contrastive_losses(all_scores).mean()),
            "diversity_loss": float(diversity_loss(probabilities)),
            "accuracy": contrastive_accuracy(all_scores),
            "chance": 1 / (1 + self.lesson.n_negatives),
            "perplexity": float(perplexities(probabilities).mean()),
            "n_codes": float(probabilities.shape[2]),
            "n_hidden": float(all_scores.shape[0]),
        }
