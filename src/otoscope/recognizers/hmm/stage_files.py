"""Stages on disk: a run that was killed goes on from the last stage that was finished."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from otoscope.recognizers.hmm.examples import Spoken
from otoscope.recognizers.hmm.model_files import model_arrays, model_json, model_of
from otoscope.recognizers.hmm.stages import Stage
from otoscope.recognizers.run_files import KeptFiles

_CARD = "card"


def kept_stage(kept: KeptFiles, name: str, made_from: Mapping[str, Any], make: Callable[[], Stage]) -> Stage:
    """Return a finished stage of a run, made and written down first if it is not there.

    What is returned has always been through the file: a resumed run sees the same numbers as an undisturbed one.

    Parameters
    ----------
    made_from
        JSON values that name all that the stage depends on; a stage of another run is refused.

    Raises
    ------
    BadInput
        The stage was made by a run on other data or with other settings.
    CorruptWeights
        The file is damaged.
    """
    return stage_of(kept.kept(f"{name}.safetensors", made_from, lambda: stage_bytes(make())))


def stage_bytes(stage: Stage) -> bytes:
    """Return a stage as one safetensors file; text stands in it as UTF-8."""
    card = {
        "model": model_json(stage.model),
        "spoken": [[" ".join(s.units), "".join("01"[free] for free in s.optional)] for s in stage.spoken],
    }
    text = np.frombuffer(json.dumps(card, ensure_ascii=False).encode(), np.uint8)
    return save({**model_arrays(stage.model), _CARD: text})


def stage_of(data: bytes) -> Stage:
    """Return the stage that `stage_bytes` wrote."""
    arrays = load(data)
    card = json.loads(arrays.pop(_CARD).tobytes().decode())
    spoken = tuple(Spoken(tuple(u.split()), tuple(f == "1" for f in free)) for u, free in card["spoken"])
    return Stage(model_of(card["model"], arrays), spoken)
