"""CTC fine-tuning of any checkpoint of the wav2vec 2.0 family: a checkpoint and a corpus in, a checkpoint out.

Baevski et al. (2020), section 4.3: a linear layer over the encoder learns to write letters by CTC, alone at first, then
the blocks with it; the convolutions stay as they are; stretches of frames are hidden meanwhile, a kind of SpecAugment
(Park et al. 2019). The folder opens in `otoscope.load` and in transformers.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.core import BadInput, UnknownName
from otoscope.core.protocols import Progress
from otoscope.corpora.manifest import Utterance
from otoscope.corpora.transcripts import certain
from otoscope.nets.augment import Augmentation
from otoscope.nets.contrastive import Spans
from otoscope.nets.examples import Joining
from otoscope.nets.training import History, TrainingPlan, train
from otoscope.recognizers.checkpoints.fine_tuned import FineTuned, starting_point, write_card
from otoscope.recognizers.checkpoints.folder import Checkpoint
from otoscope.recognizers.endtoend.batching import Recipe, Sounds
from otoscope.recognizers.wav2vec2.finetuning_model import CtcModel, open_for_training, save_trained, with_lora
from otoscope.recognizers.wav2vec2.finetuning_task import CtcNetwork, CtcTuningTask
from otoscope.recognizers.wav2vec2.loading import ARCHITECTURES
from otoscope.recognizers.wav2vec2.waves import RATE_HZ

if TYPE_CHECKING:
    from otoscope.core import Recognizer

CHECKPOINT = "finetuning.pt"
"""File in the folder from which an interrupted run goes on."""

TRAINABLE = tuple(name for name in ARCHITECTURES if name != "wav2vec2-bert")
"""`model_type` of what can be fine-tuned: whatever hears the waveform itself."""

HEAD_ALONE = 0.1
"""Share of the updates in which a new head learns alone."""


@dataclass(frozen=True)
class TuningOptions:
    """How to fine-tune.

    Parameters
    ----------
    frozen_front_end
        Leave the convolutions as they are.
    lora
        Learn additions of this rank to the blocks instead of their weights; needs the extra `finetune`. `None`: no.
    new_head
        Give a checkpoint that writes already a new head, for the letters of the corpus.
    head_alone
        Share of the updates in which the head learns alone; by default 0.1 for a new head, none for an old one.
    epochs, batch_s, learning_rate, patience
        Passes over the data, seconds of sound in a batch, peak rate (by default 1e-4, 1e-3 with LoRA), and after how
        many epochs without a better validation loss to stop.
    mask_share, mask_frames
        Frames from which a hidden span begins, and its length; see `otoscope.nets.contrastive.Spans`. 0 hides nothing.
    joined
        Least and most recordings of one speaker that are joined into a string, for corpora of single words.
    augment
        Change speed, tilt, level and noise of the training sound; see `otoscope.nets.augment.Augmentation`.
    plan
        Further fields of `TrainingPlan`.
    """

    frozen_front_end: bool = True
    lora: int | None = None
    new_head: bool = False
    head_alone: float | None = None
    epochs: int = 20
    batch_s: float = 32.0
    learning_rate: float | None = None
    patience: int | None = None
    mask_share: float = 0.05
    mask_frames: int = 10
    joined: tuple[int, int] = (1, 1)
    augment: bool = False
    plan: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "joined", tuple(self.joined))
        if self.lora is not None and self.lora < 1:
            raise BadInput(f"lora is the rank of what is added, 1 or more, got {self.lora}; None for no LoRA")
        if len(self.joined) != 2 or not 1 <= self.joined[0] <= self.joined[1]:
            raise BadInput(f"joined is the least and most recordings in a string, 1 or more, got {self.joined}")
        if not 0 <= (self.head_alone or 0) <= 1 or not self.batch_s > 0:
            raise BadInput(f"head_alone must be 0 to 1 and batch_s above 0, got {self.head_alone} and {self.batch_s}")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> TuningOptions:
        """Return options by name; raises `UnknownName` where there is no such option."""
        known = [option.name for option in dataclasses.fields(cls)]
        for name in given:
            if name not in known:
                raise UnknownName("option of preset wav2vec2", name, known)
        return cls(**given)

    def training_plan(self, seed: int) -> TrainingPlan:
        """Return the plan of the loop."""
        rate = self.learning_rate or (1e-4 if self.lora is None else 1e-3)
        kept = {"epochs": self.epochs, "learning_rate": rate, "patience": self.patience, "betas": (0.9, 0.98)}
        return TrainingPlan(**{**kept, **self.plan, "seed": seed})

    @property
    def recipe(self) -> Recipe:
        """How the training sound is put together."""
        plain = Augmentation(speed=1.0, gain_db=(0.0, 0.0), snr_db=(100.0, 100.0), tilt=0.0)
        return Recipe(Joining(n_words=self.joined), Augmentation() if self.augment else plain, self.batch_s)


def train_wav2vec2(
    corpus: Sequence[Utterance],
    valid: Sequence[Utterance],
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    progress: Progress | None = None,
    start: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Recognizer:
    """Teach a checkpoint of the wav2vec 2.0 family to write, saving it in `folder`; an interrupted run goes on there.

    Parameters
    ----------
    corpus, valid
        Utterances; the weights kept are those with the lowest loss on `valid`. Those whose texts leave open what was
        said (`otoscope.corpora.transcripts.certain`) are left out.
    folder
        Holds the state of the training, and the model afterwards.
    seed
        Of a new head and everything random.
    progress
        Called with (epochs done, all epochs).
    start
        The checkpoint to begin with: a folder, or the name of a model in the store. One without a head (an encoder, or
        what pretraining left) gets one, with a vocabulary of the letters in the corpus.
    options
        See `TuningOptions`.

    Raises
    ------
    BadInput
        No checkpoint to begin with is named, it is of another family, its head cannot write the texts, or an option
        does not fit.
    CorruptWeights
        A file of the checkpoint is missing or damaged.
    MissingExtra
        peft is not installed.
    UnknownName
        No such option or model.
    """
    asked = TuningOptions.of(options)
    began, folder = starting_point(start, TRAINABLE), Path(folder)
    if folder.resolve() == began.folder.resolve():
        raise BadInput(f"{folder} holds the checkpoint to begin with; name another folder for the trained one")
    folder.mkdir(parents=True, exist_ok=True)
    learnt, held_out = certain(corpus), certain(valid)
    sounds = (Sounds(learnt, RATE_HZ), Sounds(held_out, RATE_HZ) if held_out else None)
    opened = _ready(began, sounds, asked, seed)
    network = CtcNetwork(opened.model)
    task = CtcTuningTask(*sounds, opened.symbols, _spans(asked), asked.recipe, network.n_frames, asked.augment)
    network.head_updates = _head_updates(asked, len(task.batches(np.random.default_rng(seed))), is_new=opened.is_new)
    n_learnt = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    history = train(network, task, asked.training_plan(seed), checkpoint=folder / CHECKPOINT, progress=progress)
    save_trained(opened, folder, began)
    counts = {"n_utterances": len(learnt), "n_left_out": len(corpus) - len(learnt), "n_learnt_weights": n_learnt}
    hours = {"hours": sum(utterance.duration_s for utterance in learnt) / 3600, "n_updates": int(network.n_updates)}
    write_card(folder, began, {**dataclasses.asdict(asked), **counts, **hours, "seed": seed, **_losses(history)})
    return FineTuned.load(folder)


def _ready(began: Checkpoint, sounds: tuple[Sounds, Sounds | None], asked: TuningOptions, seed: int) -> CtcModel:
    """Return the network with all that stays as it is frozen."""
    train_, valid = sounds
    texts = [*train_.texts, *(valid.texts if valid is not None else ())]
    opened = open_for_training(began, texts, new_head=asked.new_head, seed=seed)
    model = opened.model.requires_grad_(True)
    if asked.frozen_front_end:
        model.freeze_feature_encoder()
    return opened if asked.lora is None else with_lora(opened, began.model_type, rank=asked.lora, seed=seed)


def _spans(asked: TuningOptions) -> Spans | None:
    return Spans(asked.mask_share, asked.mask_frames, least=0) if asked.mask_share > 0 else None


def _head_updates(asked: TuningOptions, n_batches: int, *, is_new: bool) -> int:
    share = asked.head_alone if asked.head_alone is not None else (HEAD_ALONE if is_new else 0.0)
    return math.ceil(share * asked.epochs * n_batches)


def _losses(history: History) -> dict[str, Any]:
    return {
        "train_losses": list(history.train_losses),
        "valid_losses": [None if loss != loss else loss for loss in history.valid_losses],
        "best_epoch": history.best_epoch,
    }
