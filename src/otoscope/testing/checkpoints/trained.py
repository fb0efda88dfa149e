"""A tiny Whisper that really works: digits in English, German and French, trained in minutes on one core.

It transcribes, translates into English, tells languages apart, writes times, follows prompts and says when there is no
speech. First its encoder learns the digits, then it hears short windows laid anywhere in the 30 s, then whole ones. Two
things besides the text are taught, as the true times are known: some heads of cross-attention are to look where the
word is (guided attention; cf. Tachibana et al. 2018), and encoder frames are to tell digits apart, through a layer that
is thrown away.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from otoscope.core.protocols import Progress
from otoscope.corpora.manifest import Utterance
from otoscope.nets.training import TrainingPlan, train
from otoscope.recognizers.checkpoints.fine_tuned import write_card
from otoscope.recognizers.checkpoints.folder import read_checkpoint
from otoscope.recognizers.checkpoints.opening import quiet_transformers
from otoscope.recognizers.endtoend.batching import Made
from otoscope.recognizers.whisper.learning import POSITION_S, Learner, token_loss
from otoscope.recognizers.whisper.lessons import LessonBatch, batch_of
from otoscope.recognizers.whisper.parts import read_parts
from otoscope.recognizers.whisper.tokens import Tokens
from otoscope.testing.checkpoints.digit_lessons import CLASSES, RATE_HZ, DigitLessons, Mix, Passages
from otoscope.testing.checkpoints.weights import look_nearby, order_times
from otoscope.testing.checkpoints.whisper import whisper_config, write_whisper
from otoscope.testing.checkpoints.whisper_tokens import WhisperVocabulary

HEADS = ((1, 1), (2, 0), (2, 3))
"""Layer and head of the cross-attention that is taught where to look; the others are free."""

NEARBY = ((-3, -1, 1, 3), (-9, -3, 3, 9), (-15, -5, 5, 15))
"""Where the heads of each encoder layer begin to look, in positions of 20 ms."""

GUIDANCE = 0.5
FRAMES = 1.0
"""Weights of the two lessons besides the text."""


@dataclass(frozen=True)
class Stage:
    """A part of the training; `frames_only`: the encoder learns to tell digits apart, the decoder waits."""

    name: str
    how: Mix
    plan: TrainingPlan
    n_lessons: int
    batch_size: int
    frames_only: bool = False


STAGES = (
    Stage(
        "frames",
        Mix(3.2, 3, timed=1.0, cut=1.0),
        TrainingPlan(epochs=12, learning_rate=3e-3, warmup=0.05),
        1600,
        16,
        frames_only=True,
    ),
    Stage("short", Mix(6.0, 2), TrainingPlan(epochs=16, learning_rate=1.5e-3, warmup=0.05), 1600, 16),
    Stage("longer", Mix(6.0, 2), TrainingPlan(epochs=30, learning_rate=1.5e-3, warmup=0.05), 1600, 16),
    Stage("whole", Mix(30.0, 9, cut=0.3), TrainingPlan(epochs=6, learning_rate=6e-4, warmup=0.05), 400, 8),
)
"""Frames first, then short windows in two runs, whole ones in the end."""


@dataclass(frozen=True, eq=False)
class DigitBatch:
    """Lessons, the class of each encoder position `(n, n_positions)`, and the model's position of the first of them."""

    lessons: LessonBatch
    classes: Tensor
    first: int


class DigitLearner(Learner):
    """A Whisper with the layer that tells digits apart."""

    def __init__(self, model: Any, n_mels: int) -> None:
        super().__init__(model, n_mels)
        self.frames = nn.Linear(model.config.d_model, 1 + len(CLASSES))


@dataclass
class DigitTask:
    """Text, where to look, and what each frame holds.

    Parameters
    ----------
    train, valid
        Windows.
    tokens
        Of the checkpoint.
    batch_size
        Windows in a batch.
    """

    train: DigitLessons
    valid: DigitLessons
    tokens: Tokens
    batch_size: int

    def batches(self, rng: np.random.Generator) -> Sequence[DigitBatch]:
        """Return new windows."""
        n_batches = len(self.train) // self.batch_size
        return Made([partial(self._made, self.train, int(seed)) for seed in rng.integers(2**62, size=n_batches)])

    def _made(self, lessons: DigitLessons, seed: int) -> DigitBatch:
        rng = np.random.default_rng(seed)
        window_s = lessons.how.window_s
        n_positions = round(window_s / POSITION_S)
        first = int(rng.integers(0, 1501 - n_positions)) if rng.random() < 0.7 else 0
        made = [lessons.lesson(k, rng, first=first) for k in range(self.batch_size)]
        classes = np.zeros((len(made), n_positions), dtype=np.int64)
        for row, lesson in zip(classes, made, strict=True):
            for label, start_s, end_s in lesson.frames:
                row[_positions(start_s, end_s)] = label
        batch = batch_of([each.lesson for each in made], round(window_s * RATE_HZ), self.tokens.end)
        return DigitBatch(batch, torch.from_numpy(classes), first)

    def loss(self, network: DigitLearner, batch: DigitBatch) -> Tensor:
        """Return the loss of a batch."""
        states = network.encode(batch.lessons.waves, first=batch.first)
        scores, attentions = network.decode(states, batch.lessons.given, attentions=True)
        frames = nn.functional.cross_entropy(network.frames(states).flatten(0, 1), batch.classes.flatten())
        looked = guidance([attentions[layer][:, head] for layer, head in HEADS], batch.lessons.said)
        return token_loss(scores, batch.lessons.wanted) + GUIDANCE * looked + FRAMES * frames

    def validate(self, network: DigitLearner) -> float:
        """Return the mean loss of the held-out tokens."""
        total, n_learnt = 0.0, 0
        for seed in range(len(self.valid) // self.batch_size):
            batch = self._made(self.valid, seed)
            states = network.encode(batch.lessons.waves, first=batch.first)
            scores, _ = network.decode(states, batch.lessons.given)
            total += float(token_loss(scores, batch.lessons.wanted, reduction="sum"))
            n_learnt += batch.lessons.n_learnt
        return total / max(1, n_learnt)


class FrameTask(DigitTask):
    """Only what each frame holds."""

    def loss(self, network: DigitLearner, batch: DigitBatch) -> Tensor:
        """Return the mean cross entropy of the frames."""
        scores = network.frames(network.encode(batch.lessons.waves, first=batch.first))
        return nn.functional.cross_entropy(scores.flatten(0, 1), batch.classes.flatten())

    def validate(self, network: DigitLearner) -> float:
        """Return the mean loss of the held-out frames."""
        n_batches = len(self.valid) // self.batch_size
        return sum(float(self.loss(network, self._made(self.valid, seed))) for seed in range(n_batches)) / n_batches


def guidance(heads: Sequence[Tensor], said: Tensor) -> Tensor:
    """Return the cross entropy of attention `(n, n_tokens, n_positions)` against evenly looking where a token is said.

    Parameters
    ----------
    heads
        Attention of each head.
    said
        `(n_said, 4)`: lesson, place of the token, start_s, end_s.
    """
    if not said.shape[0]:
        return heads[0].sum() * 0.0
    n_positions = heads[0].shape[-1]
    centres = torch.arange(n_positions) * POSITION_S
    half = POSITION_S / 2
    wanted = ((centres >= said[:, 2:3] - half) & (centres < said[:, 3:4] + half)).float()
    wanted = wanted / wanted.sum(1, keepdim=True).clamp(min=1)
    lesson, place = said[:, 0].long(), said[:, 1].long()
    losses = [-(wanted * (head[lesson, place] + 1e-6).log()).sum(1).mean() for head in heads]
    return torch.stack(losses).mean()


def _positions(start_s: float, end_s: float) -> slice:
    """Return the encoder positions whose centres lie in a stretch of time."""
    return slice(math.ceil(start_s / POSITION_S), math.ceil(end_s / POSITION_S))


def train_digit_whisper(
    folder: str | os.PathLike[str],
    corpora: Mapping[str, Sequence[Utterance]],
    *,
    single: Sequence[Utterance] = (),
    seed: int = 0,
    stages: Sequence[Stage] = STAGES,
    progress: Progress | None = None,
) -> Path:
    """Train the tiny Whisper into a folder in the layout of the hub; an interrupted run goes on there.

    Parameters
    ----------
    corpora
        What `digit_corpora` makes.
    single
        Recordings of single English digits, of splits train and valid, as the Free Spoken Digit Dataset has them.
    progress
        Called with (epochs done, all epochs) of each stage.
    """
    folder = Path(folder)
    vocabulary = WhisperVocabulary(n_merges=300)
    config = whisper_config(vocabulary, n_mels=80, encoder_layers=3, decoder_layers=3, width=64)
    write_whisper(folder, vocabulary, config, seed=seed, alignment_heads=[list(head) for head in HEADS], working=True)
    parts = read_parts(read_checkpoint(folder), "eager")
    model = parts.network.model.requires_grad_(True)
    model.model.encoder.embed_positions.requires_grad_(False)
    look_nearby(model.model.encoder, offsets=NEARBY)
    times = model.model.decoder.embed_tokens.weight[parts.tokens.first_time :]
    order_times(times, model.model.encoder.embed_positions.weight)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        learner = DigitLearner(model, 80)
    passages = {split: _passages(corpora, single, split) for split in ("train", "valid")}
    histories = {}
    for stage in stages:
        task = (FrameTask if stage.frames_only else DigitTask)(
            DigitLessons(passages["train"], parts.tokens, stage.how, stage.n_lessons),
            DigitLessons(passages["valid"], parts.tokens, stage.how, 3 * stage.batch_size),
            parts.tokens,
            stage.batch_size,
        )
        plan = replace(stage.plan, seed=seed)
        histories[stage.name] = train(
            learner, task, plan, checkpoint=folder / f"{stage.name}.training.pt", progress=progress
        )
    with quiet_transformers():
        model.save_pretrained(folder)
    told = {"corpora": {name: len(own) for name, own in corpora.items()}, "n_single": len(single), "seed": seed}
    losses = {name: history.valid_losses[history.best_epoch] for name, history in histories.items()}
    write_card(folder, None, {**told, "recipe": __name__, "heads": HEADS, "valid_losses": losses})
    return folder


def _passages(corpora: Mapping[str, Sequence[Utterance]], single: Sequence[Utterance], split: str) -> Passages:
    return Passages(
        {language: [u for u in own if u.split == split] for language, own in corpora.items()},
        [u for u in single if u.split == split],
    )
