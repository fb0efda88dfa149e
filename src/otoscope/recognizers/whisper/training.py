"""Fine-tuning Whisper on one's own recordings: a checkpoint and a corpus in, a checkpoint that transformers opens out.

Teacher forcing in the one training loop, so that checkpoints, early stopping and going on after an interruption are
those of every family. All weights learn, or all but the encoder's, or only small additions of low rank (LoRA, Hu et
al. 2022), which are added to the weights in the end.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from otoscope.core import BadInput, MissingExtra, UnknownName
from otoscope.core.protocols import Progress
from otoscope.corpora.manifest import Utterance
from otoscope.nets.training import History, TrainingPlan, train
from otoscope.recognizers.checkpoints.fine_tuned import FineTuned, starting_point, take_over, write_card
from otoscope.recognizers.checkpoints.folder import Checkpoint
from otoscope.recognizers.checkpoints.opening import quiet_transformers
from otoscope.recognizers.whisper.learning import Learner, WhisperTask
from otoscope.recognizers.whisper.lessons import Dictation, UtteranceLessons, language_of
from otoscope.recognizers.whisper.parts import Parts, read_parts

if TYPE_CHECKING:
    from otoscope.core import Recognizer

CHECKPOINT = "training.pt"
"""File in the folder from which an interrupted run goes on."""

ADAPTED = ("q_proj", "k_proj", "v_proj", "out_proj")
"""Layers that LoRA adds to: the attentions of encoder and decoder."""


@dataclass(frozen=True)
class Options:
    """How to fine-tune.

    Parameters
    ----------
    language, task
        What is spoken, as a code or English name, and what is written: `transcribe` or `translate`. English-only
        models need neither.
    timestamps
        Share of the lessons in which the times of the utterance are written too.
    freeze_encoder
        Leave the encoder as it is; with few recordings this forgets less.
    lora, lora_rank
        Learn additions of this rank to the attentions instead of the weights themselves; needs the extra `finetune`.
    epochs, batch_size, learning_rate, patience
        Passes over the data, windows in a step, peak rate (by default 1e-5, and 1e-3 with LoRA), and after how many
        epochs without a better validation loss to stop.
    plan
        Further fields of `TrainingPlan`.
    """

    language: str | None = None
    task: str = "transcribe"
    timestamps: float = 0.0
    freeze_encoder: bool = False
    lora: bool = False
    lora_rank: int = 8
    epochs: int = 5
    batch_size: int = 8
    learning_rate: float | None = None
    patience: int | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.timestamps <= 1 or min(self.lora_rank, self.batch_size) < 1:
            raise BadInput(f"timestamps must be 0 to 1, lora_rank and batch_size 1 or more, got {self}")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Options:
        """Return options by name.

        Raises
        ------
        UnknownName
            There is no such option.
        """
        known = [option.name for option in dataclasses.fields(cls)]
        for name in given:
            if name not in known:
                raise UnknownName("option of preset whisper", name, known)
        return cls(**given)

    def training_plan(self, seed: int) -> TrainingPlan:
        """Return the plan of the loop."""
        rate = self.learning_rate or (1e-3 if self.lora else 1e-5)
        kept = {"epochs": self.epochs, "learning_rate": rate, "patience": self.patience, "clip_norm": 1.0}
        return TrainingPlan(**{**kept, **self.plan, "seed": seed})


def train_whisper(
    corpus: Sequence[Utterance],
    valid: Sequence[Utterance],
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    progress: Progress | None = None,
    start: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Recognizer:
    """Train a Whisper further, into a folder in the layout of the hub; an interrupted run goes on there.

    Parameters
    ----------
    corpus, valid
        Utterances, each at most 30 s; their texts are learnt as they are written. The weights kept are those with the
        lowest loss on `valid`.
    folder
        Holds the state of the training, and the model afterwards.
    seed
        Of the order of the lessons and everything else random.
    progress
        Called with (epochs done, all epochs).
    start
        The checkpoint to begin with: a folder, or the name of a model in the store.
    options
        See `Options`.

    Raises
    ------
    BadInput
        No checkpoint to begin with is named, it is no Whisper, or the corpus cannot be learnt.
    CorruptWeights
        A file of the checkpoint is missing or damaged.
    MissingExtra
        peft is not installed.
    UnknownName
        No such option, language or model.
    """
    asked = Options.of(options)
    began = starting_point(start, {"whisper"})
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    parts = read_parts(began, "sdpa")
    task = _task(parts, corpus, valid, asked)
    learner, adapted = _learner(parts, asked, seed)
    n_learnt = sum(p.numel() for p in learner.parameters() if p.requires_grad)
    history = train(learner, task, asked.training_plan(seed), checkpoint=folder / CHECKPOINT, progress=progress)
    _save(adapted.merge_and_unload() if adapted is not None else learner.model, folder, began)
    told = {"n_utterances": len(corpus), "n_learnt_weights": n_learnt, "seed": seed}
    write_card(folder, began, {**dataclasses.asdict(asked), **told, **_losses(history)})
    return FineTuned.load(folder)


def _task(parts: Parts, corpus: Sequence[Utterance], valid: Sequence[Utterance], asked: Options) -> WhisperTask:
    language = language_of(parts.tokens, asked.language or parts.own_options.get("language"), asked.task)
    dictation = Dictation(parts.tokens, language, asked.task, asked.timestamps)
    window_s, n_context = parts.front_end.window_s, parts.network.n_context
    learnt = UtteranceLessons(corpus, dictation, window_s=window_s, n_context=n_context)
    held_out = UtteranceLessons(valid, dictation, window_s=window_s, n_context=n_context) if valid else None
    return WhisperTask(learnt, held_out, parts.tokens.end, window_s, asked.batch_size)


def _learner(parts: Parts, asked: Options, seed: int) -> tuple[Learner, Any]:
    """Return what learns, and the adapters around it where there are some."""
    model = parts.network.model.requires_grad_(True)
    encoder: Any = model.model.encoder
    encoder.embed_positions.requires_grad_(False)
    if asked.freeze_encoder:
        encoder.requires_grad_(False)
    adapted = _with_lora(model, asked, seed) if asked.lora else None
    return Learner(model, parts.front_end.n_mels), adapted


def _with_lora(model: Any, asked: Options, seed: int) -> Any:
    """Put additions of low rank into the attentions, which alone learn from now on (Hu et al. 2022, section 4)."""
    try:
        from peft import LoraConfig, get_peft_model
    except ModuleNotFoundError as error:
        raise MissingExtra("peft", "finetune", "learning additions of low rank (LoRA)") from error
    inside = "decoder" if asked.freeze_encoder else "(encoder|decoder)"
    layers = rf"model\.{inside}\.layers\.\d+\.(self_attn|encoder_attn)\.({'|'.join(ADAPTED)})"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = LoraConfig(r=asked.lora_rank, lora_alpha=2 * asked.lora_rank, target_modules=layers, bias="none")
        return get_peft_model(model, config)


def _save(model: Any, folder: Path, began: Checkpoint) -> None:
    with quiet_transformers():
        model.save_pretrained(folder)
    take_over(began, folder)


def _losses(history: History) -> dict[str, Any]:
    return {
        "train_losses": list(history.train_losses),
        "valid_losses": [None if loss != loss else loss for loss in history.valid_losses],
        "best_epoch": history.best_epoch,
    }
