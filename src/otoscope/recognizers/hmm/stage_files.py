"""Stages on disk: a run that was killed goes on from the last stage that was finished."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from otoscope.core import BadInput, CorruptWeights
from otoscope.io.writing import make_folder, write_bytes
from otoscope.recognizers.hmm.examples import Spoken
from otoscope.recognizers.hmm.model_files import model_arrays, model_json, model_of
from otoscope.recognizers.hmm.stages import Stage

_CARD = "card"


@dataclass(frozen=True)
class StageFolder:
    """A folder of finished stages, which is made when the first of them is written."""

    folder: Path

    def stage(self, name: str, fingerprint: str, make: Callable[[], Stage]) -> Stage:
        """Return a finished stage, or make it and write it down.

        What is returned has always been through the file: a resumed run sees the same numbers as an undisturbed one.

        Parameters
        ----------
        fingerprint
            Of everything that the stage depends on; a stage of another run is refused.

        Raises
        ------
        BadInput
            The stage was made by a run on other data or with other settings.
        CorruptWeights
            The file is damaged.
        """
        path = self.folder / f"{name}.safetensors"
        if not path.exists():
            stage = make()
            make_folder(self.folder)
            write_bytes(path, stage_bytes(stage, fingerprint))
        stage, found = stage_of(path.read_bytes(), str(path))
        if found != fingerprint:
            raise BadInput(
                f"{path} is of a run on other data or with other settings; remove {self.folder} to start anew"
            )
        return stage


def stage_bytes(stage: Stage, fingerprint: str) -> bytes:
    """Return a stage as one safetensors file; text stands in it as UTF-8."""
    card = {
        "fingerprint": fingerprint,
        "model": model_json(stage.model),
        "spoken": [[" ".join(s.units), "".join("01"[free] for free in s.optional)] for s in stage.spoken],
    }
    text = np.frombuffer(json.dumps(card, ensure_ascii=False).encode(), np.uint8)
    return save({**model_arrays(stage.model), _CARD: text})


def stage_of(data: bytes, name: str) -> tuple[Stage, str]:
    """Return the stage and the fingerprint that `stage_bytes` wrote; `name` is for the error."""
    try:
        arrays = load(data)
        card = json.loads(arrays.pop(_CARD).tobytes().decode())
        spoken = tuple(Spoken(tuple(u.split()), tuple(f == "1" for f in free)) for u, free in card["spoken"])
        return Stage(model_of(card["model"], arrays), spoken), str(card["fingerprint"])
    except (KeyError, ValueError, SafetensorError) as error:
        raise CorruptWeights(f"{name} is damaged: {error}; remove it, and the stage is made again") from error
