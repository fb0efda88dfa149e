"""Making ears: lessons, features, training, calibration; a run that was stopped goes on where it was.

`train(corpus, valid, folder, aligner=load("otoscope-en"))` leaves in `folder` what `Ears.load(folder)` opens.

1. Synthetic words (`otoscope.listener.ears.lessons`), none by a voice of `voices.JUDGED`, and the corpus, its phones
   placed by `aligner`; of each one copy with faint noise, and `n_copies - 1` at other speeds, in noise, in rooms, by
   telephone. Features are kept in `folder/features`, a few minutes of sound a file.
2. A `CausalTdnn` learns which third of which phone, or silence, each frame is in; a new one, or that of other ears
   (`start`), with more layers if need be (`further`).
3. How often and how long each state is met; the temperature that makes its probabilities true on held-out frames.

`otoscope.listener.ears.making` says what `listener-en` was made from.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput
from otoscope.core.arrays import set_frozen
from otoscope.core.protocols import Aligning, Progress
from otoscope.corpora.augmentation import SoundAugmentation
from otoscope.corpora.rooms import random_rooms
from otoscope.corpora.sound_bank import noise_bank
from otoscope.corpora.utterance import Utterance
from otoscope.listener.ears.card import N_STATES, EarsCard
from otoscope.listener.ears.ears import Ears
from otoscope.listener.ears.hearing import N_CHANNELS, N_FEATURES
from otoscope.listener.ears.labels import PHONES
from otoscope.listener.ears.lessons import spoken_lessons, told_lessons
from otoscope.listener.ears.network import Network, log_softmax
from otoscope.listener.ears.rows import kept_features
from otoscope.listener.ears.voices import VALIDATION

if TYPE_CHECKING:
    from otoscope.nets.causal_frames import Rows
    from otoscope.nets.causal_tdnn import CausalTdnn
    from otoscope.nets.training.plan import Precision

N_COLUMNS = N_STATES * len(PHONES) + 1
LONGEST, BEFORE = 400, 70
"""Frames of the pieces that long utterances are cut into, and of what comes along before each."""
STEPS, BATCH_FRAMES = 20, (300, 6000)
"""Least steps an epoch, and least and most frames in a batch (padded)."""
TEMPERATURES = np.linspace(0.6, 2.0, 29)


@dataclass(frozen=True)
class Options:
    """What is learnt from, and how.

    Parameters
    ----------
    name
        Of the ears.
    n_spoken, n_spoken_valid
        Synthetic words to learn from, and (of `voices.VALIDATION`) to validate on.
    n_told
        Most utterances of people, and words cut out of them, to learn from; `None`: all.
    n_copies
        How often each lesson is heard with its sound changed in another way.
    noise
        Folder of noises with a manifest, such as `esc10-noise`; `None`: hiss and rooms only.
    epochs, learning_rate, n_units, ema, precision
        Of the network and how it learns; see `otoscope.nets.training.TrainingPlan`.
    start
        Ears to go on from, by name or folder; they fix the network, `n_units` aside. `None`: a new network.
    further
        Offsets of each layer that is added behind those of the start; at first it changes nothing.
    """

    name: str = "listener"
    n_spoken: int = 16000
    n_spoken_valid: int = 250
    n_told: int | None = None
    n_copies: int = 2
    noise: str | None = None
    epochs: int = 12
    learning_rate: float = 2e-3
    n_units: int = 256
    ema: float | None = None
    precision: Precision = "float32"
    start: str | None = None
    further: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        set_frozen(self, further=tuple(tuple(own) for own in self.further))
        if min(self.n_copies, self.epochs, self.n_units) < 1 or min(self.n_spoken, self.n_spoken_valid) < 0:
            raise BadInput(f"n_copies, epochs and n_units must be 1 or more, numbers of words 0 or more, got {self}")
        if self.further and self.start is None:
            raise BadInput("further layers are added to other ears: name them (start=…)")


def train(
    corpus: Sequence[Utterance],
    valid: Sequence[Utterance],
    folder: str | os.PathLike[str],
    *,
    aligner: Aligning | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> Ears:
    """Train ears, or go on training those in a folder.

    Parameters
    ----------
    corpus, valid
        People, to learn from and to validate on; both may be empty.
    folder
        For features, checkpoint and the finished ears.
    aligner
        Places the phones of the corpus: a recogniser with `align`, whose phones are ARPAbet.
    options
        Those of `Options`.

    Raises
    ------
    BadInput
        An option is not known, there is nothing to learn from, people but no aligner, or the folder holds a run with
        other options.
    MissingExtra
        torch or espeakng-loader is not installed.
    """
    chosen = _chosen(options)
    if (corpus or valid) and aligner is None:
        raise BadInput("a corpus needs aligner=…, a recogniser that places phones, such as otoscope-en")
    place = Path(folder)
    _claim(place, {"seed": seed, **dataclasses.asdict(chosen), "n_people": [len(corpus), len(valid)]})
    sets = [
        _rows(place / "features" / split, chosen, people, aligner, seed=seed)
        for split, people in (("train", corpus), ("valid", valid))
    ]
    if not len(sets[0]):
        raise BadInput("there is nothing to learn from: give a corpus, or n_spoken above 0")
    network = _trained(sets[0], sets[1], chosen, place / "checkpoint.pt", seed=seed, progress=progress)
    ears = _calibrated(network, sets, chosen, {"seed": seed, **dataclasses.asdict(chosen)})
    ears.save(place)
    return Ears.load(place)


def _chosen(options: dict[str, Any]) -> Options:
    known = {field.name for field in dataclasses.fields(Options)}
    if unknown := sorted(set(options) - known):
        raise BadInput(f"unknown option {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return Options(**options)


def _claim(folder: Path, made_from: dict[str, Any]) -> None:
    """Write down what a run is made from, or check that it is the same run."""
    folder.mkdir(parents=True, exist_ok=True)
    path, text = folder / "run.json", json.dumps(made_from, indent=1)
    if path.exists() and path.read_text("utf-8") != text:
        raise BadInput(f"{folder} holds a run with other options (run.json); take another folder")
    path.write_text(text, "utf-8")


def _rows(folder: Path, chosen: Options, people: Sequence[Utterance], aligner: Aligning | None, *, seed: int) -> Rows:
    """Return features and labels of one split, the last part of the folder's name; they are kept there."""
    training = folder.name == "train"
    n_spoken, voices = (chosen.n_spoken, None) if training else (chosen.n_spoken_valid, VALIDATION)
    kinds = {"spoken": spoken_lessons(n_spoken, seed=seed, voices=voices)}
    if people and aligner is not None:
        kinds["told"] = islice(told_lessons(people, aligner, seed=seed), chosen.n_told if training else None)
    changes, n_copies = _changes(chosen, seed), chosen.n_copies if training else 1
    parts = [
        kept_features(folder / kind, lessons, changes, n_copies=n_copies, seed=(seed, k))
        for k, (kind, lessons) in enumerate(kinds.items())
    ]
    return sum(parts[1:], start=parts[0])


def _changes(chosen: Options, seed: int) -> SoundAugmentation | None:
    if chosen.n_copies == 1:
        return None
    return SoundAugmentation(
        speeds=(1.0,),
        noise=None if chosen.noise is None else noise_bank(chosen.noise, split="train"),
        noise_share=0.5,
        noise_snr_db=(3.0, 30.0),
        hiss_share=0.3,
        hiss_snr_db=(8.0, 45.0),
        rooms=random_rooms(60, seed=seed),
        room_share=0.3,
        telephone_share=0.2,
        gain_db=(-18.0, 6.0),
    )


def _trained(
    rows: Rows, valid: Rows, chosen: Options, checkpoint: Path, *, seed: int, progress: Progress | None
) -> CausalTdnn:
    import torch

    from otoscope.nets.causal_frames import CausalFrames
    from otoscope.nets.training import TrainingPlan
    from otoscope.nets.training import train as learn

    torch.manual_seed(seed)
    network = _network(chosen)
    batch = int(np.clip(sum(map(len, rows.labels)) / STEPS, *BATCH_FRAMES))
    task = CausalFrames(rows.pieces(longest=LONGEST, before=BEFORE), valid, N_CHANNELS, batch_frames=batch)
    if chosen.start is None:
        task.measure(network)
    plan = TrainingPlan(
        epochs=chosen.epochs,
        learning_rate=chosen.learning_rate,
        warmup=0.05,
        clip_norm=2.0,
        seed=seed,
        betas=(0.9, 0.98),
        average_of="last",
        ema=chosen.ema,
        precision=chosen.precision,
    )
    learn(network, task, plan, checkpoint=checkpoint, progress=progress)
    return network


def _network(chosen: Options) -> CausalTdnn:
    """Return a new network, or that of other ears with layers added that add nothing yet."""
    import torch

    from otoscope.nets.causal_tdnn import CausalTdnn, CausalTdnnLayer, CausalTdnnShape

    if chosen.start is None:
        return CausalTdnn(CausalTdnnShape(N_FEATURES, N_COLUMNS, n_units=chosen.n_units))
    known = Ears.load(chosen.start).network
    n_units, offsets = known.weights["widen.bias"].size, (*known.offsets, *chosen.further)
    network = CausalTdnn(CausalTdnnShape(N_FEATURES, N_COLUMNS, known.reach, n_units, offsets))
    own = network.state_dict()
    own.update({name: torch.from_numpy(value.copy()) for name, value in known.weights.items()})
    network.load_state_dict(own)
    for layer in network.layers[len(known.offsets) :]:
        assert isinstance(layer, CausalTdnnLayer)
        torch.nn.init.zeros_(layer.add.weight)
        torch.nn.init.zeros_(layer.add.bias)
    return network


def _calibrated(network: CausalTdnn, sets: Sequence[Rows], chosen: Options, training: dict[str, Any]) -> Ears:
    """Return ears with the priors and durations of the training labels, and the temperature of the held-out ones."""
    shape = network.shape
    weights = {name: value.detach().numpy().astype(np.float32) for name, value in network.state_dict().items()}
    priors, frames = state_statistics(sets[0].labels)
    plain = Network(weights, shape.reach, shape.offsets)
    card = EarsCard(
        chosen.name,
        PHONES,
        tuple(priors.round(4)),
        tuple(frames.round(3)),
        temperature=best_temperature(plain, sets[1]),
        reach=shape.reach,
        offsets=shape.offsets,
        training={**training, "noise": None if chosen.noise is None else Path(chosen.noise).name},
    )
    return Ears(card, plain)


def state_statistics(labels: Sequence[NDArray[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the natural log of how often each column is met, and how many frames it lasts on average.

    A frame of each is added, so that what was never met is rare and not impossible; a state lasts 1.2 frames at least.
    """
    counts, runs = np.ones(N_COLUMNS), np.ones(N_COLUMNS)
    for own in labels:
        counts += np.bincount(own, minlength=N_COLUMNS)
        starts = np.flatnonzero(np.diff(own, prepend=-1))
        runs += np.bincount(own[starts], minlength=N_COLUMNS)
    return np.log(counts / counts.sum()), np.maximum(counts / runs, 1.2)


def best_temperature(network: Network, valid: Rows) -> float:
    """Return what logits are to be divided by for the least cross-entropy on held-out frames; else 1."""
    if not len(valid):
        return 1.0
    found = [network.stream().feed(np.asarray(rows, np.float32), last=True) for rows in valid.features]
    logs, labels = np.concatenate(found), np.concatenate(valid.labels).astype(np.int64)
    at = np.arange(len(labels))
    costs = [-log_softmax(logs / np.float32(t))[at, labels].mean() for t in TEMPERATURES]
    return round(float(TEMPERATURES[int(np.argmin(costs))]), 3)
