"""Traces on disk: a Trace in, a folder or one file out, and an equal Trace back.

A folder holds `trace.json` (everything but arrays, readable by eye) and `arrays.safetensors`; a single file ends in
`.safetensors` and carries the JSON in its header, under `otoscope`. Arrays keep their dtype to the bit, and a SHA-256
over all of them shows damage.

The schema number rises with every change of what is written. A file of an older schema is always read (stored samples
are tested); one of a newer schema is refused.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import (
    Activation,
    Alignment,
    Attention,
    BadFormat,
    CannotWrite,
    Emissions,
    Features,
    FrameGrid,
    Hypothesis,
    Interval,
    OtoscopeError,
    Provenance,
    Recording,
    Site,
    StepScores,
    Tier,
    Trace,
)
from otoscope.io.writing import make_folder, write_bytes, write_text

SCHEMA = 2
"""Number of the layout written here; all up to it are read. 2: a hypothesis may say how it is written."""

JSON_NAME = "trace.json"
ARRAYS_NAME = "arrays.safetensors"

_Arrays = dict[str, NDArray[Any]]

_HEADER_KEY = "otoscope"
_CLASSES: Mapping[str, Any] = {
    cls.__name__: cls
    for cls in (
        Activation,
        Alignment,
        Attention,
        Emissions,
        Features,
        FrameGrid,
        Hypothesis,
        Interval,
        Provenance,
        Recording,
        Site,
        StepScores,
        Tier,
        Trace,
    )
}
_DTYPES = frozenset("float64 float32 float16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool".split())  # noqa: SIM905
_BROKEN = (OtoscopeError, KeyError, TypeError, ValueError, AttributeError, RecursionError)


def save_trace(trace: Trace, path: str | os.PathLike[str]) -> None:
    """Write everything of a Trace to a folder, or to one file where `path` ends in `.safetensors`.

    Each file is written whole or not at all. Other files in the folder are left alone.

    Raises
    ------
    CannotWrite
        The place cannot be written to, or the Trace holds something that has no place in the format (an array of
        complex numbers or objects, a mapping with other keys than text).
    """
    from safetensors.numpy import save

    arrays: _Arrays = {}
    encoded = _encode(trace, "trace", arrays)
    value = {
        "schema": SCHEMA,
        "otoscope": version("otoscope"),
        "arrays_sha256": _digest(arrays),
        "trace": encoded,
    }
    if Path(path).suffix == ".safetensors":
        write_bytes(path, save(arrays, metadata={_HEADER_KEY: json.dumps(value, allow_nan=False)}))
        return
    folder = make_folder(path)
    write_bytes(folder / ARRAYS_NAME, save(arrays))
    write_text(folder / JSON_NAME, json.dumps(value, indent=1, allow_nan=False) + "\n")


def load_trace(path: str | os.PathLike[str]) -> Trace:
    """Read what `save_trace` wrote.

    Returns
    -------
    Trace
        Equal to the one saved, its recording's `source` included.

    Raises
    ------
    BadFormat
        Missing, damaged, not a Trace, or of a schema newer than this version knows.
    """
    name = os.fspath(path)
    folder = Path(path)
    if folder.is_dir():
        if not (folder / JSON_NAME).is_file():
            raise BadFormat(f"{name}: no Trace: the folder holds no {JSON_NAME}")
        try:
            text: str | None = (folder / JSON_NAME).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadFormat(f"{name}: {JSON_NAME} cannot be read: {error}") from error
        arrays, _ = _read_arrays(folder / ARRAYS_NAME)
    else:
        arrays, header = _read_arrays(folder)
        text = header.get(_HEADER_KEY)
    if text is None:
        raise BadFormat(f"{name}: no Trace: its header has no {_HEADER_KEY!r}; is it a file of weights?")
    return _decoded(name, text, arrays)


def _read_arrays(path: Path) -> tuple[_Arrays, dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise BadFormat(f"{path}: no such Trace file")
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise BadFormat(f"{path}: damaged, or no safetensors file: {reason}; save the Trace again") from error


def _decoded(name: str, text: str, arrays: _Arrays) -> Trace:
    try:
        value = json.loads(text)
        schema = value["schema"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadFormat(f"{name}: damaged, its JSON cannot be read ({_brief(error)}); save the Trace again") from error
    if not isinstance(schema, int) or not 1 <= schema <= SCHEMA:
        raise BadFormat(f"{name}: Trace schema {schema!r}, this version reads up to {SCHEMA}: upgrade otoscope")
    try:
        if value["arrays_sha256"] != _digest(arrays):
            raise BadFormat(f"{name}: damaged, its arrays are not those that were saved; save the Trace again")
        trace = _decode(value["trace"], arrays)
        if not isinstance(trace, Trace):
            raise TypeError(f"it holds a {type(trace).__name__}")
    except BadFormat:
        raise
    except _BROKEN as error:
        raise BadFormat(f"{name}: damaged or no Trace ({_brief(error)}); save the Trace again") from error
    return trace


def _encode(value: Any, place: str, arrays: _Arrays) -> Any:
    """Return `value` as JSON values, its arrays put into `arrays` under the place they were found."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"type": "float", "value": repr(value)}
    if isinstance(value, np.ndarray):
        return _encode_array(value, place, arrays)
    if isinstance(value, list | tuple):
        return [_encode(item, f"{place}/{n}", arrays) for n, item in enumerate(value)]
    if isinstance(value, Mapping):
        if any(not isinstance(key, str) for key in value):
            raise CannotWrite(f"{place}: a Trace file has text as keys, got {next(iter(value))!r}")
        return {"type": "mapping", "items": {k: _encode(v, f"{place}/{k}", arrays) for k, v in value.items()}}
    if type(value) is _CLASSES.get(type(value).__name__):
        fields = [field.name for field in dataclasses.fields(value)]
        encoded = {field: _encode(getattr(value, field), f"{place}/{field}", arrays) for field in fields}
        return {"type": type(value).__name__, **encoded}
    raise CannotWrite(f"{place}: a Trace file cannot hold a {type(value).__name__}; use numbers, text, lists, arrays")


def _encode_array(array: NDArray[Any], place: str, arrays: _Arrays) -> dict[str, str]:
    if array.dtype.name not in _DTYPES or not array.dtype.isnative:
        raise CannotWrite(
            f"{place}: a Trace file cannot hold arrays of {array.dtype}; one of {', '.join(sorted(_DTYPES))}"
        )
    name = place
    while name in arrays:  # two sites whose names differ only in where a slash stands
        name += "'"
    arrays[name] = np.ascontiguousarray(array).reshape(array.shape)
    return {"type": "array", "name": name}


def _decode(value: Any, arrays: _Arrays) -> Any:
    if isinstance(value, list):
        return [_decode(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    fields = dict(value)
    kind = fields.pop("type")
    if kind == "array":
        return arrays[fields["name"]]
    if kind == "float":
        return float(fields["value"])
    if kind == "mapping":
        return {key: _decode(item, arrays) for key, item in fields["items"].items()}
    return _CLASSES[kind](**{key: _decode(item, arrays) for key, item in fields.items()})


def _digest(arrays: _Arrays) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _brief(error: BaseException) -> str:
    return f"no {error.args[0]!r}" if isinstance(error, KeyError) else (str(error).splitlines() or [""])[0]
