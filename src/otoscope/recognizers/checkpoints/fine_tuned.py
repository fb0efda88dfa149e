"""A checkpoint that was trained further here: a folder in the layout of the hub, and a card that says how it was made.

The card is `recognizer.json`, as every saved recogniser has; `otoscope.load` finds in it that the folder is opened as a
checkpoint, and others see from it what the model was trained from, on which data, with which settings.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from otoscope.core import BadInput, Recognizer
from otoscope.io.writing import write_text
from otoscope.recognizers.checkpoints.folder import Checkpoint, read_checkpoint
from otoscope.recognizers.checkpoints.opening import open_checkpoint
from otoscope.recognizers.checkpoints.store import find
from otoscope.recognizers.registry import CARD

OPENED_BY = "otoscope.recognizers.checkpoints.fine_tuned:FineTuned"

MADE_ANEW = ("config.json", "generation_config.json", CARD, "run.json")
"""Files that a trained model gets of its own; everything else that is no weights is taken over."""


class FineTuned:
    """What `recognizer.json` names as the opener of such a folder."""

    @staticmethod
    def load(folder: str | os.PathLike[str], **parameters: Any) -> Recognizer:
        """Open the folder as the family of the checkpoint does; raises like `open_checkpoint`."""
        return open_checkpoint(folder, **parameters)


def starting_point(start: str | os.PathLike[str] | None, model_types: Collection[str]) -> Checkpoint:
    """Return the checkpoint that a training begins with.

    Parameters
    ----------
    start
        A folder, or the name of a model in the store.
    model_types
        Kinds of models that can be trained so.

    Raises
    ------
    BadInput
        None is named, it is of another kind, or it is not in the store.
    CorruptWeights
        A file is missing or damaged.
    """
    if start is None:
        raise BadInput("which model is to be trained further? name its folder, or a model in the store: --from NAME")
    name = os.fspath(start)
    checkpoint = read_checkpoint(name if Path(name).is_dir() else find(name).folder)
    if checkpoint.model_type not in model_types:
        raise BadInput(
            f"{name} is a model of type {checkpoint.model_type!r}; this preset trains {', '.join(sorted(model_types))}"
        )
    return checkpoint


def take_over(start: Checkpoint, folder: Path, *, but: Iterable[str] = ()) -> None:
    """Copy what belongs to a checkpoint beside its weights and configuration: tokenizer, feature extractor."""
    left = {*MADE_ANEW, *but}
    for path in sorted(start.folder.iterdir()):
        small = path.suffix in (".json", ".txt", ".model") and not path.name.endswith(".index.json")
        if path.is_file() and small and path.name not in left and not path.name.startswith("otoscope-"):
            shutil.copyfile(path, folder / path.name)


def write_card(folder: Path, start: Checkpoint | None, training: Mapping[str, Any]) -> None:
    """Write `recognizer.json`, after everything else: opener, hash of the weights, where they began, how they learnt.

    Parameters
    ----------
    start
        What was trained further; `None` for a network that began with random weights.
    training
        JSON values.
    """
    began = None if start is None else {"name": start.name, "revision": start.revision, "sha256": start.sha256}
    card = {
        "schema": 1,
        "class": OPENED_BY,
        "weights_sha256": read_checkpoint(folder).sha256,
        "start": began,
        "training": dict(training),
    }
    write_text(folder / CARD, json.dumps(card, indent=1, ensure_ascii=False) + "\n")
