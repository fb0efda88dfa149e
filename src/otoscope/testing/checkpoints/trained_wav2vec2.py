"""A tiny CTC model in the layout of wav2vec 2.0 that really works: English digits, trained in minutes on one core.

It begins with random weights and learns from synthetic voices, and from real recordings of single digits where they
are given, by the fine-tuning that users have (`otoscope.recognizers.wav2vec2.finetuning`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from otoscope.core import Recognizer
from otoscope.core.protocols import Progress
from otoscope.corpora.manifest import Utterance
from otoscope.recognizers.wav2vec2.finetuning import train_wav2vec2
from otoscope.recognizers.wav2vec2.pretraining_shapes import write_untrained
from otoscope.testing.checkpoints.digits import DIGITS

SHAPE: Mapping[str, Any] = {
    "channels": (24, 32, 32, 48, 48, 64, 64),
    "width": 96,
    "n_blocks": 3,
    "n_heads": 4,
    "hidden": 256,
    "positions": 16,
    "position_groups": 4,
}
LAYOUT: Mapping[str, Any] = {"feat_extract_norm": "layer", "conv_bias": True, "do_stable_layer_norm": True}
"""That of the large models: normalised before each block, which learns well from nothing."""

OPTIONS: Mapping[str, Any] = {
    "frozen_front_end": False,
    "head_alone": 0.0,
    "epochs": 14,
    "batch_s": 24.0,
    "learning_rate": 2e-3,
    "mask_share": 0.02,
    "mask_frames": 6,
    "joined": (1, 2),
    "augment": True,
}
"""Of `train_wav2vec2`."""


def train_digit_wav2vec2(
    folder: str | os.PathLike[str],
    spoken: Sequence[Utterance],
    *,
    single: Sequence[Utterance] = (),
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> Recognizer:
    """Train the tiny model into a folder in the layout of the hub; an interrupted run goes on there.

    Parameters
    ----------
    folder
        Gets a folder `start` with the random weights beside the trained model.
    spoken
        Strings of digits in English, of splits train and valid, as `digit_corpora` makes them.
    single
        Recordings of single digits whose texts are numerals, as the Free Spoken Digit Dataset has them.
    options
        Other than `OPTIONS`, of `train_wav2vec2`.
    """
    start = write_untrained(Path(folder) / "start", SHAPE, seed=seed, **LAYOUT)
    told = [*spoken, *(replace(each, text=DIGITS["en"][int(each.text)]) for each in single)]
    learnt, held_out = ([each for each in told if each.split == split] for split in ("train", "valid"))
    asked = {**OPTIONS, **options}
    return train_wav2vec2(learnt, held_out, folder, seed=seed, progress=progress, start=start, **asked)
