"""Making `listener-en` again: which recordings it learns from, and with what options.

`otoscope.listener.ears.making.make(data, folder)` runs the whole recipe on a folder of corpora; the words of the train
splits teach, those of the valid splits and the voices of `voices.VALIDATION` validate.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from otoscope.core.protocols import Aligning, Progress
from otoscope.corpora.manifest import read_manifest
from otoscope.corpora.utterance import Utterance
from otoscope.listener.ears.ears import Ears
from otoscope.listener.ears.training import train

EVERY: Mapping[str, int] = MappingProxyType(
    {
        "fsdd": 1,
        "alphanumeric": 1,
        "dspspeech-en": 1,
        "wake-word": 1,
        "precise-community": 1,
        "ljspeech-mini": 1,
        "wuw-corpus-ii": 2,
        "librispeech-train": 5,
        "speechocean762-train": 8,
        "kathleen-en": 10,
    }
)
"""Corpora learnt from; of each, every so many-th utterance of the train split."""
EVERY_VALID: Mapping[str, int] = MappingProxyType(
    {"fsdd": 3, "alphanumeric": 1, "dspspeech-en": 1, "wuw-corpus-ii": 4, "librispeech-mini": 2}
)
"""The same of the valid splits."""
NOISE = "esc10-noise"
OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "name": "listener-en",
        "n_spoken": 18000,
        "n_told": 3800,
        "n_spoken_valid": 300,
        "n_copies": 2,
        "epochs": 7,
        "learning_rate": 1e-3,
        "ema": 0.998,
        "start": "listener-en",
        "further": ((-6, -3, 0), (-3, 0, 3)),
        "precision": "bfloat16",
    }
)
"""What `listener-en` was made with, its forerunner being the start."""


def people(data: str | os.PathLike[str], every: Mapping[str, int], split: str) -> tuple[Utterance, ...]:
    """Return utterances of corpora in a folder; the order is that of `every`.

    Raises
    ------
    BadInput
        A corpus is not there.
    """
    return tuple(one for name, step in every.items() for one in read_manifest(Path(data) / name, split=split)[::step])


def make(
    data: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    aligner: Aligning,
    seed: int = 1,
    progress: Progress | None = None,
    **options: Any,
) -> Ears:
    """Make the ears of the listener, or go on making them in a folder.

    Parameters
    ----------
    data
        Folder with the corpora of `EVERY` and `EVERY_VALID`, and with `NOISE`.
    folder
        For features, checkpoint and the finished ears.
    aligner
        Places the phones of what people say; `otoscope-en` did for `listener-en`.
    options
        In place of those of `OPTIONS`; see `otoscope.listener.ears.training.Options`.
    """
    return train(
        people(data, EVERY, "train"),
        people(data, EVERY_VALID, "valid"),
        folder,
        aligner=aligner,
        seed=seed,
        progress=progress,
        **{**OPTIONS, "noise": str(Path(data) / NOISE), **options},
    )
