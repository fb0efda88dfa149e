"""Read-only arrays and equality by value for frozen data classes that hold them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from otoscope.core.errors import BadInput


def frozen_array(values: ArrayLike, *, n_dims: int, name: str, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Return `values` as a read-only array of `n_dims` axes.

    A writable array is copied, so that nobody can change a frozen object from outside.

    Raises
    ------
    BadInput
        The number of axes is wrong; the message gives the shape.

    Examples
    --------
    >>> frozen_array([1, 2], n_dims=1, name="relevance", dtype=float).flags.writeable
    False
    """
    array = np.asarray(values, dtype=dtype)
    if array.ndim != n_dims:
        raise BadInput(f"{name} needs {n_dims} axes, got shape {array.shape}")
    if array.flags.writeable or not array.flags.owndata:
        array = array.copy()
        array.flags.writeable = False
    return array


def set_frozen(instance: Any, **values: Any) -> None:
    """Set fields of a frozen data class inside its own `__post_init__`."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal, arrays and containers of arrays included (NaN equals NaN).

    Examples
    --------
    >>> same({"x": np.zeros(2)}, {"x": np.zeros(2)}), same(np.zeros(2), np.zeros(3))
    (True, False)
    """
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
            return False
        inexact = np.issubdtype(a.dtype, np.inexact) and np.issubdtype(b.dtype, np.inexact)
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=inexact)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, float) and isinstance(b, float) and a != a and b != b:
        return True
    return bool(a == b)


def reduced(instance: Any) -> tuple[Any, ...]:
    """Return how to make a data class again from its fields, for `pickle` and `copy`.

    Making it anew validates it, and keeps arrays read-only, which pickled arrays are not; read-only mappings, which
    cannot be pickled, travel as dicts.
    """
    values = (getattr(instance, field.name) for field in dataclasses.fields(instance))
    return type(instance), tuple(dict(value) if isinstance(value, MappingProxyType) else value for value in values)


class ByValue:
    """Mixin for data classes declared with `eq=False`: equal when all fields are, arrays included."""

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        return all(same(getattr(self, f.name), getattr(other, f.name)) for f in fields if f.compare)

    __hash__ = None  # type: ignore[assignment]
    __reduce__ = reduced
