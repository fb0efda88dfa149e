"""The heads of safetensors files: which tensors a file holds, and whether all its bytes are there. Loads no weights."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from otoscope.core import CorruptWeights

LENGTH_BYTES = 8
LONGEST_HEADER = 100_000_000
"""Bytes; the format's own limit."""


def tensor_names(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Return the names of the tensors in a safetensors file, after a check that the file is whole.

    The header gives where each tensor's bytes lie; together they fill the file to its last byte
    (https://github.com/huggingface/safetensors#format).

    Raises
    ------
    CorruptWeights
        The file cannot be read, is no safetensors file, or is shorter or longer than its header says.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(LENGTH_BYTES), "little")
            if not 2 <= length <= min(LONGEST_HEADER, size - LENGTH_BYTES):
                raise CorruptWeights(f"{path} is damaged or no safetensors file: its header is cut short; get it anew")
            header = file.read(length)
    except OSError as error:
        raise CorruptWeights(f"{path} cannot be read: {error.strerror}") from error
    tensors = _parsed(path, header)
    expected = LENGTH_BYTES + length + max((_end(path, name, said) for name, said in tensors.items()), default=0)
    if size != expected:
        state = "cut short" if size < expected else "too long"
        raise CorruptWeights(f"{path} is {state}: {size:,} bytes, and its header promises {expected:,}; get it anew")
    return tuple(tensors)


def _parsed(path: Path, header: bytes) -> dict[str, Any]:
    try:
        tensors = json.loads(header)
    except ValueError:
        raise CorruptWeights(f"{path} is damaged or no safetensors file: its header is no JSON; get it anew") from None
    if not isinstance(tensors, dict):
        raise CorruptWeights(f"{path} is damaged or no safetensors file: its header names no tensors; get it anew")
    tensors.pop("__metadata__", None)
    return tensors


def _end(path: Path, name: str, said: Any) -> int:
    """Return where the bytes of a tensor end, counted from the end of the header."""
    try:
        start, end = said["data_offsets"]
        if 0 <= start <= end:
            return int(end)
    except (KeyError, TypeError, ValueError):
        pass
    raise CorruptWeights(f"{path} is damaged: its header does not say where {name} lies; get it anew")
