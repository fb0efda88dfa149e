"""A tiny CTC model in the layout of wav2vec 2.0 that really works: English digits, trained in minutes on one core.

It begins with random weights. As the true times of the words are known, each frame is also told which letter to write,
the letters of a word lying evenly in it: so it learns in a tenth of the updates that CTC alone takes, and its words end
up where they are said.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otoscope.core import Recognizer
from otoscope.core.protocols import Progress
from otoscope.corpora.augmentation import hiss, mix
from otoscope.corpora.manifest import Utterance
from otoscope.nets.augment import tilt_spectrum
from otoscope.nets.contrastive import Spans
from otoscope.nets.training import TrainingPlan, train
from otoscope.recognizers.checkpoints.fine_tuned import FineTuned, write_card
from otoscope.recognizers.checkpoints.folder import read_checkpoint
from otoscope.recognizers.endtoend.batching import Made
from otoscope.recognizers.wav2vec2.finetuning_model import open_for_training, save_trained
from otoscope.recognizers.wav2vec2.finetuning_task import CtcBatch, CtcNetwork
from otoscope.recognizers.wav2vec2.pretraining_shapes import write_untrained
from otoscope.recognizers.wav2vec2.symbols import Symbols
from otoscope.recognizers.wav2vec2.waves import RATE_HZ, normalised, some_sound, stacked
from otoscope.testing.checkpoints.digit_lessons import Passage, Passages, Spoken
from otoscope.testing.checkpoints.digits import DIGITS

SHAPE: Mapping[str, Any] = {
    "channels": (16, 24, 32, 48, 64, 64, 64),
    "width": 96,
    "n_blocks": 3,
    "n_heads": 4,
    "hidden": 256,
    "positions": 16,
    "position_groups": 4,
}


@dataclass(frozen=True)
class Stage:
    """A part of the training.

    Parameters
    ----------
    name, plan
        What it is called, and how to train.
    frames
        Weight of the lesson of each frame; CTC has 1.
    hard
        Whether the spectrum is tilted and stretches of frames are hidden, so that few voices stand for many.
    """

    name: str
    plan: TrainingPlan
    frames: float
    hard: bool


def _plan(epochs: int, learning_rate: float) -> TrainingPlan:
    return TrainingPlan(epochs=epochs, learning_rate=learning_rate, warmup=0.05, betas=(0.9, 0.98), checkpoint_s=60)


STAGES = (
    Stage("frames", _plan(15, 1.5e-3), frames=0.5, hard=False),
    Stage("ctc", _plan(8, 1e-3), frames=0.0, hard=True),
)
"""First where the letters are, then only which."""
N_UPDATES = 80
"""In an epoch."""
BATCH_SIZE = 8
TILT = 0.6
SPANS = Spans(0.02, 6, least=0)
"""Of the hard stage."""
FRAME_S, FIRST_S = 0.02, 0.0125
"""From frame to frame, and the centre of the first."""


@dataclass(frozen=True)
class DigitBatch:
    """Passages for CTC, and the symbol of each frame, `(n, n_frames)`, -100 where there is no sound."""

    heard: CtcBatch
    frames: Tensor


@dataclass
class DigitTask:
    """-ln P(text | sound) by CTC, and the cross entropy of the frames.

    Parameters
    ----------
    train, valid
        Passages.
    held_out
        Utterances to validate on.
    symbols
        Of the head.
    n_frames
        Frames of so many samples.
    stage
        Of the training.
    """

    train: Passages
    valid: Passages
    held_out: Sequence[Utterance]
    symbols: Symbols
    n_frames: Any
    stage: Stage

    def batches(self, rng: np.random.Generator) -> Sequence[DigitBatch]:
        """Return passages drawn anew, at another speed, level and noise."""
        return Made([partial(self._made, int(seed)) for seed in rng.integers(2**62, size=N_UPDATES)])

    def _made(self, seed: int) -> DigitBatch:
        rng = np.random.default_rng(seed)
        drawn = [self.train.drawn("en", rng).faster(float(np.exp(rng.uniform(-0.12, 0.12)))) for _ in range(BATCH_SIZE)]
        batch = self.batch([replace(each, samples=_noisy(each.samples, rng)) for each in drawn])
        if not self.stage.hard:
            return batch
        tilted = [tilt_spectrum(wave.numpy(), rng, largest=TILT) for wave in batch.heard.waves]
        hidden = [SPANS.drawn(batch.frames.shape[1], rng) for _ in tilted]
        hard = replace(batch.heard, waves=torch.from_numpy(np.stack(tilted)), hidden=torch.from_numpy(np.stack(hidden)))
        return replace(batch, heard=hard)

    def batch(self, passages: Sequence[Passage]) -> DigitBatch:
        """Return passages padded to one length."""
        words = [tuple(DIGITS["en"][spoken.digit] for spoken in passage.digits) for passage in passages]
        labels = [self.symbols.encode(each) for each in words]
        n_samples = [passage.samples.size for passage in passages]
        frames = np.full((len(passages), int(self.n_frames(max(n_samples)))), -100)
        for row, passage in zip(frames, passages, strict=True):
            n_frames = int(self.n_frames(passage.samples.size))
            row[:n_frames] = letters_in_time(passage.digits, n_frames, self.symbols)
        heard = CtcBatch(
            stacked([normalised(passage.samples) for passage in passages]),
            torch.tensor(n_samples),
            torch.zeros(frames.shape, dtype=torch.bool),
            torch.tensor([label for row in labels for label in row]),
            torch.tensor([len(row) for row in labels]),
        )
        return DigitBatch(heard, torch.from_numpy(frames))

    def loss(self, network: CtcNetwork, batch: DigitBatch) -> Tensor:
        """Return the loss of a batch."""
        log_probs, lengths = network(batch.heard)
        framewise = nn.functional.nll_loss(log_probs.transpose(1, 2), batch.frames, ignore_index=-100)
        return self._ctc(log_probs, lengths, batch) + self.stage.frames * framewise

    def _ctc(self, log_probs: Tensor, lengths: Tensor, batch: DigitBatch) -> Tensor:
        """Return nats for each letter."""
        heard = batch.heard
        losses = nn.functional.ctc_loss(
            log_probs.transpose(0, 1), heard.labels, lengths, heard.n_labels, reduction="sum", zero_infinity=True
        )
        return losses / heard.n_labels.sum()

    def validate(self, network: CtcNetwork) -> float:
        """Return the CTC loss of the held-out passages."""
        found = []
        for first in range(0, len(self.held_out), BATCH_SIZE):
            chosen = [self.valid.whole(each, "en") for each in self.held_out[first : first + BATCH_SIZE]]
            batch = self.batch(chosen)
            log_probs, lengths = network(batch.heard)
            found.append(float(self._ctc(log_probs, lengths, batch)))
        return float(np.mean(found))


def letters_in_time(digits: Sequence[Spoken], n_frames: int, symbols: Symbols) -> NDArray[np.int64]:
    """Return the symbol of each frame: letters evenly in their word, a mark between words, blanks elsewhere.

    A letter that stands twice has a blank between; the mark stands in the middle between two words, or takes the place
    of the first word's last frame where they touch.
    """
    found = np.full(n_frames, symbols.blank)
    centres = FIRST_S + FRAME_S * np.arange(n_frames)
    for digit in digits:
        letters: list[int] = []
        for label in symbols.encode_word(DIGITS["en"][digit.digit]):
            letters += [symbols.blank, label] if letters and letters[-1] == label else [label]
        inside = (centres >= digit.start_s) & (centres < digit.end_s)
        place = (centres[inside] - digit.start_s) / (digit.end_s - digit.start_s) * len(letters)
        found[inside] = np.array(letters)[np.minimum(place.astype(int), len(letters) - 1)]
    for before, after in itertools.pairwise(digits):
        between = round(((before.end_s + after.start_s) / 2 - FIRST_S) / FRAME_S)
        found[min(max(between, 0), n_frames - 1)] = symbols.gaps[0]
    return found


def _noisy(samples: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return sound in noise, two times out of three."""
    if rng.random() < 1 / 3:
        return samples
    noisy = mix(samples, hiss(samples.size, rng), RATE_HZ, snr_db=float(rng.uniform(8.0, 40.0)))
    return noisy.astype(np.float32)


def train_digit_wav2vec2(
    folder: str | os.PathLike[str],
    spoken: Sequence[Utterance],
    *,
    single: Sequence[Utterance] = (),
    seed: int = 0,
    stages: Sequence[Stage] = STAGES,
    progress: Progress | None = None,
) -> Recognizer:
    """Train the tiny model into a folder in the layout of the hub; an interrupted run goes on there.

    Parameters
    ----------
    folder
        Gets a folder `start` with the random weights beside the trained model.
    spoken
        Strings of digits in English with tiers of words, of splits train and valid, as `digit_corpora` makes them.
    single
        Recordings of single digits, as the Free Spoken Digit Dataset has them; those of split train are learnt too.
    stages
        How to train; the seed of each is `seed`.
    progress
        Called with (epochs done, all epochs) of each stage.
    """
    folder = Path(folder)
    learnt, held_out = ([each for each in spoken if each.split == split] for split in ("train", "valid"))
    start = read_checkpoint(write_untrained(folder / "start", SHAPE, seed=seed, sound=some_sound(learnt)))
    opened = open_for_training(start, [tuple(DIGITS["en"])], new_head=True, seed=seed)
    opened.model.requires_grad_(True)
    real = [each for each in single if each.split == "train"]
    network = CtcNetwork(opened.model)
    passages = (Passages({"en": learnt}, real), Passages({"en": held_out}))
    histories = {}
    for stage in stages:
        task = DigitTask(*passages, held_out, opened.symbols, network.n_frames, stage)
        plan, checkpoint = replace(stage.plan, seed=seed), folder / f"{stage.name}.training.pt"
        histories[stage.name] = train(network, task, plan, checkpoint=checkpoint, progress=progress)
    save_trained(opened, folder, start)
    told = {"n_utterances": len(learnt), "n_single": len(real), "seed": seed, "recipe": __name__}
    shape = json.loads(json.dumps(dict(SHAPE)))
    losses = {name: history.valid_losses[history.best_epoch] for name, history in histories.items()}
    n_updates = N_UPDATES * sum(len(history.train_losses) for history in histories.values())
    write_card(folder, None, {**told, "shape": shape, "n_updates": n_updates, "valid_losses": losses})
    return FineTuned.load(folder)
