"""Any core noun as JSON values, for `--json` and for pages: one way only, what is read again has its own format."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from otoscope.core.errors import BadInput

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]
"""What JSON can hold."""


def to_jsonable(obj: Any) -> JsonValue:
    """Return `obj` as JSON values.

    Data classes become objects with their class name under `type`, arrays become lists, paths become strings, and NaN
    and the infinities, which JSON cannot hold, become null.

    Parameters
    ----------
    obj
        A core noun, an array, a mapping with string keys, a sequence, a set (sorted by its text), or a plain value.

    Raises
    ------
    BadInput
        Something else, by its class name.

    Examples
    --------
    >>> from otoscope.core import Interval
    >>> to_jsonable(Interval(0, 0.5, "so", float("nan")))["score"] is None
    True
    """
    if obj is None or isinstance(obj, bool | str):
        return obj
    if isinstance(obj, int | np.integer):
        return int(obj)
    if isinstance(obj, float | np.floating):
        return float(obj) if math.isfinite(obj) else None
    if isinstance(obj, np.bool_):
        return bool(obj)
    if isinstance(obj, np.ndarray):
        return _list_of(obj)
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        fields = {field.name: to_jsonable(getattr(obj, field.name)) for field in dataclasses.fields(obj)}
        return {"type": type(obj).__name__, **fields}
    return _container(obj)


def dumps(obj: Any, *, indent: int | None = 2) -> str:
    """Return `obj` as JSON text that every JSON reader accepts (no `NaN`, no `Infinity`), ending in a line end."""
    return json.dumps(to_jsonable(obj), indent=indent, ensure_ascii=False, allow_nan=False) + "\n"


def _list_of(array: np.ndarray[Any, Any]) -> JsonValue:
    if np.issubdtype(array.dtype, np.inexact) and not np.isfinite(array).all():
        return to_jsonable(array.tolist())
    return array.tolist()


def _container(obj: Any) -> JsonValue:
    if isinstance(obj, Mapping):
        wrong = next((key for key in obj if not isinstance(key, str)), None)
        if wrong is not None:
            raise BadInput(f"JSON objects have text as keys, got {wrong!r}")
        return {key: to_jsonable(value) for key, value in obj.items()}
    if isinstance(obj, set | frozenset):
        return [to_jsonable(value) for value in sorted(obj, key=str)]
    if isinstance(obj, list | tuple | range):
        return [to_jsonable(value) for value in obj]
    if isinstance(obj, os.PathLike):
        return os.fspath(obj)
    raise BadInput(f"cannot write {type(obj).__name__} as JSON; give core nouns, arrays, mappings and plain values")
