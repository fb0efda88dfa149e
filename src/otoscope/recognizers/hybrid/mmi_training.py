"""Lattice-free MMI from scratch or further: what there is to learn, the network to begin with, and the two passes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from otoscope.core.protocols import Progress
from otoscope.corpora.augmentation import SoundAugmentation
from otoscope.decoding.mmi import PhoneGraph, PhoneTrigrams, denominator_graph, numerator_graph, transcript_lattice
from otoscope.lexicon.pronunciations import cmudict
from otoscope.nets.augment import Augmentation
from otoscope.nets.factorized import FactorizedShape
from otoscope.nets.front_end import FrontEndShape, LogMel
from otoscope.nets.mmi import MmiNetwork
from otoscope.nets.training import TrainingPlan, train
from otoscope.recognizers.hmm.language import Lexicon
from otoscope.recognizers.hybrid.card import HybridCard
from otoscope.recognizers.hybrid.materials import Told, examples_of
from otoscope.recognizers.hybrid.mmi_task import Changes, Example, MmiTask, Place
from otoscope.recognizers.hybrid.model import AcousticScores
from otoscope.recognizers.hybrid.phones import SILENCE, Biphones, PhoneTable, tied_biphones

SPEEDS = (0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2)
"""Of the changed sound; the fastest lend adults the formants of children."""

MASKS = Augmentation(n_bands=2, band_width=12, n_gaps=2, gap_frames=20)


@dataclass(frozen=True)
class Lessons:
    """What there is to learn: examples of both sets, the graph of any phones, the phones' columns and their counts;
    and how many seconds of it at once.
    """

    examples: tuple[Sequence[Example], Sequence[Example]]
    denominator: PhoneGraph
    biphones: Biphones
    counts: Mapping[tuple[str, str], float]
    batch_s: float = 36.0


def lessons_of(
    sets: tuple[Told, Told],
    lexicon: Lexicon,
    unspoken: Sequence[NDArray[np.int16]],
    *,
    places: Mapping[str, tuple[Place, ...]],
    biphones: Biphones | None = None,
    batch_s: float = 36.0,
) -> Lessons:
    """Return the lessons of a training and a held-out set.

    Parameters
    ----------
    unspoken
        16-bit samples in which nobody speaks, learnt as silence.
    places
        Where the phones of training utterances lie, by `materials.key_of` them.
    biphones
        Phones and their columns; tied by the training transcripts if not given.
    batch_s
        Seconds of padded sound in a batch.
    """
    lattices = [[transcript_lattice(words, lexicon) for _, words in part] for part in sets]
    trigrams = PhoneTrigrams.of([*lattices[0], *(transcript_lattice((), lexicon) for _ in unspoken)])
    if biphones is None:
        phones = sorted({phone for variants in cmudict().values() for variant in variants for phone in variant})
        biphones = tied_biphones(trigrams.counts, phones)
    columns = {pair: biphones.columns(*pair) for pair in trigrams.pairs()}
    rate_hz = FrontEndShape().rate_hz
    learnt, held_out = (
        examples_of(part, own, (trigrams, columns), places, rate_hz) for part, own in zip(sets, lattices, strict=True)
    )
    quiet = numerator_graph(transcript_lattice((), lexicon), trigrams, columns)
    learnt += [Example(samples, quiet, ((SILENCE, 0.0, samples.size / rate_hz),)) for samples in unspoken]
    return Lessons((learnt, held_out), denominator_graph(trigrams, columns), biphones, trigrams.counts, batch_s)


def new_acoustic(lessons: Lessons, *, n_units: int, n_bottleneck: int, seed: int) -> AcousticScores:
    """Return an untrained network for these lessons."""
    front_end = FrontEndShape()
    n_columns = 2 * (max(lessons.biphones.units.values()) + 1)
    shape = FactorizedShape(front_end.n_mels, n_columns, n_units=n_units, n_bottleneck=n_bottleneck)
    card = HybridCard("otoscope-en", front_end, "factorized-tdnn", dataclasses.asdict(shape), "mmi")
    return AcousticScores(card, PhoneTable.of(lessons.biphones, lessons.counts), seed=seed)


def train_mmi(
    acoustic: AcousticScores,
    lessons: Lessons,
    sound: SoundAugmentation | None,
    plans: tuple[TrainingPlan | None, TrainingPlan],
    folder: Path,
    *,
    progress: Progress | None = None,
) -> None:
    """Train the network of `acoustic`: first with the phones placed and the sound as it is, if the first plan is given;
    then with their places free and the sound changed. A run that was stopped goes on in its folder.

    Parameters
    ----------
    sound
        What is done to it besides speeds and masks.
    plans
        Of both passes; the first may be `None`.
    """
    placed, free = plans
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(free.seed)
        network = MmiNetwork(acoustic.network)
    front_end = LogMel(acoustic.card.front_end)
    task = MmiTask(
        front_end, lessons.biphones, lessons.denominator, *lessons.examples, Changes(), True, lessons.batch_s
    )
    if placed is not None:
        train(network, task, placed, checkpoint=folder / "placed.pt", progress=progress)
    else:
        network.begin_auxiliary_alike()
    task = dataclasses.replace(task, changes=Changes(SPEEDS, sound, MASKS), placed=False)
    train(network, task, free, checkpoint=folder / "free.pt", progress=progress)
    network.cpu()
