"""wav2vec 2.0 pretraining (Baevski et al. 2020): sound without texts in, an encoder in the layout of the hub out.

The result is an encoder without a head, which `train_wav2vec2` gives one from a few texts.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otoscope.core import BadInput, UnknownName
from otoscope.core.protocols import Progress
from otoscope.corpora.manifest import Utterance
from otoscope.nets.contrastive import Spans
from otoscope.nets.training import History, TrainingPlan, train
from otoscope.recognizers.checkpoints.fine_tuned import FineTuned, starting_point, write_card
from otoscope.recognizers.checkpoints.folder import Checkpoint
from otoscope.recognizers.checkpoints.opening import loaded
from otoscope.recognizers.wav2vec2.pretraining_shapes import calibrate, save_encoder, shape_of
from otoscope.recognizers.wav2vec2.pretraining_task import Cooling, Lesson, PretrainingNetwork, PretrainingTask
from otoscope.recognizers.wav2vec2.waves import Waves, some_sound

if TYPE_CHECKING:
    from otoscope.core import Recognizer

CHECKPOINT = "pretraining.pt"
"""File in the folder from which an interrupted run goes on."""


@dataclass(frozen=True)
class PretrainingOptions:
    """How to pretrain.

    Parameters
    ----------
    shape
        A name in `pretraining_shapes.SHAPES`, or fields of a `Shape`; of no account with `start`.
    epochs, learning_rate, warmup
        Passes over the sound, peak rate, share of the updates over which it rises.
    batch_s, cut_s
        Seconds of sound in a batch, and of the longest piece that is heard at once.
    mask_share, mask_frames, n_negatives
        See `otoscope.nets.contrastive.Spans` and `Lesson`.
    diversity, penalty, front_end_gradient
        See `Lesson`.
    temperatures
        Of the Gumbel-softmax, at the start and from half of the updates on.
    calibrated
        Whether random weights are fitted to some of the sound first; see `pretraining_shapes.calibrate`.
    plan
        Further fields of `TrainingPlan`.
    """

    shape: str | Mapping[str, Any] = "small"
    epochs: int = 20
    learning_rate: float = 5e-4
    warmup: float = 0.08
    batch_s: float = 64.0
    cut_s: float = 8.0
    mask_share: float = 0.065
    mask_frames: int = 10
    n_negatives: int = 100
    diversity: float = 0.1
    penalty: float = 10.0
    front_end_gradient: float = 0.1
    temperatures: tuple[float, float] = (2.0, 0.5)
    calibrated: bool = True
    plan: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> PretrainingOptions:
        """Return options by name; raises `UnknownName` where there is no such option."""
        known = [option.name for option in dataclasses.fields(cls)]
        for name in given:
            if name not in known:
                raise UnknownName("option of preset wav2vec2-pretraining", name, known)
        return cls(**given)

    def training_plan(self, seed: int) -> TrainingPlan:
        """Return the plan of the loop; the last weights are kept, since a lower loss need not be a better encoder."""
        kept = {"epochs": self.epochs, "learning_rate": self.learning_rate, "warmup": self.warmup}
        paper = {"betas": (0.9, 0.98), "weight_decay": 0.01, "average_of": "last"}
        return TrainingPlan(**{**kept, **paper, **self.plan, "seed": seed})

    def lesson(self, n_updates: int) -> Lesson:
        """Return how the losses are made in a run of so many updates."""
        start, end = self.temperatures
        return Lesson(
            spans=Spans(self.mask_share, self.mask_frames),
            n_negatives=self.n_negatives,
            diversity=self.diversity,
            penalty=self.penalty,
            front_end_gradient=self.front_end_gradient,
            cooling=Cooling(start, end, max(1, n_updates // 2)),
        )


def train_wav2vec2_pretraining(
    corpus: Sequence[Utterance],
    valid: Sequence[Utterance],
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    progress: Progress | None = None,
    start: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Recognizer:
    """Pretrain a wav2vec 2.0 encoder on sound, saving it in `folder`; an interrupted run goes on there.

    Parameters
    ----------
    corpus, valid
        Utterances, whose texts are not read; `valid` is only measured.
    folder
        Holds the state of the training, and the encoder afterwards.
    seed
        Of the weights and everything random.
    progress
        Called with (epochs done, all epochs).
    start
        A pretraining checkpoint to go on from, as a folder or the name of a model in the store; `None` begins with
        random weights of the shape asked for.
    options
        See `PretrainingOptions`.

    Raises
    ------
    BadInput
        There is no sound, an option does not fit, or `start` is no pretraining checkpoint of wav2vec 2.0.
    CorruptWeights
        A file of the checkpoint is missing or damaged.
    UnknownName
        No such option, shape or model.
    """
    asked = PretrainingOptions.of(options)
    if not corpus:
        raise BadInput("there is no sound to learn from; name a corpus with a split 'train'")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    began = None if start is None else _pretrained(start)
    model = _new(asked, corpus, seed) if began is None else _opened(began)
    lesson = asked.lesson(asked.epochs * _n_batches(corpus, asked))
    network = PretrainingNetwork(model, lesson)
    task = PretrainingTask(
        Waves(corpus), Waves(valid) if valid else None, lesson, network.n_frames, asked.cut_s, asked.batch_s, seed
    )
    history = train(network, task, asked.training_plan(seed), checkpoint=folder / CHECKPOINT, progress=progress)
    save_encoder(model, folder)
    told = {"n_utterances": len(corpus), "hours": sum(u.duration_s for u in corpus) / 3600, "seed": seed}
    updates = {"n_updates": int(network.n_updates), "n_weights": sum(p.numel() for p in model.parameters())}
    measured = {"valid": task.measured(network), **_losses(history)}
    write_card(folder, began, {**dataclasses.asdict(asked), **told, **updates, **measured})
    return FineTuned.load(folder)


def _n_batches(corpus: Sequence[Utterance], asked: PretrainingOptions) -> int:
    """Return about how many batches an epoch has."""
    heard_s = sum(max(1, round(u.duration_s / asked.cut_s)) * min(u.duration_s, asked.cut_s) for u in corpus)
    return max(1, math.ceil(heard_s / asked.batch_s))


def _pretrained(start: str | os.PathLike[str]) -> Checkpoint:
    began = starting_point(start, {"wav2vec2"})
    if not began.architecture.endswith("ForPreTraining"):
        raise BadInput(
            f"{began.name} is a {began.architecture}, which lacks the quantiser; go on from a Wav2Vec2ForPreTraining, "
            "or leave start out to begin with random weights"
        )
    return began


def _new(asked: PretrainingOptions, corpus: Sequence[Utterance], seed: int) -> Any:
    model = shape_of(asked.shape).network(seed)
    if asked.calibrated:
        calibrate(model, some_sound(corpus))
    return model


def _opened(began: Checkpoint) -> Any:
    from transformers import Wav2Vec2ForPreTraining

    return loaded(Wav2Vec2ForPreTraining, began, attn_implementation="sdpa")


def _losses(history: History) -> dict[str, Any]:
    return {
        "train_losses": list(history.train_losses),
        "valid_losses": [None if loss != loss else loss for loss in history.valid_losses],
    }
