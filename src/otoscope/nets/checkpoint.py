"""Checkpoints of a training run: written whole or not at all, read without running any code in them."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from otoscope.core import CorruptWeights
from otoscope.io.writing import write_bytes


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers, strings and containers of them; a reader never sees half a file."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_bytes(path, buffer.getvalue())


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `write_checkpoint` wrote.

    Raises
    ------
    CorruptWeights
        The file is not such a checkpoint.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise CorruptWeights(f"{path} is not a readable checkpoint; remove it to start anew") from error
    if not isinstance(state, dict) or "plan" not in state:
        raise CorruptWeights(f"{path} is not a checkpoint of a training run; remove it to start anew")
    return state
