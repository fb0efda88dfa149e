"""A family that learns in a second, and a corpus to learn from: for the tests of `train`."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np
import soundfile

from otoscope.nets.acoustic import AcousticShape
from otoscope.nets.augment import Augmentation
from otoscope.nets.examples import Joining
from otoscope.nets.training import TrainingPlan
from otoscope.recognizers.ctc import CTCRecognizer
from otoscope.recognizers.ctc.card import LETTERS
from otoscope.recognizers.ctc.training import Recipe
from otoscope.studies.digits import CARD

REFERENCE = "toy_trainer:train"


def train(corpus, valid, folder, *, seed=0, progress=None, epochs=2, slow_s=0.0, learning_rate=0.01):
    """Train a very small CTC network; every epoch takes `slow_s` longer."""
    card = dataclasses.replace(CARD, network=AcousticShape(40, len(LETTERS), (2,), (2,), n_units=4, n_layers=1))
    recognizer = CTCRecognizer(card, seed=seed)

    def told(done, total):
        time.sleep(slow_s)
        if progress is not None:
            progress(done, total)

    recognizer.fit(
        corpus,
        valid=valid,
        plan=TrainingPlan(epochs=epochs, learning_rate=learning_rate, seed=seed, checkpoint_steps=1),
        recipe=Recipe(Joining(n_words=(1, 2)), Augmentation(warp=1.0, channel=0.0), batch_s=1.0),
        checkpoint=folder / "digits.pt",
        progress=told,
    )
    recognizer.save(folder)
    return recognizer


def write_corpus(folder: Path, splits=("train", "valid"), *, speaker=None) -> Path:
    """Write a corpus of noise that is said to be digits, with a speaker of its own in each split."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, rows = np.random.default_rng(0), ["id\tpath\tspeaker\ttext\tduration_s\tsplit"]
    for split in splits:
        for k in range(4):
            name = f"{split}{k}"
            soundfile.write(folder / f"{name}.wav", 0.1 * rng.standard_normal(3200), 8000)
            rows.append(f"{name}\t{name}.wav\t{speaker or split}\t{('one', 'two')[k % 2]}\t0.4\t{split}")
    (folder / "manifest.tsv").write_text("\n".join(rows) + "\n")
    return folder
